import type { RecordBatch, RequestRecord } from '../../core/record.ts';
import { ascendingOrder } from '../../metrics/ascending-order.ts';
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
    return ascendingOrder(this.#dueUs.values(), this.#rows.values());
  }
}

/** The records one by one. */
export async function* each(records: AsyncIterable<RecordBatch>): AsyncGenerator<RequestRecord> {
  for await (const batch of records) yield* batch;
}
