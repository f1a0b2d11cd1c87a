import type { After } from '../../src/core/request.ts';
import { farTime } from './faults.ts';
import type { RowContext } from './format.ts';

/** When a turn comes, as rows in sessions say it, in milliseconds. */
export interface TurnTimes {
  readonly timestamp?: number | null | undefined;
  /** From the end of the answer before. */
  readonly delay?: number | null | undefined;
}

const EARLIEST =
  'due a delay after the answer before: its time is the earliest, as if that answer took none; --sessions think waits for it';

/**
 * Due times of rows in sessions: of their timestamps, counted from the first of them, or of the turn before and the
 * delay, as if its answer took no time.
 */
export class SessionTimes {
  readonly #isTimed: boolean;
  readonly #remark: RowContext['remark'];
  #firstMs: number | null = null;

  /** `isTimed`: the file says when its sessions start. */
  constructor(isTimed: boolean, { remark }: Pick<RowContext, 'remark'>) {
    this.#isTimed = isTimed;
    this.#remark = remark;
  }

  /** `last`: the session's turn before, if any. A text: what is wrong with the row. */
  due({ timestamp, delay }: TurnTimes, last: { readonly dueUs: number } | undefined): number | string {
    const hasDelay = typeof delay === 'number';
    if (typeof timestamp === 'number') {
      this.#firstMs ??= timestamp;
      return checked(Math.round((timestamp - this.#firstMs) * 1000));
    }
    if (this.#isTimed && (last === undefined || !hasDelay))
      return 'missing_time: timestamp is missing, expected milliseconds from the start of the trace, or a later turn of a session with a delay';
    if (this.#isTimed) this.#remark?.(EARLIEST);
    return checked((last?.dueUs ?? 0) + Math.round((delay ?? 0) * 1000));
  }

  /** What a turn waits for, where its row says it. */
  after({ delay }: TurnTimes, last: { readonly id: string } | undefined): readonly After[] | null {
    return last === undefined || typeof delay !== 'number'
      ? null
      : [{ id: last.id, thinkUs: Math.round(delay * 1000) }];
  }
}

function checked(us: number): number | string {
  return farTime('timestamp', us, 0) ?? us;
}
