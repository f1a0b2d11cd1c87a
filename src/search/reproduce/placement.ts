import { SILENT } from '../../core/log.ts';
import { gpusOf, disaggregatedUnits } from '../placement/candidates.ts';
import { estimateByPhases, phaseAlone } from '../placement/phase-goodput.ts';
import { Progress } from '../placement/progress.ts';
import { rankUnits } from '../placement/rank-units.ts';
import { resolveSystems } from '../placement/systems.ts';
import { drawLoad } from '../goodput/load.ts';
import { openPool } from '../pool.ts';
import { unitWords, type Placement, type Shape as PlacementShape } from '../../schema/placement.ts';
import { GOAL, type Cell } from './cells.ts';
import type { Check, Grid, Part, Shape } from './experiment.ts';
import { verdictOf, type Judged } from './judge.ts';
import { population } from './lengths.ts';

/** Placements of DistServe's search, best first. */
export interface SearchedPlacements {
  readonly placements: readonly Placement[];
  readonly simulations: number;
}

/** Units that are simulated at most, those with the highest estimates first. */
const MOST_UNITS = 200;
const PRECISION = 0.02;

/** Searches the prefill and decode instances that carry most a GPU, as `reprise place` does with Poisson arrivals. */
export async function searchPlacements(
  { workload, requests, seeds, limits }: Part,
  { model, gpu, gpus }: Extract<Grid, { kind: 'placement' }>,
  { workers, stop }: { readonly workers: number; readonly stop: AbortSignal },
): Promise<SearchedPlacements> {
  if (limits === null) throw new Error('a placement search needs limits');
  const cluster = { gpus, gpusPerNode: gpus, affinity: 'low' } as const;
  const named = { model, gpu, disaggregated: 'distserve,cost=distserve', collocated: 'vllm-v0,cost=vllm' };
  const { disaggregated: system, shapes } = resolveSystems(named, cluster, SILENT);
  const load = drawLoad(population(workload), requests * gpus, seeds[0] ?? 1);
  const config = { loads: { poisson: load, trace: null }, requestsPerGpu: requests, at: GOAL, precision: PRECISION };
  const pool = openPool(config, workers, stop);
  const progress = new Progress(() => undefined);
  try {
    const alone = { system, shapes: shapes.disaggregated, arrivals: 'poisson' } as const;
    const [ttft, tpot] = [limits.ttftS * 1000, limits.tpotS * 1000];
    const phases = {
      prefill: await phaseAlone(pool, 'prefill', { ...alone, limits: { ttft } }, progress),
      decode: await phaseAlone(pool, 'decode', { ...alone, limits: { tpot } }, progress),
    };
    const own = shapes.disaggregated;
    // One instance of each kind, as in the paper's algorithm.
    const units = disaggregatedUnits({ prefill: own, decode: own }, cluster)
      .filter((groups) => groups.every(({ instances }) => instances === 1))
      .map((groups) => ({ groups, byPhasesRps: estimateByPhases(groups, phases) }));
    const rules = {
      system,
      cluster,
      limits: { ttft, tpot },
      arrivals: 'poisson',
      maxUnits: MOST_UNITS,
      all: true,
    } as const;
    const placements = await rankUnits(pool, units, rules, progress);
    return { placements, simulations: progress.simulations };
  } finally {
    await pool.close();
  }
}

/** Placements that are shown besides those of the published shapes. */
const SHOWN = 6;

/** The best placements as bars, and the best of the published shapes. */
export function placementCells(placements: readonly Placement[], seed: number, published: readonly Check[]): Cell[] {
  const ours = published.flatMap((check) => (check.kind === 'shapes' ? [bestOf(placements, check)] : []));
  const shown = new Set([...placements.filter(({ whole }) => whole !== null).slice(0, SHOWN), ...ours]);
  return [...shown].flatMap((placement) => {
    const rate = placement?.whole?.goodput_rps_per_gpu;
    return placement === undefined || rate === undefined
      ? []
      : [
          {
            series: nameOf(placement),
            gamma: null,
            seed,
            x: null,
            figures: { goodput_rps_per_gpu: rate },
          },
        ];
  });
}

/** `prefill TP 2 + decode TP 1, 3 GPUs`: short enough to stand above a bar on a phone. */
function nameOf({ groups }: Placement): string {
  const parts = groups.map(({ role, tp, pp }) => `${role} TP ${tp}${pp === 1 ? '' : ` PP ${pp}`}`);
  return `${parts.join(' + ')}, ${gpusOf(groups)} GPUs`;
}

function bestOf(placements: readonly Placement[], { prefill, decode }: { prefill: Shape; decode: Shape }) {
  return placements.find(({ groups }) => hasShapes(groups, prefill, decode));
}

type Groups = Placement['groups'];

function hasShapes(groups: Groups, prefill: Shape, decode: Shape): boolean {
  const isOf = (role: string, { tp, pp }: Shape): boolean =>
    groups.some(
      (group: PlacementShape & { readonly role: string }) => group.role === role && group.tp === tp && group.pp === pp,
    );
  return isOf('prefill', prefill) && isOf('decode', decode);
}

/** Whether the best placement has the published shapes. */
export function judgeShapes(check: Extract<Check, { kind: 'shapes' }>, placements: readonly Placement[]): Judged {
  const [best] = placements;
  const published = bestOf(placements, check);
  if (best === undefined) return { verdict: 'not-comparable', seen: 'no placement fits' };
  const rate = (of: Placement): string =>
    of.whole === null
      ? `less than ${best.whole?.goodput_rps_per_gpu.toFixed(2)}`
      : of.whole.goodput_rps_per_gpu.toFixed(2);
  const other =
    published === undefined
      ? 'the published one was not simulated'
      : `${unitWords(published.groups)} carries ${rate(published)}`;
  return verdictOf(
    hasShapes(best.groups, check.prefill, check.decode),
    `${unitWords(best.groups)} carries most, ${rate(best)} requests/s a GPU; ${other}`,
  );
}
