import type { Log } from '../../src/core/log.ts';
import type { Source, TransformSpec } from '../../src/core/plan.ts';
import type { Request } from '../../src/core/request.ts';

/**
 * Changes the requests of a source: checks its arguments at once, then gives a stream that can be opened again. `log`
 * hears, once, what is to be known of it.
 */
export type Transform = (
  source: Source,
  args: TransformSpec['args'],
  log: Log,
) => () => AsyncIterable<readonly Request[]>;

/**
 * A transform whose effect depends on all requests of its source, such as their mean rate: reads them once and gives
 * the transform that has this effect without reading ahead. `log` hears what that does to the load.
 */
export type ResolvingTransform = (source: Source, args: TransformSpec['args'], log: Log) => Promise<TransformSpec>;

/** A numeric argument of a transform; a missing one, or one of another kind, is a fault of the caller. */
export function numberArg(op: string, args: TransformSpec['args'], name: string): number {
  const value = args[name];
  if (typeof value === 'number') return value;
  throw new Error(`transform ${op}: ${name} is ${String(value)}, expected a number`);
}
