import { createHash } from 'node:crypto';
import { COLUMN_NAMES, RECORD_COLUMNS, type RequestRecord } from '../core/record.ts';

/**
 * `records_sha256`: of a run in virtual time the same on every machine. The recipe:
 *
 * - one JSON array a request, without spaces, of these columns in the order of RECORD_COLUMNS: all int32 and int64
 *   columns but `worker` and those added since 0.3 (`hidden_tokens`, `output_tokens_reported`, `lumped_tokens`,
 *   `held_us`, `prefill_call_us`, `handover_us`, `first_decode_us`, `planned_us`), null where there is no value, and `token_times_us` as an array of its first time and then each time less
 *   the one before;
 * - sorted by `due_us`, then by `request_id` in order of UTF-16 code units;
 * - SHA-256 over the UTF-8 of these lines, each followed by "\n"; in hexadecimal.
 */
export class RecordsDigest {
  readonly #ranks: Uint32Array | null;
  readonly #hash = createHash('sha256');
  /** Lines that came before one that has its place before them, by rank; without ranks all of them. */
  readonly #waiting = new Map<number, Line>();
  #added = 0;
  #hashed = 0;

  /** `ranks`: the place of each record that will be added; null: not known, and every line is kept to the end. */
  constructor(ranks: Uint32Array | null = null) {
    this.#ranks = ranks;
  }

  add(record: RequestRecord): void {
    const number = this.#added++;
    const rank = this.#ranks === null ? number : this.#ranks[number];
    if (rank === undefined) throw new Error(`record ${number} has no rank`);
    this.#waiting.set(rank, { dueUs: record.due_us, id: record.request_id, json: line(record) });
    if (this.#ranks !== null) this.#hashReady();
  }

  sha256(): string {
    const rest = [...this.#waiting.values()];
    rest.sort((a, b) => a.dueUs - b.dueUs || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
    for (const { json } of rest) this.#hash.update(json).update('\n');
    return this.#hash.digest('hex');
  }

  #hashReady(): void {
    for (let next; (next = this.#waiting.get(this.#hashed)) !== undefined; this.#hashed++) {
      this.#waiting.delete(this.#hashed);
      this.#hash.update(next.json).update('\n');
    }
  }
}

interface Line {
  readonly dueUs: number;
  readonly id: string;
  readonly json: string;
}

const LEFT_OUT: ReadonlySet<string> = new Set([
  'worker',
  'hidden_tokens',
  'output_tokens_reported',
  'lumped_tokens',
  'held_us',
  'prefill_call_us',
  'handover_us',
  'first_decode_us',
  'planned_us',
]);

const COLUMNS = COLUMN_NAMES.filter(
  (name) => !LEFT_OUT.has(name) && ['int32', 'int64', 'int64_list'].includes(RECORD_COLUMNS[name][0]),
);

function line(record: RequestRecord): string {
  return JSON.stringify(
    COLUMNS.map((name) => {
      const value = record[name];
      return value instanceof Float64Array ? deltas(value) : value;
    }),
  );
}

function deltas(times: Float64Array): number[] {
  const gaps: number[] = [];
  let before = 0;
  for (let i = 0; i < times.length; i++) {
    const time = times[i] ?? Number.NaN;
    gaps.push(time - before);
    before = time;
  }
  return gaps;
}
