import type { Clock } from './clock.ts';
import { EventQueue } from './event-queue.ts';
import { addPauses, noPauses, type Pauses } from './pauses.ts';

/**
 * A timer of whole milliseconds fires 0.1 ms late, beside other programs up to 0.5 ms (p99), so the last stretch before an
 * event is spent polling the clock.
 */
const POLL_BEFORE_US = 500;
/**
 * A time stamp older than this is not shared any more. Bytes that a poll phase hands out had arrived before it, except
 * those that joined a stream's earlier bytes meanwhile: with tokens further apart than this there are none, and no
 * token looks early.
 */
const PHASE_CAP_US = 4000;
/**
 * While polling, the thread sleeps in slices of this length and leaves the core to others; a sleep overshoots by some
 * 60 us.
 */
const NAP_MS = 0.1;
const NAP_UNLESS_DUE_WITHIN_US = 250;
/** Never notified: `Atomics.wait` on it is a sleep with the resolution of the kernel's timers. */
const NEVER_WOKEN = new Int32Array(new SharedArrayBuffer(4));
/** Bytes that may have waited unread for longer than this are a backlog. */
const BACKLOG_US = 1000;
/** A round of the event loop that took no longer than this served no I/O: it was only polling. */
const IDLE_ROUND_US = 25;
/**
 * After such a round the thread looks at its clock alone for this long. Each round leaves some 250 bytes of garbage, as much
 * in all as the requests do: collecting it would delay requests for milliseconds, several times a second.
 */
const SPIN_US = 15;
/** Some 2 us of loads from memory. */
const LOADS = 100;

/** Readings of both clocks that are compared once, when a thread starts. */
const ORIGIN_PAIRS = 20;

/** The machine's monotonic clock, in microseconds on the machine's own zero (CLOCK_MONOTONIC on Linux). */
export function machineUs(): number {
  return machineUsAt(performance.now());
}
/** An instant of `performance.now()`, in milliseconds, on `machineUs`. */
export function machineUsAt(ms: number): number {
  return ms * 1000 + ORIGIN_US;
}
/** The wall clock's time at an instant of `machineUs`, in seconds since 1970. */
export function epochS(us: number): number {
  return performance.timeOrigin / 1000 + (us - ORIGIN_US) / 1e6;
}
const ORIGIN_US = originUs();

/**
 * Zero of `performance.now()` on the machine's clock; it differs from thread to thread. `performance` is slow at its first
 * call, and a thread may lose its core between two readings: the pair that lies closest together tells.
 */
function originUs(): number {
  let [closestUs, origin] = [Infinity, 0];
  for (let pair = 0; pair < ORIGIN_PAIRS; pair++) {
    const beforeUs = hrtimeUs();
    const sinceUs = performance.now() * 1000;
    const apartUs = hrtimeUs() - beforeUs;
    if (apartUs < closestUs) [closestUs, origin] = [apartUs, beforeUs + apartUs / 2 - sinceUs];
  }
  return origin;
}

function hrtimeUs(): number {
  return Number(process.hrtime.bigint()) / 1000;
}

/**
 * The only driver that reads real time. A heap of due actions with one timer: `setTimeout` to 0.5 ms before the next
 * event, then `setImmediate`, so that I/O is served while the clock is polled, with naps in between: two processes that
 * only spin (client and engine on two cores) delay each other by a scheduler slice, about 3 ms. While `busyPolling` is
 * set it polls all the time.
 */
export class WallClock implements Clock {
  readonly #queue = new EventQueue();
  #startUs = machineUs();
  #dueNow: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #polling = false;
  #busyPolling = false;
  #worked = false;
  #finished: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;
  #done: () => boolean = () => false;
  #phaseUs = Number.NEGATIVE_INFINITY;
  #phaseBeganUs = 0;
  #readingUs = 0;
  #unread = noPauses();
  /** The last reading for bytes that arrived. */
  #arrivalUs = Number.NEGATIVE_INFINITY;
  #pollingUs = 0;
  #over = false;
  #arrivedUs = Number.NEGATIVE_INFINITY;
  /** Called after each poll that handed out bytes, and after those that `pollAgain` asked for. */
  onPolled: () => void = () => undefined;
  #isPollAwaited = false;

