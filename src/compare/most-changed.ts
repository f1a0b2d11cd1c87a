import type { Comparison } from '../schema/comparison.ts';
import type { ComparedRequest, LoadedRun } from './load-runs.ts';

type Changed = Comparison['most_changed'][number];

const MOST = 10;

/** The requests whose latency changed most, by the ratio; one that failed on one side alone first. */
export function mostChanged(base: LoadedRun, now: LoadedRun): Changed[] {
  const found: Measured[] = [];
  for (const [id, a] of base.requests) {
    const b = now.requests.get(id);
    if (b !== undefined) found.push(...changesOf(id, a, b));
  }
  return found
    .toSorted((x, y) => y.by - x.by || (x.change.request_id < y.change.request_id ? -1 : 1))
    .slice(0, MOST)
    .map(({ change }) => change);
}

/** `by`: the ratio of the larger to the smaller. */
interface Measured {
  readonly change: Changed;
  readonly by: number;
}

function changesOf(id: string, a: ComparedRequest, b: ComparedRequest): Measured[] {
  return (['ttft', 'tpot', 'e2e'] as const).flatMap((metric) => {
    const [from, to] = [a[`${metric}Us`], b[`${metric}Us`]];
    const hasFailed = [Number.isNaN(a.e2eUs), Number.isNaN(b.e2eUs)];
    if (hasFailed[0] === true && hasFailed[1] === true) return [];
    if (hasFailed.includes(true)) {
      if (metric !== 'e2e') return [];
      return [{ change: { request_id: id, metric, base_ms: msOf(from), new_ms: msOf(to) }, by: Infinity }];
    }
    if (!(from > 0 && to > 0)) return [];
    const by = Math.max(from / to, to / from);
    return [{ change: { request_id: id, metric, base_ms: msOf(from), new_ms: msOf(to) }, by }];
  });
}

function msOf(us: number): number | null {
  return Number.isNaN(us) ? null : us / 1000;
}
