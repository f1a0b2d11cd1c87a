import {
  type Arrivals,
  type Contender,
  type Goodput,
  goodputOf,
  type Kind,
  KINDS,
  lengthOf,
  type PlacementReport,
  rankingOf,
  requestsOf,
  unitWords,
} from '../src/schema/placement.ts';
import { formatShare, threeFigures, withThousands } from '../src/core/units.ts';
import { METRIC_NAMES } from './definitions.ts';
import { countText } from '../src/core/words.ts';
import { limitsText, secondsText } from './format.ts';

/** The answer of a placement search. A search finds an estimate and no verdict, so nothing earns a tick. */
export interface PlacementVerdict {
  /**
   * `none`: an estimate. `unsure`: an estimate that does not decide which kind is better, or that is made by Poisson
   * arrivals where the trace's own timing was asked for too. `missed`: nothing carries any rate.
   */
  readonly tone: 'none' | 'unsure' | 'missed';
  readonly glyph: string;
  readonly sentence: string;
  /** Which requests it holds for, the best of the other kind, what changes with the arrivals, what is not decided. */
  readonly notes: readonly string[];
}

/** Behind `with`. */
export const ARRIVALS: Readonly<Record<Arrivals, string>> = {
  poisson: "Poisson arrivals and the trace's lengths",
  trace: "the trace's own timing",
};
/** From this share on, requests that are left out as too long are told beside the answer: they are the heaviest. */
const TELLING_LEFT_OUT = 0.01;
const GLYPHS = { none: '●', unsure: '≈', missed: '✗' } as const;
const LOOKED_FOR: Readonly<Record<Kind, string>> = {
  disaggregated: "Best disaggregated, which is what DistServe's algorithm looks for",
  collocated: 'Best collocated',
};

export function placementVerdict(report: PlacementReport): PlacementVerdict {
  const { contenders, best } = report;
  const [first] = contenders;
  if (first === undefined || best === null)
    return {
      tone: 'missed',
      glyph: GLYPHS.missed,
      sentence: `No placement on ${countGpus(report.gpus)} of ${report.gpu} carries any rate with ${goalText(report)}`,
      notes: fittingTexts(report),
    };
  const doubts = doubtsOf(report, first, best.arrivals);
  const tone = doubts.length > 0 ? 'unsure' : 'none';
  return {
    tone,
    glyph: GLYPHS[tone],
    sentence:
      `${nameText(report, first)} ${verb(first)} most per GPU with ${goalText(report)}: ` +
      `${carriedText(report, first, best.arrivals)}${copiesText(report, first, best.arrivals)}`,
    notes: [
      ...fittingTexts(report),
      otherKindText(report, first, best.arrivals),
      ...inAllTexts(report),
      ...changeTexts(report, first),
      ...prefixTexts(report),
      ...poissonAloneTexts(report),
      ...doubts,
    ],
  };
}

/** `18.8-19.1`: the highest rate that met the SLO and the lowest that missed it. */
function bracketText({ goodput_rps, missed_rps }: Goodput, per = 1): string {
  if (goodput_rps === 0) return 'none';
  if (missed_rps === null) return `at least ${threeFigures(goodput_rps / per)}`;
  return [...new Set([goodput_rps, missed_rps].map((rps) => threeFigures(rps / per)))].join('-');
}

/** Goodput of a contender for a table; `< 18.8` where it was only tried at the rate of another. */
export function contenderText(contender: Contender, by: Arrivals, per: number): string {
  const goodput = goodputOf(contender, by);
  if (goodput !== null) return bracketText(goodput, per);
  const { trace_missed_rps } = contender;
  return trace_missed_rps === null ? '-' : `< ${threeFigures(trace_missed_rps / per)}`;
}

/** The first of a kind: contenders are in order. */
function bestOfKind(contenders: readonly Contender[], kind: Kind): Contender | null {
  return contenders.find((each) => each.kind === kind) ?? null;
}

