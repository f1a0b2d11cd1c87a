import type { After, Request } from '../../src/core/request.ts';
import { LargeMap } from '../large-map.ts';
import { quoted, type RowContext } from './format.ts';

/** What a request waits for: the end of an answer, or the start of a request. */
export type WaitsFor = After & { readonly fromStart?: true };

/** A request whose time follows from those that it waits for where it has none. */
export type WaitingRow = Omit<Request, 'dueUs' | 'after'> & {
  readonly dueUs: number | null;
  readonly after: readonly WaitsFor[];
  /** Where it has no time: it is no earlier than this. */
  readonly notBeforeUs?: number;
};

interface Held {
  readonly row: WaitingRow;
  /** How many of those that it waits for have their times. */
  timed: number;
}

/**
 * Gives times to rows that have none: when those that they wait for began, and the think time. A row is held until they
 * have come. Numbers the turns of each session.
 */
export class WaitingRows {
  readonly #rows: RowContext;
  readonly #lines = new LargeMap<string, number>();
  readonly #dueUs = new LargeMap<string, number>();
  readonly #turns = new LargeMap<string, number>();
  /** What requests wait for that wait for anything. */
  readonly #after = new LargeMap<string, readonly After[]>();
  /** By the first id, of those that a row waits for, whose time is not known. */
  readonly #held = new Map<string, Held[]>();

  constructor(rows: RowContext) {
    this.#rows = rows;
  }

  /** The requests whose times are known with this row. */
  *add(row: WaitingRow): Generator<Request> {
    if (this.#lines.get(row.id) !== undefined)
      this.#bad(row, `duplicate_id: id ${quoted(row.id)} stands in an earlier row too, expected unique ids`);
    else if (row.after.some(({ id }) => id === row.id))
      this.#bad(row, `parent_cycle: request ${quoted(row.id)} waits for itself`);
    else {
      this.#lines.set(row.id, row.traceRow);
      yield* this.#settle({ row, timed: 0 });
    }
  }

  /** What is held at the end waits for ids that no row has, which is left out, or in a circle. */
  *rest(): Generator<Request> {
    const left = new Set([...this.#held.values()].flat().map(({ row }) => row.id));
    const missing = [...this.#held.keys()].filter((id) => !left.has(id));
    for (const id of missing)
      for (const { row, timed } of this.#take(id)) {
        const after = row.after.filter((each) => each.id !== id);
        if (after.length > 0 || row.notBeforeUs !== undefined) {
          const next = yield* this.#settle({ row: { ...row, after }, timed });
          if (next !== null && !left.has(next)) missing.push(next);
          continue;
        }
        this.#bad(row, `missing_time: timestamp is missing, and no row has the id that it waits for (${quoted(id)})`);
        left.delete(row.id);
        missing.push(row.id);
      }
    for (const { row } of [...this.#held.values()].flat())
      this.#bad(row, `parent_cycle: request ${quoted(row.id)} waits for itself, by way of ${quoted(row.after[0]?.id)}`);
    this.#held.clear();
  }

  /** Yields a row that has its time, and those that waited for it; gives the id for which it has to wait, if any. */
  *#settle(first: Held): Generator<Request, string | null> {
    const ready = [first];
    let waitsFor: string | null = null;
    for (let held = ready.pop(); held !== undefined; held = ready.pop()) {
      const next = held.row.dueUs === null ? this.#nextUntimed(held) : undefined;
      if (next !== undefined) {
        const others = this.#held.get(next);
        if (others === undefined) this.#held.set(next, [held]);
        else others.push(held);
        if (held === first) waitsFor = next;
        continue;
      }
      yield this.#timed(held.row);
      for (const other of this.#take(held.row.id)) ready.push(other);
    }
    return waitsFor;
  }

  #timed({ dueUs: given, notBeforeUs = 0, after: waits, ...row }: WaitingRow): Request {
    const dueUs =
      given ?? waits.reduce((us, { id, thinkUs }) => Math.max(us, (this.#dueUs.get(id) ?? 0) + thinkUs), notBeforeUs);
    this.#dueUs.set(row.id, dueUs);
    const after = waits.some(({ fromStart }) => fromStart) ? this.#fromEnds(waits) : waits;
    if (after.length > 0) this.#after.set(row.id, after);
    if (row.session === undefined) return { ...row, dueUs, after };
    const turn = this.#turns.get(row.session) ?? 0;
    this.#turns.set(row.session, turn + 1);
    return { ...row, dueUs, after, turn };
  }

  /**
   * Instead of the start of a request what that waits for, longer by the delay: none where it starts at its time. Of an
   * answer that is waited for twice, the longer wait.
   */
  #fromEnds(waits: readonly WaitsFor[]): After[] {
    const longest = new Map<string, number>();
    for (const { id, thinkUs, fromStart } of waits) {
      const ends = fromStart === true ? (this.#after.get(id) ?? []) : [{ id, thinkUs: 0 }];
      for (const end of ends) longest.set(end.id, Math.max(longest.get(end.id) ?? 0, end.thinkUs + thinkUs));
    }
    return [...longest].map(([id, thinkUs]) => ({ id, thinkUs }));
  }

  #nextUntimed(held: Held): string | undefined {
    const { after } = held.row;
    while (held.timed < after.length) {
      const id = after[held.timed]?.id ?? '';
      if (this.#dueUs.get(id) === undefined) return id;
      held.timed++;
    }
    return undefined;
  }

  #take(id: string): readonly Held[] {
    const held = this.#held.get(id) ?? [];
    this.#held.delete(id);
    return held;
  }

  #bad({ traceRow: line }: WaitingRow, message: string): void {
    this.#rows.bad({ line, column: null, message });
  }
}
