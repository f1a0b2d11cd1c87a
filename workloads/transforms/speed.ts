import { UserError } from '../../src/core/errors.ts';
import { numberArg, type Transform } from './transform.ts';

/** The same requests `factor` times as fast: due times divided by it, to whole microseconds, the order kept. */
export const speed: Transform = (source, args) => {
  const factor = numberArg('speed', args, 'factor');
  if (!(factor > 0)) throw new UserError(`--speed: got ${factor}, expected a number above 0`);
  return async function* () {
    for await (const batch of source.open())
      yield batch.map((request) => ({ ...request, dueUs: Math.floor(request.dueUs / factor + 0.5) }));
  };
};
