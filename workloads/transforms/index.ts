import { UserError } from '../../src/core/errors.ts';
import { didYouMean } from '../../src/core/did-you-mean.ts';
import { SILENT } from '../../src/core/log.ts';
import type { Source, TransformSpec } from '../../src/core/plan.ts';
import { bySession } from './by-session.ts';
import { clipInput, clipOutput } from './clip.ts';
import { limit } from './limit.ts';
import { live } from './live.ts';
import { rate } from './rate.ts';
import { sessionRate } from './session-rate.ts';
import { sort } from './sort.ts';
import { speed } from './speed.ts';
import { stationary } from './stationary.ts';
import { thinkTimes } from './think-times.ts';
import { traffic } from './traffic.ts';
import type { ResolvingTransform, Transform } from './transform.ts';
import { window } from './window.ts';

/** Every transform there is: adding one is a file and a line here. */
const TRANSFORMS: Readonly<Record<string, Transform>> = {
  sort,
  window,
  speed,
  'clip-input': clipInput,
  'clip-output': clipOutput,
  limit,
  traffic,
  'think-times': thinkTimes,
  'by-session': bySession,
  'session-rate': sessionRate,
  stationary,
  live,
};
const RESOLVING_TRANSFORMS: Readonly<Record<string, ResolvingTransform>> = { rate };

/** A source with transforms, and the same transforms as they can be applied without reading ahead. */
export interface TransformedSource {
  /** Its `transforms` are the given ones: they say what was done, and are written to `run.json`. */
  readonly source: Source;
  /** The given ones with `speed` in place of `rate`: the same requests to the microsecond. */
  readonly resolved: readonly TransformSpec[];
}

/** Applies transforms in order; each `rate` among them reads the source once. Throws a UserError for a wrong argument. */
export async function applyTransforms(
  source: Source,
  transforms: readonly TransformSpec[],
  log = SILENT,
): Promise<TransformedSource> {
  let transformed = source;
  const resolved: TransformSpec[] = [];
  for (const given of transforms) {
    const resolve = own(RESOLVING_TRANSFORMS, given.op);
    const { op, args } = resolve === undefined ? given : await resolve(transformed, given.args, log);
    const transform = own(TRANSFORMS, op);
    if (transform === undefined) throw new UserError(`there is no transform "${op}"${didYouMean(op, NAMES)}`);
    resolved.push({ op, args });
    transformed = {
      ...transformed,
      transforms: [...transformed.transforms, given],
      open: transform(transformed, args, log),
    };
  }
  return { source: transformed, resolved };
}

const NAMES = [...Object.keys(TRANSFORMS), ...Object.keys(RESOLVING_TRANSFORMS)];

function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
