import { machineUs } from '../core/wall-clock.ts';
import { coreWaitUs, idleCoresUs } from './cores.ts';

const SAMPLE_EVERY_MS = 100;
/** Share of its time that a thread waits for a core; above this it is kept waiting. */
const KEPT_WAITING_SHARE = 0.02;
/** Cores that were idle on average over the same time; from this many on, the waiting was needless. */
const IDLE_CORES = 0.5;
/**
 * Polling is judged after each period of this length, and ended if the thread waited for a core for more than `CROWDED`
 * of it.
 */
const PERIOD_US = 500_000;
const CROWDED = 0.2;
/** Time without polling after that; doubled each time. */
const BACK_OFF_US = 5e6;

/**
 * Whether the client polls while streams are open: where it pays (`auto`), always, or never. Ahead of a due time it always
 * does. It pays by the certificate of the machine (`src/certificate/polling.ts`), where there is one; else where the
 * client was kept waiting with a core idle.
 */
export const POLL_MODES = ['auto', 'on', 'off'] as const;
export type PollMode = (typeof POLL_MODES)[number];

/** Readings of the machine, in microseconds: its clock, and totals (see `cores.ts`). */
export interface Machine {
  machineUs(): number;
  coreWaitUs(): number | null;
  idleCoresUs(): number | null;
}

/**
 * Decides when the client polls rather than sleeps until bytes come. The kernel wakes a sleeping thread on a core of
 * its choice: on a machine with few cores often the core of the very server that wrote to it, whose time slice the
 * thread then waits for (3-4 ms), with the next core idle. A polling thread keeps its core. So the client polls once it
 * was kept waiting while a core was idle, or a core is idle and polling is known to pay, as long as streams are open and no
 * other thread needs the core.
 */
export class BusyPoll {
  readonly #clock: { busyPolling: boolean };
  readonly #mode: PollMode;
  readonly #pays: boolean | null;
  readonly #machine: Machine;
  #timer: NodeJS.Timeout | undefined;
  #hasOpen = false;
  #isWanted = false;
  #sampledUs = 0;
  #waitedUs = 0;
  /** Idle time of the cores at the last sample, if that sample found this thread kept waiting. */
  #idleUs: number | null = null;
  #period = { fromUs: 0, waitedUs: 0 };
  #notBeforeUs = Number.NEGATIVE_INFINITY;
  #backOffUs = BACK_OFF_US;

  constructor(
    clock: { busyPolling: boolean },
    mode: PollMode = 'auto',
    /** What the certificate says of `auto`; null: nothing. */
    pays: boolean | null = null,
    machine: Machine = { machineUs, coreWaitUs, idleCoresUs },
  ) {
    this.#clock = clock;
    this.#mode = mode;
    this.#pays = pays;
    this.#machine = machine;
  }

  start(): void {
    if (this.#mode !== 'auto') {
      this.#wants(this.#mode === 'on');
      return;
    }
    const waitedUs = this.#machine.coreWaitUs();
    // Without these readings the event loop sleeps as usual.
    if (waitedUs === null || this.#pays === false) return;
    this.#sampledUs = this.#machine.machineUs();
    this.#waitedUs = waitedUs;
    this.#timer = setInterval(this.sample, SAMPLE_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#wants(false);
  }

  /** Whether any stream is open. */
  set hasOpen(hasOpen: boolean) {
    if (hasOpen === this.#hasOpen) return;
    this.#hasOpen = hasOpen;
    this.#clock.busyPolling = this.#isWanted && hasOpen;
  }

  readonly sample = (): void => {
    const nowUs = this.#machine.machineUs();
    const waitedUs = this.#machine.coreWaitUs() ?? this.#waitedUs;
    const lastedUs = nowUs - this.#sampledUs;
    if (!this.#hasOpen) this.#beginPeriod(nowUs, waitedUs); // without streams waiting means nothing
    else if (this.#isWanted) this.#judge(nowUs, waitedUs);
    else if (!this.#mayPay(waitedUs, lastedUs) || nowUs < this.#notBeforeUs) this.#idleUs = null;
    else {
      const idleUs = this.#machine.idleCoresUs();
      const isNeedless = idleUs !== null && this.#idleUs !== null && idleUs - this.#idleUs >= IDLE_CORES * lastedUs;
      this.#beginPeriod(nowUs, waitedUs);
      this.#idleUs = idleUs;
      this.#wants(isNeedless);
    }
    this.#sampledUs = nowUs;
    this.#waitedUs = waitedUs;
  };

  /** Whether polling may pay, if a core is idle. */
  #mayPay(waitedUs: number, lastedUs: number): boolean {
    return this.#pays ?? waitedUs - this.#waitedUs > KEPT_WAITING_SHARE * lastedUs;
  }

  /** Starts a period: earlier waiting does not count in it. */
  #beginPeriod(nowUs: number, waitedUs: number): void {
    this.#period = { fromUs: nowUs, waitedUs };
    this.#idleUs = null;
  }

  #judge(nowUs: number, waitedUs: number): void {
    const lastedUs = nowUs - this.#period.fromUs;
    if (lastedUs < PERIOD_US) return;
    const isCrowded = waitedUs - this.#period.waitedUs > CROWDED * lastedUs;
    this.#beginPeriod(nowUs, waitedUs);
    if (!isCrowded) return;
    this.#wants(false);
    this.#notBeforeUs = nowUs + this.#backOffUs;
    this.#backOffUs *= 2;
  }

  #wants(isWanted: boolean): void {
    this.#isWanted = isWanted;
    this.#clock.busyPolling = isWanted && this.#hasOpen;
  }
}
