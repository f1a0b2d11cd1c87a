import type { Comparison } from '../schema/comparison.ts';
import type { ComparedRequest, LoadedRun } from './load-runs.ts';

type Changed = Comparison['most_changed'][number];

const MOST = 10;

/** The requests whose latency changed most, by the ratio; one that failed on one side alone first. */
export function mostChanged(base: LoadedRun, now: LoadedRun): Changed[] {
  const found: (Changed & { readonly by: number })[] = [];
  for (const [id, a] of base.requests) {
    const b = now.requests.get(id);
    if (b !== undefined) found.push(...changesOf(id, a, b));
  }
  return found
    .toSorted((x, y) => y.by - x.by || (x.request_id < y.request_id ? -1 : 1))
    .slice(0, MOST)
    .map(({ by: _, ...change }) => change);
}

function changesOf(id: string, a: ComparedRequest, b: ComparedRequest): (Changed & { readonly by: number })[] {
  return (['ttft', 'tpot', 'e2e'] as const).flatMap((metric) => {
    const [from, to] = [a[`${metric}Us`], b[`${metric}Us`]];
    const hasFailed = [Number.isNaN(a.e2eUs), Number.isNaN(b.e2eUs)];
    if (hasFailed[0] === true && hasFailed[1] === true) return [];
    if (hasFailed.includes(true)) {
      if (metric !== 'e2e') return [];
      return [{ request_id: id, metric, base_ms: msOf(from), new_ms: msOf(to), by: Infinity }];
    }
    if (!(from > 0 && to > 0)) return [];
    return [{ request_id: id, metric, base_ms: msOf(from), new_ms: msOf(to), by: Math.max(from / to, to / from) }];
  });
}

function msOf(us: number): number | null {
  return Number.isNaN(us) ? null : us / 1000;
}
