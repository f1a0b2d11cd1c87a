import { formatShare, plainPercent, threeFigures } from '../src/core/units.ts';
import { countText, listText } from '../src/core/words.ts';
import type { GoodputAnswer, GoodputReport } from '../src/schema/goodput.ts';
import { bindsText, limitsText, secondsText } from './format.ts';

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
    notes: [
      ...others.map((each) => answerSentence(each, report)),
      loadNote(report),
      estimandNote(report),
      ...moreNote(report),
    ],
  };
}

function toneOf({ state }: GoodputAnswer): GoodputVerdict['tone'] {
  if (state === 'below') return 'missed';
  return state === 'bracketed' || state === 'found' || state === 'above' ? 'none' : 'unsure';
}

/** An interval whose ends are further apart says nothing of the rate. */
const WIDEST = 10;

/** The interval of the goodput of traffic; null where there is none that says something. */
export function usableInterval({ goodput_rps, ci95_rps }: GoodputAnswer): readonly [number, number] | null {
  if (goodput_rps === null || ci95_rps === null) return null;
  const [low, high] = ci95_rps;
  return low > 0 && high / low <= WIDEST ? ci95_rps : null;
}

/** What is said of the goodput, and what it is known by. */
interface Told {
  /** `15.2 requests/s, 2.86 times the trace`. */
  readonly carried: string;
  /** `: 15.2 met, 16.6 missed`. */
  readonly known: string;
}

/**
 * `Carries 15.2 requests/s, 2.86 times the trace, with 90 % meeting TTFT <= 500 ms: 15.2 met, 16.6 missed; TTFT binds`,
 * `Carries 28.4 requests/s of traffic like chat.csv (27.0 to 29.8, 95 %, by 18,072 requests), with ...; TPOT binds`.
 */
function answerSentence(answer: GoodputAnswer, report: GoodputReport): string {
  const wanted = `${plainPercent(answer.at)} % meeting ${limitsText(report.slo.limits_ms)}`;
  const doubt = answer.state === 'not_valid' ? invalidText(answer, report) : null;
  const told = usableInterval(answer) === null ? byBracket(answer, report) : byInterval(answer, report);
  if (report.probes.length === 0 && told === null)
    return `Nothing is known of a rate with ${wanted}: the budget is too small for one run`;
  if (told === null)
    return `${doubt ?? 'Nothing was found'}: no run shows a rate with ${wanted}${budgetText(answer, report)}`;
  const carries = doubt === null ? 'Carries' : `${doubt}. By what it measured, carries`;
  return `${carries} ${told.carried}, with ${wanted}${told.known}${bindsText(answer)}${budgetText(answer, report)}`;
}

/** Of traffic, where its interval says something. */
function byInterval(answer: GoodputAnswer, report: GoodputReport): Told | null {
  const interval = usableInterval(answer);
  if (answer.goodput_rps === null || interval === null) return null;
  const [low, high] = interval.map(threeFigures);
  const by = `${low} to ${high}, 95 %, by ${countText(report.requests_used, 'request')}`;
  return {
    carried: `${rps(answer.goodput_rps)}${likeText(report)} (${by})${timesText([answer.goodput_rps], report)}`,
    known: '',
  };
}

/** Of a trace, and of traffic where probes alone say something: null without a probe. */
function byBracket(answer: GoodputAnswer, report: GoodputReport): Told | null {
  const [low, high] = answer.bracket_rps;
  if (low === null && high === null) return null;
  if (low === null || high === null) {
    const bound = low ?? high ?? 0;
    return {
      carried: `${low === null ? 'less than' : 'at least'} ${rps(bound)}${likeText(report)}${low === null ? '' : timesText([low], report)}`,
      known: low === null ? `: ${missedText(bound, report)}` : ': the highest rate tried still met',
    };
  }
  if (report.of === 'trace')
    return {
      carried: `${rps(low)}${timesText([low], report)}`,
      known: `: ${threeFigures(low)} met, ${threeFigures(high)} missed${wideText(answer)}`,
    };
  return {
    carried: `between ${threeFigures(low)} and ${rps(high)}${likeText(report)}${timesText([low, high], report)}`,
    known: ': a probe met at the one and missed at the other, and there are too few segments for an interval',
  };
}

/** `at no rate from 5.79 requests/s down to that was it met`. */
function missedText(lowest: number, { probes }: GoodputReport): string {
  const highest = Math.max(...probes.map(({ rate_rps }) => rate_rps));
  return highest > lowest ? `at no rate from ${rps(highest)} down to that was it met` : 'at that rate it was missed';
}

function likeText({ of, workload }: GoodputReport): string {
  return of === 'trace' ? '' : ` of traffic like ${workload.name}`;
}

/** `, 2.86 times the trace, 3.80 a GPU`; of a range both ends. */
function timesText(rates: readonly number[], { workload, gpus }: GoodputReport): string {
  const texts = (by: number): string => rates.map((rate) => threeFigures(rate / by)).join(' to ');
  const times = workload.rate_rps > 0 ? `, ${texts(workload.rate_rps)} times the trace` : '';
  return `${times}${gpus === null || gpus < 2 ? '' : `, ${texts(gpus)} a GPU`}`;
}

