import { UserError } from '../../src/core/errors.ts';
import type { Source } from '../../src/core/plan.ts';
import { formatMs } from '../../src/core/units.ts';
import { numberArg, type Transform } from './transform.ts';

/** Requests due in [from_us, to_us), their times counted from the window's start; `to_us` may be absent. */
export const window: Transform = (source, args) => {
  const fromUs = numberArg('window', args, 'from_us');
  const toUs = args['to_us'] === undefined ? Number.POSITIVE_INFINITY : numberArg('window', args, 'to_us');
  return async function* () {
    let any = false;
    let lastUs = 0;
    for await (const batch of source.open()) {
      lastUs = batch.at(-1)?.dueUs ?? lastUs;
      const inside = batch.filter(({ dueUs }) => dueUs >= fromUs && dueUs < toUs);
      if (inside.length > 0) {
        any = true;
        yield inside.map((request) => ({ ...request, dueUs: request.dueUs - fromUs }));
      }
      // An empty window reads on: its message says how far the trace goes.
      if (any && lastUs >= toUs) return;
    }
    if (!any) throw emptyWindow(source, fromUs, toUs, lastUs);
  };
};

function emptyWindow(source: Source, fromUs: number, toUs: number, lastUs: number): UserError {
  const end = Number.isFinite(toUs) ? formatMs(toUs / 1000) : 'its end';
  const trace = `the trace runs from 0 s to ${formatMs(lastUs / 1000)}`;
  return new UserError(
    `--window: no request of ${source.name} is due from ${formatMs(fromUs / 1000)} to ${end}; ${trace}`,
  );
}
