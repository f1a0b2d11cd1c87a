import { formatShare, plainPercent, threeFigures } from '../src/core/units.ts';
import { countText, listText } from '../src/core/words.ts';
import type { SweepGoodput, SweepPoint, SweepReport } from '../src/schema/sweep.ts';
import { METRIC_NAMES } from './definitions.ts';
import { limitsText } from './format.ts';

/** The answer of a sweep. `glyph` says the same as the colour that a report gives to `tone`. */
export interface SweepVerdict {
  readonly tone: 'unsure' | 'none';
  readonly glyph: string;
  readonly sentence: string;
  /** Said under it. */
  readonly notes: readonly string[];
}

export function sweepVerdict(report: SweepReport): SweepVerdict {
  const invalid = invalidNote(report);
  const tone = invalid === null ? 'none' : 'unsure';
  const notes = [invalid, timesNote(report), ...orderNotes(report), bindingNote(report), gridNote(report)];
  return {
    tone,
    glyph: tone === 'none' ? '●' : '≈',
    sentence: sentenceOf(report),
    notes: notes.filter((note) => note !== null),
  };
}

/** The unit of the rates of a sweep, as in the grid. */
export function rateUnit({ per_gpu }: Pick<SweepReport, 'per_gpu'>): string {
  return per_gpu ? 'requests/s per GPU' : 'requests/s';
}

/** The rate of a point in that unit. */
export function rateOf(
  { rate_rps, rate_rps_per_gpu }: Pick<SweepPoint, 'rate_rps' | 'rate_rps_per_gpu'>,
  { per_gpu }: Pick<SweepReport, 'per_gpu'>,
): number {
  return per_gpu ? (rate_rps_per_gpu ?? rate_rps) : rate_rps;
}

/** A goodput and its interval, in requests/s or, `perGpu`, in those of one GPU. */
export function goodputIn(
  { goodput_rps, goodput_rps_per_gpu, ci95_rps }: SweepGoodput,
  perGpu: boolean,
): { readonly rate: number | null; readonly ci95: readonly [number | null, number | null] } {
  if (!perGpu || goodput_rps === null || goodput_rps_per_gpu === null) return { rate: goodput_rps, ci95: ci95_rps };
  const gpus = goodput_rps / goodput_rps_per_gpu;
  const [low, high] = ci95_rps.map((end) => (end === null ? null : end / gpus));
  return { rate: goodput_rps_per_gpu, ci95: [low ?? null, high ?? null] };
}

/** `2.05`, `at least 4.00`, `at no rate`. */
export function goodputText(goodput: SweepGoodput, perGpu: boolean): string {
  const { rate } = goodputIn(goodput, perGpu);
  if (rate === null) return 'at no rate';
  return `${goodput.state === 'all' ? 'at least ' : ''}${threeFigures(rate)}`;
}

/** Of two ends in ascending order, of which either may not be known: `1.90-2.21`, `from 1.90`, `up to 2.21`; null: none. */
export function rangeText([low, high]: readonly [number | null, number | null]): string | null {
  if (low === null) return high === null ? null : `up to ${threeFigures(high)}`;
  return high === null ? `from ${threeFigures(low)}` : `${threeFigures(low)}-${threeFigures(high)}`;
}

/** The report of a run, from the folder of the sweep; `judged`: by which other SLO. */
export function runPage(dir: string, judged: string | null): string {
  return `${dir}/report${judged === null ? '' : `-${judged}`}.html`;
}

/** `16 rates from 0.250 to 4.00`, of a list that may have a rate more than once. */
export function rangeOfRates(rates: readonly number[]): string {
  const [low, high] = [Math.min(...rates), Math.max(...rates)];
  const count = new Set(rates).size;
  return count === 1
    ? `1 rate of ${threeFigures(low)}`
    : `${count} rates from ${threeFigures(low)} to ${threeFigures(high)}`;
}

/** The goodputs at the SLO itself, in the order of the targets. */
export function ownGoodputs({ goodputs }: SweepReport): SweepGoodput[] {
  return goodputs.filter(({ slo_scale }) => slo_scale === 1);
}

/** Of more targets than this the sentence has the bare figures, and no chart has words for each. */
export const FEW = 2;

function sentenceOf(report: SweepReport): string {
  const { at, slo, targets, per_gpu } = report;
  const who = `${plainPercent(at)} % meet ${limitsText(slo.limits_ms)}`;
  const goodputs = ownGoodputs(report);
  // Targets of which the same is to be said are named together.
  const parts = new Map<string, string[]>();
  for (const goodput of goodputs) {
    const how = carriedText(goodput, report);
    parts.set(how, [...(parts.get(how) ?? []), goodput.target]);
  }
  const told = [...parts].map(([how, names]) => (targets.length === 1 ? how : `on ${listText(names)} ${how}`));
  if (told.length <= FEW) return `${who} ${told.join('; ')}`;
  const figures = goodputs.map((goodput) => `${goodputText(goodput, per_gpu)} on ${goodput.target}`);
  return `${who} up to ${listText(figures)}, in ${rateUnit(report)}`;
}

function carriedText(goodput: SweepGoodput, report: SweepReport): string {
  const { rate, ci95 } = goodputIn(goodput, report.per_gpu);
  if (rate === null) {
    const lowest = Math.min(...report.min_scales.map((run) => rateOf(run, report)));
    return `at no rate that was tried, from ${threeFigures(lowest)} ${rateUnit(report)} on`;
  }
  const shown = `${threeFigures(rate)} ${rateUnit(report)}`;
  if (goodput.state === 'all') return `up to ${shown} at least, the highest rate tried`;
  const bracket = bracketText(goodput, report);
  const range = rangeText(ci95);
  return `up to about ${shown} (${bracket}${range === null ? '' : `; 95 % interval ${range}`})`;
}