function invalidText({ bracket_rps }: GoodputAnswer, { of, probes }: GoodputReport): string {
  const ends = probes.filter(({ valid, rate_rps }) => of === 'trace' && !valid && bracket_rps.includes(rate_rps));
  const rates = listText(ends.map(({ rate_rps }) => threeFigures(rate_rps)));
  return `Not valid: the client fell behind${rates === '' ? '' : ` at ${rates} requests/s`}`;
}

/** ` (± 4.3 %)`; where that is not as was asked, the budget says so. */
function wideText({ state, half_width }: GoodputAnswer): string {
  return half_width === null || state === 'budget' ? '' : ` (± ${formatShare(half_width)})`;
}

function budgetText(answer: GoodputAnswer, { of, precision, requests_used }: GoodputReport): string {
  const { state, half_width } = answer;
  if (state !== 'budget') return '';
  const ended = `the budget ended after ${countText(requests_used, 'request')}`;
  if (half_width === null || (of === 'traffic' && usableInterval(answer) === null)) return `; ${ended}`;
  // The interval of a few segments may be narrow by chance: the search would have gone on.
  return half_width <= precision
    ? `; ± ${formatShare(half_width)}, of fewer segments than a search ends with: ${ended}`
    : `; ± ${formatShare(half_width)} where ± ${plainPercent(precision)} % was asked: ${ended}`;
}

/** What was sent, and how much of it. */
function loadNote(report: GoodputReport): string {
  const { of, workload, probes, requests_used, traces_used } = report;
  const own = `${workload.name} (${countText(workload.requests, 'request')}, ${rps(workload.rate_rps)} at its own speed)`;
  const times = `${countText(requests_used, 'request')} in all, ${threeFigures(traces_used)} times the trace`;
  if (of === 'trace') return `${countText(probes.length, 'run')} of ${own}: ${times}`;
  const segments = probes.filter(({ kind }) => kind === 'segment').length;
  const then = segments === 0 ? '' : `, then ${countText(segments, 'segment')} on a running one,`;
  return `${countText(probes.length - segments, 'probe')} from an empty system${then} of traffic like ${own}: ${times}`;
}

/** What the answer is of, and what it does not speak for. */
function estimandNote(report: GoodputReport): string {
  const { of, arrivals, clock, workload, requests_used } = report;
  const draw = isOfADraw(report) ? `. ${ONE_DRAW}` : '';
  if (of === 'trace')
    return `Of this trace, whole, from an empty system${clock === 'virtual' ? `, in virtual time${exactText(report)}` : ''}${draw}. Other traffic of its kind carries another rate`;
  const traffic =
    arrivals === 'poisson'
      ? `Poisson arrivals, each with a row of the trace drawn at random`
      : `pieces of ${pieceText(workload)} of the trace in random order`;
  const speaks = report.answers.some((each) => usableInterval(each) !== null)
    ? `. An interval speaks for traffic like these ${countText(requests_used, 'request')}`
    : '';
  return `Of traffic like ${workload.name} on a running system: ${traffic}${speaks}${draw}`;
}

/** Of an engine whose times have noise. */
const ONE_DRAW = "Of one draw of the engine's noise: another seed carries another rate";

/** Whether its runs repeat to the bit only because they have one draw of noise. */
export function isOfADraw({ target, clock }: Pick<GoodputReport, 'target' | 'clock'>): boolean {
  return clock === 'virtual' && target.noisy === true;
}

/** A bound is not called a bracket; without a run there is neither. */
function exactText(report: GoodputReport): string {
  const { probes, answers } = report;
  if (probes.length === 0 || isOfADraw(report)) return '';
  const isBracket = answers.some(({ bracket_rps: [low, high] }) => low !== null && high !== null);
  return `: the ${isBracket ? 'bracket' : 'bound'} is exact for it`;
}

/** How much of the trace stays together: `workloads/transforms/traffic.ts`. */
function pieceText({ requests, rate_rps }: GoodputReport['workload']): string {
  return secondsText(rate_rps <= 0 ? 60 : Math.min(60, (requests - 1) / rate_rps / 10));
}

/** Whether more requests would tell more, where the budget ended first: pieces of a short trace repeat themselves. */
function moreNote({ of, arrivals, answers, workload, traces_used }: GoodputReport): string[] {
  if (of === 'trace' || !answers.some(({ state }) => state === 'budget')) return [];
  if (arrivals === 'poisson' || traces_used < 1 || workload.rate_rps <= 0)
    return ['A larger --budget makes it narrower'];
  const length = secondsText(workload.requests / workload.rate_rps);
  return [
    `The trace has ${length} of traffic, which came ${threeFigures(traces_used)} times: a larger --budget repeats it and may tell no more, a longer trace does`,
  ];
}

function rps(rate: number): string {
  return `${threeFigures(rate)} requests/s`;
}
