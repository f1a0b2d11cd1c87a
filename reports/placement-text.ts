import {
  lengthOf,
  type PhaseGoodput,
  type Placement,
  type PlacementReport,
  unitWords,
} from '../src/schema/placement.ts';
import { formatShare, threeFigures, withThousands } from '../src/core/units.ts';
import { METRIC_NAMES } from './definitions.ts';
import { limitsText, secondsText } from './format.ts';

/** The answer of a placement search as sentences. */
export interface PlacementVerdict {
  readonly isFound: boolean;
  readonly sentence: string;
  /** The best collocated unit, and how much better the disaggregated one is. */
  readonly beside: string;
}

export function placementVerdict(report: PlacementReport): PlacementVerdict {
  const { gpu, slo, at } = report;
  const best = bestOf(report.placements);
  const alternative = bestOf(report.collocated);
  const goal = `${percent(at)} within ${limitsText(slo.limits_ms)}`;
  const nothing = report.placements.length === 0 ? 'fits' : `carries any rate with ${goal}`;
  return {
    isFound: best !== null,
    sentence:
      best === null
        ? `No disaggregated placement on ${countGpus(report.gpus)} of ${gpu} ${nothing}`
        : `${unitWords(best.groups)} on ${countGpus(best.gpus)} carry ${threeFigures(best.whole.goodput_rps)} requests/s with ${goal}: ${threeFigures(best.whole.goodput_rps_per_gpu)} a GPU${bindsText(best)}${copiesText(best, report.gpus)}`,
    beside: besideText(report, best, alternative),
  };
}

function besideText({ systems }: PlacementReport, best: Carrying | null, alternative: Carrying | null): string {
  const system = systems.collocated.split(',')[0];
  if (alternative === null) return `Without disaggregation (${system}): no rate`;
  const carried = `${unitWords(alternative.groups)} of ${system} on ${countGpus(alternative.gpus)}: ${threeFigures(alternative.whole.goodput_rps_per_gpu)} a GPU${bindsText(alternative)}`;
  if (best === null) return `Without disaggregation: ${carried}`;
  const ratio = best.whole.goodput_rps_per_gpu / alternative.whole.goodput_rps_per_gpu;
  return `Without disaggregation: ${carried}. Disaggregated carries ${threeFigures(ratio)} times as much a GPU`;
}

export type Carrying = Placement & { readonly whole: NonNullable<Placement['whole']> };

/** Whether it was measured and meets the SLO at some rate. */
export function carries(placement: Placement): placement is Carrying {
  return placement.whole !== null && placement.whole.goodput_rps > 0;
}

/** The first of a ranking, if it carries anything. */
function bestOf([first]: readonly Placement[]): Carrying | null {
  return first !== undefined && carries(first) ? first : null;
}

function bindsText({ whole: { binding } }: Carrying): string {
  return binding === null ? '' : `; ${METRIC_NAMES[binding]} binds`;
}

function copiesText({ copies, gpus, whole }: Carrying, available: number): string {
  if (copies < 2) return '';
  return `. ${copies} of them take ${copies * gpus} of the ${available} GPUs: ${threeFigures(copies * whole.goodput_rps)} requests/s`;
}

function countGpus(count: number): string {
  return `${withThousands(count)} GPU${count === 1 ? '' : 's'}`;
}

/** Goodput a GPU: `2.77`; `< 2.77` of a dominated unit; `-` of a unit that was not simulated. */
function perGpuText({ whole, missed_rps, gpus }: Placement): string {
  if (whole !== null) return whole.goodput_rps === 0 ? 'none' : threeFigures(whole.goodput_rps_per_gpu);
  return missed_rps === null ? '-' : `< ${threeFigures(missed_rps / gpus)}`;
}

/** The columns of a ranking. */
export const RANKING_COLUMNS = [
  'unit',
  'GPUs',
  'requests/s a GPU',
  'a unit',
  'copies',
  'all copies',
  'by phases a GPU',
  'binds',
  'attainment',
] as const;

