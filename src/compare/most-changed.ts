import type { RecordPair } from '../../reports/data/comparison-data.ts';
import type { RecordBatch, RequestRecord } from '../core/record.ts';
import type { Comparison } from '../schema/comparison.ts';
import type { ComparedRequest, LoadedRun } from './load-runs.ts';

type Changed = Comparison['most_changed'][number];

const MOST = 10;

/** The requests of which a latency changed most, by the ratio, each by that latency; those that failed on one side alone first. */
export function mostChanged(base: LoadedRun, now: LoadedRun): Changed[] {
  const found: Measured[] = [];
  for (const [id, a] of base.requests) {
    const b = now.requests.get(id);
    const [largest] = b === undefined ? [] : changesOf(id, a, b).toSorted((x, y) => y.by - x.by);
    if (largest !== undefined && largest.by > 1) found.push(largest);
  }
  return found
    .toSorted((x, y) => (x.by === y.by ? (x.change.request_id < y.change.request_id ? -1 : 1) : y.by - x.by))
    .slice(0, MOST)
    .map(({ change }) => change);
}

/** `by`: the ratio of the larger to the smaller. */
interface Measured {
  readonly change: Changed;
  readonly by: number;
}

function changesOf(id: string, a: ComparedRequest, b: ComparedRequest): Measured[] {
  const hasFailed = [a, b].map(({ e2eUs }) => Number.isNaN(e2eUs));
  if (hasFailed[0] === true && hasFailed[1] === true) return [];
  if (hasFailed.includes(true))
    return [{ change: { request_id: id, metric: 'e2e', base_ms: msOf(a.e2eUs), new_ms: msOf(b.e2eUs) }, by: Infinity }];
  return (['ttft', 'tpot', 'e2e'] as const).flatMap((metric) => {
    const [from, to] = [a[`${metric}Us`], b[`${metric}Us`]];
    if (!(from > 0 && to > 0)) return [];
    const by = Math.max(from / to, to / from);
    return [{ change: { request_id: id, metric, base_ms: msOf(from), new_ms: msOf(to) }, by }];
  });
}

function msOf(us: number): number | null {
  return Number.isNaN(us) ? null : us / 1000;
}

/** The records of some requests, in their order, out of those of the first runs. */
export async function changedRecords(
  ids: readonly string[],
  base: AsyncIterable<RecordBatch>,
  now: AsyncIterable<RecordBatch>,
): Promise<RecordPair[]> {
  const wanted = new Set(ids);
  const [ofBase, ofNow] = [await recordsOf(wanted, base), await recordsOf(wanted, now)];
  return ids.map((id) => {
    const [one, other] = [ofBase.get(id), ofNow.get(id)];
    if (one === undefined || other === undefined) throw new Error(`a first run has no request ${id}`);
    return { base: one, new: other };
  });
}

/** Reads no further than it has to. */
async function recordsOf(
  wanted: ReadonlySet<string>,
  batches: AsyncIterable<RecordBatch>,
): Promise<ReadonlyMap<string, RequestRecord>> {
  const found = new Map<string, RequestRecord>();
  if (wanted.size === 0) return found;
  for await (const batch of batches) {
    for (const record of batch) if (wanted.has(record.request_id)) found.set(record.request_id, record);
    if (found.size === wanted.size) break;
  }
  return found;
}
