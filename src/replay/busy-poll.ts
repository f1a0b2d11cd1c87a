import { machineUs } from '../core/wall-clock.ts';
import { coreWaitUs, idleCoresUs } from './cores.ts';

const LOOK_MS = 100;
/** A thread that waits for a core for more of its time than this is kept waiting, */
const KEPT_WAITING = 0.02;
/** needlessly if so much of one was idle meanwhile. */
const IDLE_CORES = 0.5;
/** Staying polling is judged after each spell of this, and ended if the thread had to wait for more of it than that. */
const SPELL_US = 500_000;
const CROWDED = 0.2;
/** How long it is not tried again then; each time twice as long. */
const REST_US = 5e6;

/** What the machine tells, in microseconds: its clock, and totals (see `cores.ts`). */
export interface Machine {
  machineUs(): number;
  coreWaitUs(): number | null;
  idleCoresUs(): number | null;
}

/**
 * Decides when the client stays polling, polling, rather than sleep until bytes come. A thread that sleeps is woken where
 * the kernel sees fit: on a machine with few cores often behind the very server that wrote to it, whose time slice it
 * then waits for (3-4 ms), with the next core idle. One that does not sleep keeps its core. So: polling when it was kept
 * waiting while a core was idle, for as long as streams are open and nobody else needs the core.
 */
export class BusyPoll {
  readonly #clock: { busyPolling: boolean };
  readonly #machine: Machine;
  #timer: NodeJS.Timeout | undefined;
  #hasOpen = false;
  #isWanted = false;
  #lookedUs = 0;
  #waitedUs = 0;
  /** Idle time of the cores at the last look, if that saw this thread kept waiting. */
  #idleUs: number | null = null;
  #spell = { fromUs: 0, waitedUs: 0 };
  #notBeforeUs = Number.NEGATIVE_INFINITY;
  #restUs = REST_US;

  constructor(clock: { busyPolling: boolean }, machine: Machine = { machineUs, coreWaitUs, idleCoresUs }) {
    this.#clock = clock;
    this.#machine = machine;
  }

  start(): void {
    const waitedUs = this.#machine.coreWaitUs();
    if (waitedUs === null) return; // without these figures the event loop sleeps as usual
    this.#lookedUs = this.#machine.machineUs();
    this.#waitedUs = waitedUs;
    this.#timer = setInterval(this.sample, LOOK_MS).unref();
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
    const lastedUs = nowUs - this.#lookedUs;
    if (!this.#hasOpen) this.#beginSpell(nowUs, waitedUs); // without streams waiting tells nothing
    else if (this.#isWanted) this.#judge(nowUs, waitedUs);
    else if (waitedUs - this.#waitedUs <= KEPT_WAITING * lastedUs || nowUs < this.#notBeforeUs) this.#idleUs = null;
    else {
      const idleUs = this.#machine.idleCoresUs();
      const isNeedless = idleUs !== null && this.#idleUs !== null && idleUs - this.#idleUs >= IDLE_CORES * lastedUs;
      this.#beginSpell(nowUs, waitedUs);
      this.#idleUs = idleUs;
      this.#wants(isNeedless);
    }
    this.#lookedUs = nowUs;
    this.#waitedUs = waitedUs;
  };

  /** What was waited until now does not count for what follows. */
  #beginSpell(nowUs: number, waitedUs: number): void {
    this.#spell = { fromUs: nowUs, waitedUs };
    this.#idleUs = null;
  }

  #judge(nowUs: number, waitedUs: number): void {
    const lastedUs = nowUs - this.#spell.fromUs;
    if (lastedUs < SPELL_US) return;
    const isCrowded = waitedUs - this.#spell.waitedUs > CROWDED * lastedUs;
    this.#beginSpell(nowUs, waitedUs);
    if (!isCrowded) return;
    this.#wants(false);
    this.#notBeforeUs = nowUs + this.#restUs;
    this.#restUs *= 2;
  }

  #wants(isWanted: boolean): void {
    this.#isWanted = isWanted;
    this.#clock.busyPolling = isWanted && this.#hasOpen;
  }
}
