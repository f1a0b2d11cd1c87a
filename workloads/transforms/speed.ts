import { UserError } from '../../src/core/errors.ts';
import { numberArg, type Transform } from './transform.ts';

/** The same requests `factor` times as fast: due times divided by it, to whole microseconds, the order kept. */
export const speed: Transform = (source, args) => {
  const factor = numberArg('speed', args, 'factor');
  if (!(factor > 0)) throw new UserError(`--speed: got ${factor}, expected a number above 0`);
  return async function* () {
    for await (const batch of source.open())
      yield batch.map((request) => ({ ...request, dueUs: spedUp(request.dueUs, factor, `--speed ${factor}`) }));
  };
};

/** A time when all runs `factor` times as fast, rounded half up. Throws a UserError where no time is that late. */
export function spedUp(dueUs: number, factor: number, option: string): number {
  const us = Math.floor(dueUs / factor + 0.5);
  if (Number.isSafeInteger(us)) return us;
  throw new UserError(`${option}: makes the trace longer than 285 years; give a higher one`);
}
