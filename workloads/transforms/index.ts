import { UserError } from '../../src/core/errors.ts';
import { didYouMean } from '../../src/core/did-you-mean.ts';
import type { Source, TransformSpec } from '../../src/core/plan.ts';
import { clipInput, clipOutput } from './clip.ts';
import { limit } from './limit.ts';
import { rate } from './rate.ts';
import { sort } from './sort.ts';
import { speed } from './speed.ts';
import type { Transform } from './transform.ts';
import { window } from './window.ts';

/** Every transform there is: adding one is a file and a line here. */
const TRANSFORMS: Readonly<Record<string, Transform>> = {
  sort,
  window,
  rate,
  speed,
  'clip-input': clipInput,
  'clip-output': clipOutput,
  limit,
};

/** The source with one transform more, which is written down in its `transforms`. */
export function applyTransform(
  source: Source,
  note: TransformSpec,
  say: (text: string) => void = () => undefined,
): Source {
  const transform = Object.hasOwn(TRANSFORMS, note.op) ? TRANSFORMS[note.op] : undefined;
  if (transform === undefined)
    throw new UserError(`there is no transform "${note.op}"${didYouMean(note.op, Object.keys(TRANSFORMS))}`);
  return { ...source, transforms: [...source.transforms, note], open: transform(source, note.args, say) };
}