/** A share that the user gave, not rounded: `90 %`. */
export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(6))} %`;
}

/** How many times as much per GPU the first carries as the best of the other kind; null where there is none. */
export function timesText({ contenders, best }: PlacementReport): string | null {
  const [first] = contenders;
  const other = contenders.find(({ kind }) => kind !== first?.kind);
  if (first === undefined || other === undefined || best === null) return null;
  const ratio = perGpu(first, best.arrivals) / perGpu(other, best.arrivals);
  if (!Number.isFinite(ratio)) return null;
  return `${titled(first.kind)} carries ${threeFigures(ratio)} times as much per GPU as ${other.kind} with ${ARRIVALS[best.arrivals]}`;
}

function goalText({ at, slo }: PlacementReport): string {
  return `${percent(at)} within ${limitsText(slo.limits_ms)}`;
}

function nameText({ systems }: PlacementReport, { kind, groups, gpus }: Contender): string {
  return `${unitWords(groups)} of ${systems[kind].split(',')[0]} on ${countGpus(gpus)}`;
}

function verb({ groups }: Contender): string {
  return groups.length === 1 && groups[0]?.instances === 1 ? 'carries' : 'carry';
}

/** With all arrivals that were simulated, each named, the trace's own timing first. */
function carriedText(report: PlacementReport, contender: Contender, by: Arrivals): string {
  const { poisson, trace, gpus } = contender;
  const binds = bindsText(goodputOf(contender, by));
  const perGpuText = (goodput: Goodput, each: Arrivals): string =>
    goodput.goodput_rps === 0 ? '' : ` (${bracketText(goodput, gpus)} per GPU${each === by ? binds : ''})`;
  const withTrace =
    trace === null
      ? null
      : `${rateText(trace)} with ${ARRIVALS.trace}${replayedText(report, contender)}${perGpuText(trace, 'trace')}`;
  const withPoisson =
    poisson === null ? null : `${rateText(poisson)} with ${ARRIVALS.poisson}${perGpuText(poisson, 'poisson')}`;
  return [withTrace, withPoisson].filter((each) => each !== null).join(', ');
}

function rateText(goodput: Goodput): string {
  return goodput.goodput_rps === 0 ? 'no rate' : `${bracketText(goodput)} requests/s`;
}

function bindsText(goodput: Goodput | null): string {
  return goodput === null || goodput.binding === null ? '' : `; ${METRIC_NAMES[goodput.binding]} binds`;
}

/** What of the trace was replayed, if it is not the whole of it once. */
function replayedText({ trace_timing }: PlacementReport, { trace_repeats }: Contender): string {
  if (trace_timing === null) return '';
  if (trace_timing.left_behind > 0) return `, its first ${withThousands(trace_timing.requests)} requests`;
  return trace_repeats === null || trace_repeats < 2
    ? ''
    : `, its ${withThousands(trace_timing.requests)} requests ${withThousands(trace_repeats)} times end to end`;
}

function copiesText({ gpus: available }: PlacementReport, contender: Contender, by: Arrivals): string {
  const { copies, gpus } = contender;
  const goodput = goodputOf(contender, by);
  if (copies < 2 || goodput === null) return '';
  return `. ${copies} of them take ${copies * gpus} of the ${available} GPUs: ${bracketText(goodput, 1 / copies)} requests/s, each with ${ARRIVALS[by]}`;
}

function otherKindText(report: PlacementReport, { kind }: Contender, by: Arrivals): string {
  const otherKind = KINDS.find((each) => each !== kind) ?? 'collocated';
  const other = bestOfKind(report.contenders, otherKind);
  if (other === null) {
    const isTried = rankingOf(report, otherKind).length > 0;
    const what = isTried ? 'no placement carries any rate' : `there is no such placement on ${countGpus(report.gpus)}`;
    return `${titled(otherKind)} (${report.systems[otherKind].split(',')[0]}): ${what}`;
  }
  const carried = `${LOOKED_FOR[otherKind]}: ${nameText(report, other)}: ${carriedText(report, other, by)}`;
  const times = timesText(report);
  return times === null ? carried : `${carried}. ${times}`;
}

/** Which requests the answer holds for, if the model does not take them all. */
function fittingTexts({ workload, max_model_len }: PlacementReport): string[] {
  const { requests, too_long } = workload;
  if (too_long < TELLING_LEFT_OUT * requests || too_long === 0) return [];
  const taken = max_model_len === null ? 'the model takes' : `fit into ${countText(max_model_len, 'token')}`;
  return [
    `For the ${formatShare(1 - too_long / requests)} of requests that ${taken}: ${withThousands(too_long)} of ${withThousands(requests)} are longer and left out (--clip-input and --clip-output cut them instead)`,
  ];
}

/** Where the best per GPU leaves GPUs idle, another may carry more on all of them. */
function inAllTexts({ best, gpus, contenders }: PlacementReport): string[] {
  if (best === null) return [];
  const isInAll = ({ groups }: Contender): boolean => JSON.stringify(groups) === JSON.stringify(best.in_all.groups);
  const most = contenders.find((each) => each.kind === best.in_all.kind && isInAll(each));
  if (most === undefined || most === contenders[0]) return [];
  const goodput = goodputOf(most, best.arrivals);
  if (goodput === null) return [];
  const { copies } = most;
  const what = `${copies === 1 ? '' : `${copies} times `}${unitWords(most.groups)}`;
  return [
    `Most on all ${gpus} GPUs: ${what} on ${countGpus(copies * most.gpus)}: ${bracketText(goodput, 1 / copies)} requests/s with ${ARRIVALS[best.arrivals]}`,
  ];
}

/** What would be best with Poisson arrivals and is not with the trace's own timing. */
function changeTexts(report: PlacementReport, first: Contender): string[] {
  const { contenders, best } = report;
  if (best?.arrivals !== 'trace' || !report.arrivals.includes('poisson')) return [];
  const byPoisson = contenders.toSorted((a, b) => perGpu(b, 'poisson') - perGpu(a, 'poisson'));
  const [most] = byPoisson;
  const kinds =
    most === undefined || most.kind === first.kind
      ? []
      : [`The order changes with the arrivals: with ${ARRIVALS.poisson} ${most.kind} carries most per GPU`];
  const changed = KINDS.flatMap((kind) => {
    const [now, before] = [bestOfKind(contenders, kind), bestOfKind(byPoisson, kind)];
    if (now === null || before === null || now === before) return [];
    const { gpus } = before;
    return [
      `With ${ARRIVALS.poisson} the best ${kind} is another: ${nameText(report, before)}: ${contenderText(before, 'poisson', gpus)} requests/s per GPU, and ${contenderText(before, 'trace', gpus)} with ${ARRIVALS.trace}`,
    ];
  });
  return [...kinds, ...changed];
}

/** Prefix caching is no part of the placement of phases, and one of both systems may have it alone. */
function prefixTexts({ prefix, systems }: PlacementReport): string[] {
  const [only, ...others] = prefix?.kept_by ?? [];
  if (prefix === null || only === undefined || others.length > 0) return [];
  const [keeping, other] = [only, KINDS.find((each) => each !== only) ?? only].map(
    (kind) => systems[kind].split(',')[0],
  );
  return [
    `Only ${keeping} keeps what prompts begin with, ${other} computes it again: up to ${formatShare(prefix.max_hit_ratio_tokens)} of the prompt tokens of this trace`,
  ];
}

function poissonAloneTexts({ arrivals }: PlacementReport): string[] {
  if (arrivals.includes('trace')) return [];
  return [`Poisson arrivals alone, as asked: with ${ARRIVALS.trace} another may carry most`];
}

/** Why the answer is not sure. */
function doubtsOf(report: PlacementReport, first: Contender, by: Arrivals): string[] {
  const doubts: string[] = [];
  const other = report.contenders.find(({ kind }) => kind !== first.kind);
  const rival = other === undefined ? null : goodputOf(other, by);
  if (other !== undefined && rival !== null && (rival.missed_rps ?? Infinity) / other.gpus > perGpu(first, by))
    doubts.push(
      `Not decided: the rates per GPU of ${first.kind} and ${other.kind} overlap within the precision of the search`,
    );
  if (by === 'poisson' && report.arrivals.includes('trace'))
    doubts.push(
      report.trace_timing === null
        ? `By Poisson arrivals alone: all requests of the trace are due at one time`
        : `By Poisson arrivals alone: with ${ARRIVALS.trace} nothing that was tried carries any rate`,
    );
  const goodput = goodputOf(first, by);
  const length = goodput === null ? null : lengthOf(requestsOf(report, first, by), goodput);
  if (length?.isShort === true)
    doubts.push(
      `Flattered: a simulation of it lasts ${secondsText(length.lastedS)} and begins empty, a request takes ${secondsText(length.meanE2eS)}; take --requests ${length.enough}`,
    );
  return doubts;
}

function perGpu(contender: Contender, by: Arrivals): number {
  return goodputOf(contender, by)?.goodput_rps_per_gpu ?? 0;
}

function countGpus(count: number): string {
  return `${withThousands(count)} GPU${count === 1 ? '' : 's'}`;
}

function titled(kind: Kind): string {
  return `${kind.slice(0, 1).toUpperCase()}${kind.slice(1)}`;
}
