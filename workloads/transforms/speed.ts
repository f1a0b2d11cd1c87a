import { UserError } from '../../src/core/errors.ts';
import type { Request } from '../../src/core/request.ts';
import { numberArg, type Transform } from './transform.ts';

/** The same requests `factor` times as fast, the order kept; think times too where `scale_think` is 1. */
export const speed: Transform = (source, args) => {
  const factor = numberArg('speed', args, 'factor');
  if (!(factor > 0)) throw new UserError(`--speed: got ${factor}, expected a number above 0`);
  const scalesThink = args['scale_think'] === 1;
  return {
    async *open() {
      for await (const batch of source.open())
        yield batch.map((request) => scaleTime(request, factor, scalesThink, `--speed ${factor}`));
    },
  };
};

/**
 * The request in a trace that runs `factor` times as fast. Every time and duration of a request is scaled here and
 * nowhere else. `option`: the option that set the factor, for the UserError of `scaleUs`.
 */
function scaleTime(request: Request, factor: number, scalesThink: boolean, option: string): Request {
  const scaled = { ...request, dueUs: scaleUs(request.dueUs, factor, option) };
  if (!scalesThink || request.after === undefined) return scaled;
  const after = request.after.map(({ id, thinkUs }) => ({ id, thinkUs: scaleUs(thinkUs, factor, option) }));
  return { ...scaled, after };
}

/** Whole microseconds divided by `factor`, rounded half up. Throws a UserError where the result is too large. */
export function scaleUs(us: number, factor: number, option: string): number {
  const scaled = Math.floor(us / factor + 0.5);
  if (Number.isSafeInteger(scaled)) return scaled;
  throw new UserError(`${option}: makes the trace longer than 285 years; give a higher one`);
}
