import { UserError } from '../src/core/errors.ts';
import type { Source, TransformSpec } from '../src/core/plan.ts';
import { fieldReader } from './transforms/filter.ts';

/** Each is a file of its own, and a reading of the trace. */
const MOST_PARTS = 100;

/** The requests of a trace that have one value of a field. */
export interface Part {
  /** `none` where the trace does not give it. */
  readonly value: string;
  /** What leaves these requests alone of the trace. */
  readonly transform: TransformSpec;
}

/**
 * The parts of a trace by the values of a field that filters know (`class`, `model`, ...), in the order in which they come
 * first. Times stay, so that the parts merged again are the trace. Reads the source once. Throws a UserError for what is no
 * field, and for more than 100 values.
 */
export async function partsOf(source: Source, by: string): Promise<Part[]> {
  const read = fieldReader(by, '--by');
  const values = new Set<string>();
  for await (const batch of source.open())
    for (const request of batch) {
      values.add(read(request));
      if (values.size > MOST_PARTS)
        throw new UserError(
          `--by: ${source.name} has more than ${MOST_PARTS} values of ${by}, each of which would be a file`,
        );
    }
  return [...values].map((value) => ({ value, transform: { op: 'only', args: { by, value } } }));
}
