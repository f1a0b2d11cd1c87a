/**
 * Binary heap of timed events, such as actions, ordered by (time, sequence number of the push).
 *
 *            [0] 12.0 #4
 *           /           \
 *     [1] 12.0 #7     [2] 30.5 #1      parent of i: (i - 1) >> 1; never larger than its children
 */
export class EventQueue<T extends object = () => void> {
  readonly #times: number[] = [];
  readonly #sequences: number[] = [];
  readonly #events: T[] = [];
  #sequence = 0;

  get size(): number {
    return this.#times.length;
  }

  /** Time of the next event, Infinity when there is none. */
  get nextTime(): number {
    return this.#times[0] ?? Number.POSITIVE_INFINITY;
  }

  push(time: number, event: T): void {
    if (Number.isNaN(time)) throw new RangeError('event time is NaN');
    const sequence = this.#sequence++;
    let hole = this.#times.length;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      // A new event has the highest sequence, so only an earlier time moves it up.
      if (this.#timeAt(parent) <= time) break;
      this.#move(parent, hole);
      hole = parent;
    }
    this.#place(hole, time, sequence, event);
  }

  /** Takes the next event out. The queue must not be empty. */
  pop(): T {
    const event = this.#eventAt(0);
    const time = this.#times.pop() ?? Number.NaN;
    const sequence = this.#sequences.pop() ?? Number.NaN;
    const moved = this.#events.pop() ?? event;
    if (this.#times.length > 0) this.#sink(time, sequence, moved);
    return event;
  }

  #sink(time: number, sequence: number, event: T): void {
    const size = this.#times.length;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#before(child + 1, child)) child++;
      const childTime = this.#timeAt(child);
      if (time < childTime || (time === childTime && sequence < this.#sequenceAt(child))) break;
      this.#move(child, hole);
      hole = child;
    }
    this.#place(hole, time, sequence, event);
  }

  #before(a: number, b: number): boolean {
    const difference = this.#timeAt(a) - this.#timeAt(b);
    return difference < 0 || (difference === 0 && this.#sequenceAt(a) < this.#sequenceAt(b));
  }

  #move(from: number, to: number): void {
    this.#place(to, this.#timeAt(from), this.#sequenceAt(from), this.#eventAt(from));
  }

  #place(index: number, time: number, sequence: number, event: T): void {
    this.#times[index] = time;
    this.#sequences[index] = sequence;
    this.#events[index] = event;
  }

  #timeAt(index: number): number {
    return this.#times[index] ?? Number.NaN;
  }

  #sequenceAt(index: number): number {
    return this.#sequences[index] ?? Number.NaN;
  }

  #eventAt(index: number): T {
    const event = this.#events[index];
    if (event === undefined) throw new RangeError('event queue is empty');
    return event;
  }
}