/** `interpolated: 2.00 met, 2.25 missed`: the two rates of the grid between which the crossing is interpolated. */
function bracketText({ target, bracket_rps }: SweepGoodput, report: SweepReport): string {
  const runs = report.min_scales.filter((each) => each.target === target);
  const [met, missed] = bracket_rps.map((rate) => {
    const run = runs.find(({ rate_rps }) => rate_rps === rate);
    return run === undefined ? '-' : threeFigures(rateOf(run, report));
  });
  return `interpolated: ${met} met, ${missed} missed`;
}

/** How many times as much the one of two targets carries; null unless both have an interval, and these are apart. */
function timesNote(report: SweepReport): string | null {
  const [one, other, ...others] = ownGoodputs(report);
  if (one === undefined || other === undefined || others.length > 0) return null;
  const perGpu = one.goodput_rps_per_gpu !== null && other.goodput_rps_per_gpu !== null;
  const [a, b] = [goodputIn(one, perGpu), goodputIn(other, perGpu)];
  if (a.rate === null || b.rate === null) return null;
  const [more, less] = a.rate >= b.rate ? [a, b] : [b, a];
  if (more.ci95[0] === null || less.ci95[1] === null || more.ci95[0] <= less.ci95[1]) return null;
  const names = more === a ? [one.target, other.target] : [other.target, one.target];
  const times = Math.max(a.rate, b.rate) / Math.min(a.rate, b.rate);
  return `${names[0]} carries ${threeFigures(times)} times as much${perGpu ? ' per GPU' : ''} as ${names[1]}`;
}

/** Where two targets change places as the SLO gets looser. */
export function orderNotes({ order_changes }: SweepReport): string[] {
  const pairs = new Map<string, SweepReport['order_changes'][number][]>();
  for (const change of order_changes) {
    const key = [change.ahead, change.beyond].toSorted().join('\n');
    pairs.set(key, [...(pairs.get(key) ?? []), change]);
  }
  return [...pairs.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const { ahead, beyond, to_scale, from_scale, per_gpu } = first;
    const gpu = per_gpu ? ' per GPU' : '';
    if (others.length === 0)
      return [`${ahead} carries more${gpu} up to SLO scale ${to_scale}, ${beyond} from ${from_scale} on`];
    const between = [first, ...others].map((each) => `${each.to_scale} and ${each.from_scale}`);
    return [`Which of ${ahead} and ${beyond} carries more${gpu} changes between the SLO scales ${between.join(', ')}`];
  });
}

/** The limit that most requests miss at the first rate that misses the goal. */
function bindingNote(report: SweepReport): string | null {
  const { targets } = report;
  const parts = new Map<string, string[]>();
  for (const goodput of ownGoodputs(report)) {
    const miss = firstMiss(report, goodput);
    if (miss === undefined) continue;
    const what = miss.binding === null ? 'failed requests' : METRIC_NAMES[miss.binding];
    const share = miss.binding === null ? null : (miss[miss.binding] ?? null);
    const meet = share === null ? '' : ` ${formatShare(share)} meet it`;
    const where = ` (at ${threeFigures(rateOf(miss, report))} ${rateUnit(report)}${meet})`;
    const named = targets.length === 1 ? '' : ` on ${goodput.target}`;
    // Of many targets those that are bound by one limit are named together.
    const key = targets.length > FEW ? what : `${what}${named}${where}`;
    parts.set(key, [...(parts.get(key) ?? []), goodput.target]);
  }
  if (parts.size === 0) return null;
  const told = [...parts].map(([key, names]) => (targets.length > FEW ? `${key} on ${listText(names)}` : key));
  return `What binds where the goal is first missed: ${told.join('; ')}`;
}

function firstMiss({ points, at }: SweepReport, { target, slo_scale }: SweepGoodput): SweepPoint | undefined {
  return points.find((each) => each.target === target && each.slo_scale === slo_scale && each.attainment < at);
}

function invalidNote(report: SweepReport): string | null {
  const runs = report.min_scales.filter(({ valid }) => !valid);
  if (runs.length === 0) return null;
  const which = runs.map((run) => `${run.target} at ${threeFigures(rateOf(run, report))}`);
  return `Not valid in ${countText(runs.length, 'run')}, in which the client fell behind: ${listText(which)} ${rateUnit(report)}`;
}

function gridNote(report: SweepReport): string {
  const { workload, targets, slo_scales, clock, min_scales } = report;
  const rates = min_scales.map((run) => rateOf(run, report));
  const [tightest = 1, loosest = 1] = [slo_scales[0], slo_scales.at(-1)];
  const scales =
    slo_scales.length === 1 ? '' : `, judged by ${slo_scales.length} SLO scales from ${tightest} to ${loosest}`;
  return `${countText(min_scales.length, 'run')} of ${workload.name} (${countText(workload.requests, 'request')}, ${threeFigures(workload.rate_rps)} requests/s at its own speed): ${countText(targets.length, 'target')}, ${rangeOfRates(rates)} ${rateUnit(report)}${scales}. Each is whole and from an empty system${clock === 'virtual' ? ', in virtual time' : ''}; between two rates the crossing is interpolated`;
}