  /** Moves the run's zero to an instant of `machineUs`; no action may be on the clock yet. */
  startAt(zeroUs: number): void {
    if (this.#queue.size > 0) throw new Error('the clock has been used');
    this.#startUs = zeroUs;
  }

  now(): number {
    return this.#dueNow ?? this.read();
  }

  /** The present, read from the machine. */
  read(): number {
    return machineUs() - this.#startUs;
  }

  /**
   * Arrival time of the bytes of this callback: one reading per poll phase, taken by its first callback, because all
   * bytes that the phase hands out were there when the poll returned.
   */
  phase(): number {
    this.#worked = true;
    const nowUs = (this.#arrivalUs = this.read());
    if (nowUs - this.#phaseUs <= PHASE_CAP_US) return this.#phaseUs;
    if (this.#phaseUs === Number.NEGATIVE_INFINITY) {
      this.#phaseBeganUs = nowUs;
      this.pollAgain();
    }
    this.#phaseUs = nowUs;
    return nowUs;
  }

  /** `phase`, then what is due by now: for the callbacks of a burst of I/O, which would delay it. One reading. */
  stamp(): number {
    const us = this.phase();
    if (this.#queue.nextTime <= this.#arrivalUs && this.#dueNow === undefined) this.#runDue();
    return us;
  }

  /** Runs what is due by now: in the midst of work that would delay it. */
  due(): void {
    if (this.#dueNow === undefined && this.#queue.nextTime <= this.read()) this.#runDue();
  }

  /** The next poll does not block, and `onPolled` is called after it. */
  pollAgain(): void {
    if (this.#isPollAwaited) return;
    this.#isPollAwaited = true;
    setImmediate(this.#polled);
  }

  readonly #polled = (): void => {
    this.#isPollAwaited = false;
    if (this.#phaseUs !== Number.NEGATIVE_INFINITY) this.#endPhase();
    this.onPolled();
  };

  #endPhase(): void {
    this.#phaseUs = Number.NEGATIVE_INFINITY;
    const tookUs = this.read() - this.#phaseBeganUs;
    this.#readingUs += tookUs;
    if (tookUs <= BACKLOG_US) return;
    addPauses(this.#unread, {
      totalUs: tookUs - BACKLOG_US,
      longestUs: tookUs,
      longestAtUs: this.#phaseBeganUs,
    });
  }

  /** Does work of reading what has arrived: it counts as such, and this round of the event loop not as polling. */
  reads(work: () => void): void {
    this.#worked = true;
    const fromUs = this.read();
    work();
    this.#readingUs += this.read() - fromUs;
  }

  /**
   * Time spent on bytes that arrived, from the first of each poll on, in microseconds: sockets, HTTP and tokens. It is
   * CPU time, unless others take the core.
   */
  get readingUs(): number {
    return this.#readingUs;
  }

  /**
   * Times between two polls of the sockets since the last call, in which bytes wait in the kernel: what they took beyond
   * 1 ms each, and the longest whole.
   */
  takeUnread(): Readonly<Pauses> {
    const unread = this.#unread;
    this.#unread = noPauses();
    return unread;
  }

  /** The run's zero on `machineUs`. */
  get zeroUs(): number {
    return this.#startUs;
  }

  /** While set, the event loop polls: it neither blocks nor naps. */
  set busyPolling(isPolling: boolean) {
    this.#busyPolling = isPolling;
    if (isPolling && !this.#polling) this.#arm();
  }

  get busyPolling(): boolean {
    return this.#busyPolling;
  }

  /** CPU time spent polling rather than working, in microseconds. */
  get pollingUs(): number {
    return this.#pollingUs;
  }

  at(timeUs: number, action: () => void): void {
    const earliest = timeUs < this.#queue.nextTime;
    this.#queue.push(timeUs, action);
    if (earliest && !this.#polling) this.#arm();
  }

  /**
   * Runs the actions that are due, then `action` at the present: for events from outside, such as a request over HTTP.
   */
  enter(action: () => void): void {
    this.#runDue();
    action();
  }

  wait(): void {}

  run(done: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#done = done;
      this.#finished = { resolve, reject };
      this.check();
    });
  }

  /** Ends `run` if its condition holds by now; called when something outside the heap has changed the condition. */
  check(): void {
    if (this.#finished === undefined || !this.#done()) return;
    this.#stop().resolve();
  }

  #stop(): { readonly resolve: () => void; readonly reject: (error: unknown) => void } {
    const finished = this.#finished;
    if (finished === undefined) throw new Error('the clock does not run');
    this.#over = true;
    clearTimeout(this.#timer);
    this.#finished = undefined;
    return finished;
  }

  /** `isQuiet`: nothing came of the last round of the event loop, so that nothing waits for the next. */
  #arm(isQuiet = false): void {
    clearTimeout(this.#timer);
    if (this.#over) return; // what is left on the heap, such as timeouts, must not keep the process alive
    const waitUs = this.#busyPolling ? 0 : this.#queue.nextTime - this.read();
    if (waitUs > POLL_BEFORE_US + 1000) {
      this.#timer = setTimeout(this.#arrive, Math.min(Math.floor((waitUs - POLL_BEFORE_US) / 1000), 2 ** 30));
    } else {
      if (isQuiet && waitUs > NAP_UNLESS_DUE_WITHIN_US) {
        Atomics.wait(NEVER_WOKEN, 0, 0, NAP_MS);
        this.#arrivedUs = this.read();
      }
      this.#polling = true;
      setImmediate(this.#arrive);
    }
  }

  readonly #arrive = (): void => {
    const nowUs = this.read();
    const roundUs = nowUs - this.#arrivedUs;
    const isUnused = this.#polling && !this.#worked;
    const isIdle = isUnused && roundUs <= IDLE_ROUND_US;
    this.#arrivedUs = isIdle ? this.#spin(nowUs) : nowUs;
    if (isIdle) this.#pollingUs += roundUs + this.#arrivedUs - nowUs;
    this.#polling = this.#worked = false;
    const hasRun = this.#runDue();
    if ((this.#queue.size > 0 || this.#busyPolling) && !this.#polling) this.#arm(isUnused && !hasRun);
  };

  /** Until the next action is due, or for `SPIN_US`. Returns when it ended. */
  #spin(nowUs: number): number {
    const untilUs = Math.min(nowUs + SPIN_US, this.#queue.nextTime);
    let us = nowUs;
    while (us < untilUs) {
      for (let i = 0; i < LOADS; i++) Atomics.load(NEVER_WOKEN, 0); // a reading of the clock leaves garbage too
      us = this.read();
    }
    return us;
  }

  /** Whether anything was due. */
  #runDue(): boolean {
    let ran = false;
    while (this.#queue.nextTime <= this.read()) {
      this.#dueNow = this.#queue.nextTime;
      ran = true;
      try {
        this.#queue.pop()();
      } catch (thrown) {
        // While `run` is pending, it rejects with the error of an action.
        if (this.#finished === undefined) throw thrown;
        this.#stop().reject(thrown);
        return true;
      } finally {
        this.#dueNow = undefined;
      }
    }
    if (ran) this.check();
    return ran;
  }
}