export function rankingRow(placement: Placement): string[] {
  const { groups, gpus, copies, by_phases_rps, whole } = placement;
  const carried = carries(placement) ? placement.whole : null;
  return [
    unitWords(groups),
    String(gpus),
    perGpuText(placement),
    carried === null ? '-' : threeFigures(carried.goodput_rps),
    String(copies),
    carried === null ? '-' : threeFigures(copies * carried.goodput_rps),
    by_phases_rps === null ? '-' : threeFigures(by_phases_rps / gpus),
    whole === null || whole.binding === null ? '-' : METRIC_NAMES[whole.binding],
    whole?.attainment === null || whole === null ? '-' : formatShare(whole.attainment),
  ];
}

/** Goodput of each phase alone, a row a shape. */
export const PHASE_COLUMNS = [
  'shape',
  'GPUs',
  'prefill alone, requests/s a GPU',
  'decode alone, requests/s a GPU',
] as const;

export function phaseRows({ phases }: PlacementReport): string[][] {
  return phases.prefill.map((prefill) => {
    const { tp, pp, gpus } = prefill;
    const decode = phases.decode.find((each) => each.tp === tp && each.pp === pp);
    return [shapeText({ tp, pp }), String(gpus), aloneText(prefill), aloneText(decode)];
  });
}

function lengthLines(report: PlacementReport): [name: string, value: string][] {
  const [best] = report.placements;
  const length = best === undefined ? null : lengthOf(report, best);
  if (length === null) return [];
  const { lastedS, meanE2eS, isShort, enough } = length;
  const lasted = `that of the best lasted ${secondsText(lastedS)}, a request ${secondsText(meanE2eS)} on average`;
  return [
    [
      'length of a simulation',
      isShort ? `${lasted}: short, beginning empty flatters it; take ${withThousands(enough)} requests a GPU` : lasted,
    ],
  ];
}

/** The verdict depends on this assumption: with a penalty of 1 nothing is lost by mixing phases. */
function penaltyText(penalty: number): string {
  return `a collocated batch of both phases takes ${penalty} times the sum of the two (mixed_batch_penalty; 1 is ideal, Nexus measured 1.7 on an L20)`;
}

function aloneText(alone: PhaseGoodput | undefined): string {
  if (alone === undefined || alone.goodput_rps === 0) return 'none';
  return alone.missed_rps === null ? 'any' : threeFigures(alone.goodput_rps_per_gpu);
}

export function shapeText({ tp, pp }: { readonly tp: number; readonly pp: number }): string {
  return pp === 1 ? `tp ${tp}` : `tp ${tp}, pp ${pp}`;
}

/** The method of the search as names and values. */
export function methodLines(report: PlacementReport): [name: string, value: string][] {
  const { workload, systems, at, precision, seed, affinity, gpus_per_node, simulations } = report;
  const refused = Map.groupBy(report.left_out, ({ why }) => why);
  return [
    [
      'workload',
      `${workload.name}, ${withThousands(workload.requests)} requests${workload.too_long === 0 ? '' : `, ${withThousands(workload.too_long)} of them left out as too long`}; drawn: ${threeFigures(workload.mean_input_tokens)} tokens in and ${threeFigures(workload.mean_output_tokens)} out on average, Poisson arrivals, ${withThousands(workload.probe_requests_per_gpu)} requests for each GPU of a unit, seed ${seed}`,
    ],
    ['maximised', `requests/s a GPU at which ${percent(at)} meet the SLO; of equals what all copies carry`],
    [
      'by phases',
      'the slower phase alone, were so many instances so many times as good as one; behind one queue they are better',
    ],
    ...lengthLines(report),
    ['precision', `a rate at most ${percent(precision)} higher was missed`],
    [
      'affinity',
      affinity === 'low'
        ? `low: KV stays within a node of ${gpus_per_node} GPUs`
        : `high: KV goes anywhere; tensor parallelism within a node of ${gpus_per_node} GPUs`,
    ],
    ['disaggregated', systems.disaggregated],
    ['collocated', systems.collocated],
    ...(systems.mixed_batch_penalty === null
      ? []
      : [['mixed batches', penaltyText(systems.mixed_batch_penalty)] satisfies [string, string]]),
    ['simulations', withThousands(simulations)],
    ...[...refused].map(([why, shapes]): [string, string] => [
      'left out',
      `${[...new Set(shapes.map(shapeText))].join('; ')}: ${why}`,
    ]),
  ];
}

/** A share that the user gave, not rounded: `90 %`. */
export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(6))} %`;
}
