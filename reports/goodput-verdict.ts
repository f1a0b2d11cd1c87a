import { formatShare, plainPercent, sharesApart, threeFigures, withThousands } from '../src/core/units.ts';
import type { GoodputAnswer, GoodputProbe, GoodputReport } from '../src/schema/goodput.ts';
import { METRIC_NAMES } from './definitions.ts';
import { intervalText, limitsText } from './format.ts';

/** The answer of a search. `glyph` says the same as the colour that a report gives to `tone`. */
export interface GoodputVerdict {
  readonly tone: 'met' | 'missed' | 'unsure' | 'none';
  readonly glyph: string;
  readonly sentence: string;
  /** Said under it. */
  readonly notes: readonly string[];
}

const GLYPHS = { met: '●', missed: '✗', unsure: '≈', none: '●' } as const;

export function goodputVerdict(report: GoodputReport): GoodputVerdict {
  const [first, ...others] = report.answers;
  const tone = first === undefined ? 'none' : toneOf(first);
  return {
    tone,
    glyph: GLYPHS[tone],
    sentence: first === undefined ? 'Nothing was searched' : answerSentence(first, report),
    notes: [...others.map((each) => answerSentence(each, report)), loadNote(report), estimandNote(report)],
  };
}

function toneOf({ state }: GoodputAnswer): GoodputVerdict['tone'] {
  if (state === 'below') return 'missed';
  return state === 'bracketed' || state === 'above' ? 'none' : 'unsure';
}

/** `Carries 15.2 requests/s, 2.86 times the trace, with 90 % meeting TTFT <= 500 ms: 15.2 met, 16.6 missed; TTFT binds`. */
function answerSentence(answer: GoodputAnswer, { slo, probes }: GoodputReport): string {
  const { at, bracket_rps, times_trace, goodput_rps_per_gpu, binding, half_width } = answer;
  const [low, high] = bracket_rps;
  const wanted = `${plainPercent(at)} % meeting ${limitsText(slo.limits_ms)}`;
  const binds = binding === null ? '' : `; ${METRIC_NAMES[binding]} binds`;
  const [before, after] = doubt(answer, probes);
  const carries = before === '' ? 'Carries' : `${before}carries`;
  if (low === null) {
    if (high === null) return `Nothing was tried for ${wanted}: the budget is too small for one run`;
    return `${carries} less than ${rps(high)} with ${wanted}: that was missed, the lowest rate tried${binds}${after}`;
  }
  const carried = `${rps(low)}, ${threeFigures(times_trace ?? 0)} times the trace${goodput_rps_per_gpu === null ? '' : `, ${threeFigures(goodput_rps_per_gpu)} a GPU`}`;
  if (high === null) return `${carries} at least ${carried}, with ${wanted}: the highest rate tried still met${after}`;
  const wide = half_width === null ? '' : ` (± ${formatShare(half_width)})`;
  return `${carries} ${carried}, with ${wanted}: ${threeFigures(low)} met, ${threeFigures(high)} missed${wide}${binds}${after}`;
}

/** What is said before and after an answer that is not as good as was asked for. */
function doubt({ state, bracket_rps }: GoodputAnswer, probes: readonly GoodputProbe[]): readonly [string, string] {
  if (state === 'not_valid') {
    const ends = probes.filter(({ valid, rate_rps }) => !valid && bracket_rps.includes(rate_rps));
    const rates = ends.map(({ rate_rps }) => threeFigures(rate_rps)).join(' and ');
    return [`Not valid: the client fell behind at ${rates} requests/s. By what it measured, `, ''];
  }
  return ['', state === 'budget' ? '; the budget ended before the bracket was as narrow as asked' : ''];
}

function loadNote({ workload, probes, requests_used, traces_used }: GoodputReport): string {
  return `${withThousands(probes.length)} runs of ${workload.name} (${withThousands(workload.requests)} requests, ${rps(workload.rate_rps)} at its own speed), ${withThousands(requests_used)} requests in all: ${threeFigures(traces_used)} times the trace`;
}

function estimandNote({ clock }: GoodputReport): string {
  return `Of this trace, whole, from an empty system${clock === 'virtual' ? ', in virtual time: the bracket is exact for it' : ''}. Other traffic of its kind carries another rate`;
}

function rps(rate: number): string {
  return `${threeFigures(rate)} requests/s`;
}

export const PROBE_COLUMNS = ['requests/s', 'meet the SLO', '95 % interval', 'misses most', 'run'] as const;

/** One run as a row of a table, under `PROBE_COLUMNS`. */
export function probeRow(probe: GoodputProbe, at: number): string[] {
  const { rate_rps, ci95, binding, valid, dir } = probe;
  return [
    threeFigures(rate_rps),
    shareText(probe, at),
    ci95 === null ? '-' : intervalText(ci95),
    binding === null ? '-' : METRIC_NAMES[binding],
    `${dir ?? 'not kept'}${valid ? '' : ' (not valid)'}`,
  ];
}

type Counts = Pick<GoodputProbe, 'attainment' | 'met' | 'missed' | 'requests'>;

/** The share that met; of a run that was cut, the bound that settled the goal: `at most 89.98 %`. */
export function shareText(probe: Counts, at: number): string {
  const { share, bound } = shareOf(probe, at);
  const [text] = sharesApart(share, at);
  return bound === null ? formatShare(share) : `at ${bound} ${text}`;
}

export interface Share {
  readonly share: number;
  /** Null: the share itself, of a run that went to its end. */
  readonly bound: 'least' | 'most' | null;
}

export function shareOf({ attainment, met, missed, requests }: Counts, at: number): Share {
  if (attainment !== null) return { share: attainment, bound: null };
  const least = met / requests;
  // Both ends of a share such as 0.9 of a whole number of requests are reached exactly.
  return least >= at - 1e-9 ? { share: least, bound: 'least' } : { share: 1 - missed / requests, bound: 'most' };
}
