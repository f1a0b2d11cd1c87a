import {
  type Arrivals,
  goodputOf,
  type Kind,
  KINDS,
  lengthOf,
  type PhaseGoodput,
  type Placement,
  type PlacementReport,
  rankedBy,
  requestsOf,
  unitWords,
} from '../src/schema/placement.ts';
import { formatShare, threeFigures, withThousands } from '../src/core/units.ts';
import { METRIC_NAMES } from './definitions.ts';
import { countText } from '../src/core/words.ts';
import { secondsText } from './format.ts';
import { ARRIVALS, contenderText, percent } from './placement-verdict.ts';

/** In the head of a column. */
const SHORT_ARRIVALS: Readonly<Record<Arrivals, string>> = { poisson: 'Poisson', trace: "trace's timing" };

export type Carrying = Placement & { readonly whole: NonNullable<Placement['whole']> };

/** Whether it was measured and meets the SLO at some rate. */
export function carries(placement: Placement): placement is Carrying {
  return placement.whole !== null && placement.whole.goodput_rps > 0;
}

/** Goodput per GPU: `2.77`; `< 2.77` of a placement that was beaten; `-` of one that was not simulated. */
function perGpuText({ whole, missed_rps, gpus }: Placement): string {
  if (whole !== null) return whole.goodput_rps === 0 ? 'none' : threeFigures(whole.goodput_rps_per_gpu);
  return missed_rps === null ? '-' : `< ${threeFigures(missed_rps / gpus)}`;
}

/** The kind of the best first. */
export function kindsInOrder({ best }: PlacementReport): readonly Kind[] {
  return best?.per_gpu.kind === 'collocated' ? KINDS.toReversed() : KINDS;
}

/** The columns of a ranking. */
export const RANKING_COLUMNS = [
  'placement',
  'GPUs',
  'requests/s per GPU',
  'requests/s',
  'copies',
  'requests/s of all copies',
  'estimated per GPU',
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

/** Those that may be the best, with all arrivals that were asked for: the columns and a row each. */
export function contenderTable(report: PlacementReport): { readonly columns: string[]; readonly rows: string[][] } {
  const shown = (['trace', 'poisson'] as const).filter((each) => report.arrivals.includes(each));
  const behind = (each: Arrivals): string => (shown.length === 1 ? '' : `, ${SHORT_ARRIVALS[each]}`);
  return {
    columns: [
      'placement',
      'GPUs',
      ...shown.map((each) => `${shown.length === 1 ? 'requests/s per GPU' : 'per GPU'}${behind(each)}`),
      ...shown.map((each) => `requests/s${behind(each)}`),
      'copies',
    ],
    rows: report.contenders.map((contender) => {
      const { groups, gpus, copies } = contender;
      return [
        unitWords(groups),
        String(gpus),
        ...shown.map((each) => contenderText(contender, each, gpus)),
        ...shown.map((each) => contenderText(contender, each, 1)),
        String(copies),
      ];
    }),
  };
}

/** Goodput of each phase alone, a row a shape. */
export const PHASE_COLUMNS = [
  'shape',
  'GPUs',
  'prefill alone, requests/s per GPU',
  'decode alone, requests/s per GPU',
] as const;

export function phaseRows({ phases }: PlacementReport): string[][] {
  return phases.prefill.map((prefill) => {
    const { tp, pp, gpus } = prefill;
    const decode = phases.decode.find((each) => each.tp === tp && each.pp === pp);
    return [shapeText({ tp, pp }), String(gpus), aloneText(prefill), aloneText(decode)];
  });
}

function lengthLines(report: PlacementReport): [name: string, value: string][] {
  const { contenders, best } = report;
  const [first] = contenders;
  const goodput = first === undefined || best === null ? null : goodputOf(first, best.arrivals);
  if (first === undefined || best === null || goodput === null) return [];
  const length = lengthOf(requestsOf(report, first, best.arrivals), goodput);
  if (length === null) return [];
  return [
    [
      'length of a simulation',
      `that of the best lasted ${secondsText(length.lastedS)}, a request ${secondsText(length.meanE2eS)} on average`,
    ],
  ];
}

/** What was replayed with the trace's own timing. */
function timingText(report: PlacementReport): string {
  const { trace_timing: timing, contenders, best, arrivals, workload } = report;
  if (!arrivals.includes('trace')) return 'not asked for';
  if (timing === null)
    return best === null ? 'not tried: nothing carries any rate' : 'not tried: all requests are due at one time';
  const some =
    timing.left_behind === 0
      ? `its ${withThousands(timing.requests)} requests`
      : `its first ${withThousands(timing.requests)} of ${withThousands(timing.requests + timing.left_behind)} requests`;
  const most = Math.max(...contenders.map(({ trace_repeats }) => trace_repeats ?? 1));
  const repeated = most === 1 ? '' : `, up to ${withThousands(most)} times end to end`;
  const scaled = `${some}${repeated}, time scaled from ${threeFigures(timing.rate_rps)} requests/s to each rate`;
  return rankedBy(report) === 'trace'
    ? `${scaled}; ${meansText(workload)}; for all placements`
    : `${scaled}; for the ${contenders.length} placements that carry most with Poisson arrivals`;
}

function poissonText(report: PlacementReport): string {
  const { workload, seed } = report;
  if (rankedBy(report) !== 'poisson') return 'not asked for';
  return `lengths drawn from the trace: ${meansText(workload)}; ${withThousands(workload.probe_requests_per_gpu)} requests for each GPU of a placement, seed ${seed}; for all placements`;
}

function meansText({ mean_input_tokens, mean_output_tokens }: PlacementReport['workload']): string {
  return `${threeFigures(mean_input_tokens)} tokens in and ${threeFigures(mean_output_tokens)} out on average`;
}

/** What was simulated of the prompts that begin alike. */
function prefixLines({ prefix, systems }: PlacementReport): [name: string, value: string][] {
  if (prefix === null) return [];
  const { block_tokens, max_hit_ratio_tokens, kept_by } = prefix;
  const keeping = [...new Set(kept_by.map((kind) => systems[kind].split(',')[0]))].join(' and ');
  return [
    [
      'prefixes',
      `blocks of ${countText(block_tokens, 'token')}; an unlimited cache would hold ${formatShare(max_hit_ratio_tokens)} of the prompt tokens; a request that is drawn, or replayed again, finds at most what its row found in the trace; kept by ${keeping === '' ? 'neither system' : keeping}`,
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
  const { workload, systems, at, precision, affinity, gpus_per_node, simulations } = report;
  const refused = Map.groupBy(report.left_out, ({ why }) => why);
  return [
    [
      'workload',
      `${workload.name}, ${countText(workload.requests, 'request')}${workload.too_long === 0 ? '' : `, ${withThousands(workload.too_long)} of them left out as too long`}`,
    ],
    ['Poisson arrivals', poissonText(report)],
    [ARRIVALS.trace, timingText(report)],
    ...prefixLines(report),
    ['maximised', `requests/s per GPU at which ${percent(at)} meet the SLO; of equals what all copies carry`],
    [
      'estimated per GPU',
      'what the slower phase carries alone, if n instances carried n times as much as one; instances that share a queue carry more',
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
    [
      'simulations',
      `${withThousands(simulations + (report.trace_timing?.simulations ?? 0))}${report.attainment.length === 0 ? '' : ', and some for attainment against the rate'}`,
    ],
    ...[...refused].map(([why, shapes]): [string, string] => [
      'left out',
      `${[...new Set(shapes.map(shapeText))].join('; ')}: ${why}`,
    ]),
  ];
}
