import type { RecordBatch, RequestRecord } from '../../core/record.ts';
import { Samples } from '../../metrics/samples.ts';

/** The order in which requests came due, which is not that of the records: those are in the order in which requests ended. */
export class DueOrder {
  readonly #dueUs = new Samples();
  readonly #rows = new Samples();

  add({ due_us, trace_row }: RequestRecord): void {
    this.#dueUs.push(due_us);
    this.#rows.push(trace_row);
  }

  /** Numbers of the records, in due order; where two are due at once, in that of the trace. */
  records(): Uint32Array {
    const [dueUs, rows] = [this.#dueUs.values(), this.#rows.values()];
    return Uint32Array.from(dueUs.keys()).sort(
      (a, b) => (dueUs[a] ?? 0) - (dueUs[b] ?? 0) || (rows[a] ?? 0) - (rows[b] ?? 0) || a - b,
    );
  }
}

/** The records one by one. */
export async function* each(records: AsyncIterable<RecordBatch>): AsyncGenerator<RequestRecord> {
  for await (const batch of records) yield* batch;
}
