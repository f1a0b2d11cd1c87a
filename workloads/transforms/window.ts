import { UserError } from '../../src/core/errors.ts';
import type { Source } from '../../src/core/plan.ts';
import type { Request } from '../../src/core/request.ts';
import { formatMs, threeFigures } from '../../src/core/units.ts';
import { PrefixReuse } from '../inspect/prefix.ts';
import { LeftOut } from './left-out.ts';
import { numberArg, type Transform } from './transform.ts';

/**
 * Requests due in [from_us, to_us), their times counted from the window's start; `to_us` may be absent. `warm` is 1: the
 * prefix blocks of the requests before it count as known. Says what reuse is with them and without.
 */
export const window: Transform = (source, args, { say }) => {
  const fromUs = numberArg('window', args, 'from_us');
  const toUs = args['to_us'] === undefined ? Number.POSITIVE_INFINITY : numberArg('window', args, 'to_us');
  return {
    async *open() {
      const leftOut = new LeftOut();
      const warm = say === null ? null : new PrefixReuse(source.blockTokens ?? null);
      let any = false;
      let lastUs = 0;
      try {
        for await (const batch of source.open()) {
          lastUs = batch.at(-1)?.dueUs ?? lastUs;
          const inside: Request[] = [];
          for (const request of batch) {
            if (request.dueUs >= toUs) break;
            if (request.dueUs < fromUs) warm?.know(request);
            else warm?.add(request);
            for (const kept of leftOut.take(request, request.dueUs >= fromUs))
              inside.push({ ...kept, dueUs: kept.dueUs - fromUs });
          }
          any ||= inside.length > 0;
          if (inside.length > 0) yield inside;
          // An empty window reads on: its message says how far the trace goes.
          if (any && lastUs >= toUs) break;
        }
      } finally {
        leftOut.say(say);
        const reuse = warm?.statistics() ?? null;
        if (reuse !== null && fromUs > 0)
          say?.(`prefix reuse ${threeFigures(reuse.max_hit_ratio)} with the blocks of before the window (--warm)`);
      }
      if (!any) throw emptyWindow(source, fromUs, toUs, lastUs);
    },
    ...(args['warm'] === 1 ? { before: () => until(source, fromUs) } : {}),
  };
};

async function* until(source: Source, endUs: number): AsyncGenerator<readonly Request[]> {
  for await (const batch of source.open()) {
    yield batch.filter(({ dueUs }) => dueUs < endUs);
    if ((batch.at(-1)?.dueUs ?? 0) >= endUs) return;
  }
}

function emptyWindow(source: Source, fromUs: number, toUs: number, lastUs: number): UserError {
  const end = Number.isFinite(toUs) ? formatMs(toUs / 1000) : 'its end';
  const trace = `the trace runs from 0 s to ${formatMs(lastUs / 1000)}`;
  return new UserError(
    `--window: no request of ${source.name} is due from ${formatMs(fromUs / 1000)} to ${end}; ${trace}`,
  );
}
