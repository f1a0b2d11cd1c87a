import type { Source, TransformSpec } from '../../src/core/plan.ts';
import type { Request } from '../../src/core/request.ts';

/**
 * What is done to a source's requests: checks its arguments at once, then gives a stream that can be opened again.
 * `say` tells the user, once, what it did to the load beyond what was asked for.
 */
export type Transform = (
  source: Source,
  args: TransformSpec['args'],
  say: (text: string) => void,
) => () => AsyncIterable<readonly Request[]>;

/** A numeric argument of a transform; absent or of another kind it is a fault of whoever wrote the note. */
export function numberArg(op: string, args: TransformSpec['args'], name: string): number {
  const value = args[name];
  if (typeof value === 'number') return value;
  throw new Error(`transform ${op}: ${name} is ${String(value)}, expected a number`);
}
