import type { Manifest } from '../src/schema/manifest.ts';
import type { LatencyStats } from '../src/schema/latency.ts';
import type { Summary } from '../src/schema/summary.ts';
import { type Limits, partsOf, type Slo, SLO_METRICS } from '../src/core/slo.ts';
import {
  axisTimeText,
  formatMs,
  formatShare,
  plainPercent,
  threeFigures,
  TRAILING_ZEROS,
  withThousands,
} from '../src/core/units.ts';
import { visibleLine } from '../src/core/visible-text.ts';
import { countText, listText } from '../src/core/words.ts';
import { METRIC_NAMES } from './definitions.ts';

/**
 * A percentile of latencies, `-` without a request. If its rank falls on a failed request: `> 60 s (timed out)` where
 * all that failed are known to have waited that long, and nothing measured took longer; else `fails`.
 */
export function latencyText(stats: LatencyStats, value: number | null): string {
  if (value !== null) return formatMs(value);
  const { missing, missing_over_ms: over, max } = stats;
  if (over !== null && over >= (max ?? 0)) return `> ${boundText(over)} (timed out)`;
  return missing > 0 ? 'fails' : '-';
}

/** A lower bound: rounded down to three figures, so that it holds as it is written. */
function boundText(ms: number): string {
  const step = 10 ** (Math.floor(Math.log10(ms)) - 2);
  return secondsText((Math.floor(ms / step + 1e-9) * step) / 1000);
}

/** A mean or largest latency. It is of those that were measured, which is said where others are missing. */
export function measuredText({ missing }: LatencyStats, value: number | null): string {
  if (value === null) return '-';
  return missing === 0 ? formatMs(value) : `${formatMs(value)} without failed`;
}

/** `TTFT <= 200 ms and TPOT <= 50 ms`; by class `the limits of their class (chat: ...; others: ...)`. */
export function limitsText(slo: Slo): string {
  if (slo.by_class === undefined) return classLimitsText(slo);
  const parts = partsOf(slo).map(([sloClass, limits]) => `${classText(sloClass)}: ${classLimitsText(limits)}`);
  return `the limits of their class (${parts.join('; ')})`;
}

/** A class of requests; null: those without limits of their own. */
export function classText(sloClass: string | null): string {
  return sloClass === null ? 'others' : visibleLine(sloClass);
}

/** `TTFT <= 200 ms and TPOT <= 50 ms`. */
export function classLimitsText(limits: Limits): string {
  const parts = SLO_METRICS.flatMap((metric) => {
    const limitMs = limits[metric];
    return limitMs === undefined ? [] : [`${METRIC_NAMES[metric]} <= ${plainMs(limitMs)}`];
  });
  return listText(parts);
}

/** Text for HTML: `<=` becomes `≤`. */
export function typeset(text: string): string {
  return text.replaceAll('<=', '≤');
}

/** An interval of shares, with enough decimals that its ends differ: `91.8-93.0 %`. */
export function intervalText([low, high]: readonly [number, number]): string {
  const digits = [1, 2].find((each) => (low * 100).toFixed(each) !== (high * 100).toFixed(each)) ?? 3;
  return `${(low * 100).toFixed(digits)}-${(high * 100).toFixed(digits)} %`;
}

/** The share that is wanted, as it was given: `90 %`, `99.5 %`. */
export function goalText(at: number): string {
  return `${plainPercent(at)} %`;
}

/** How many requests warm-up and cool-down exclude; null if every request is measured. */
export function excludedText({ left_out, requests }: Summary): string | null {
  if (left_out === null) return null;
  const { warmup_s, cooldown_s, warmup_requests, cooldown_requests } = left_out;
  const [warmup, cooldown] = timeTexts([warmup_s, cooldown_s]);
  const parts = [
    ...(warmup_s === 0 ? [] : [`${countText(warmup_requests, 'request')} of the first ${warmup} (warm-up)`]),
    ...(cooldown_s === 0 ? [] : [`${countText(cooldown_requests, 'request')} of the last ${cooldown} (cool-down)`]),
  ];
  return `Left out of the figures: ${listText(parts)}; ${withThousands(requests.scheduled)} measured`;
}

/** An SLO with its source: the profile it is from, and the SLO of the run that it replaces. */
export function sloText(slo: Omit<NonNullable<Manifest['slo']>, 'at'> | null): string {
  if (slo === null) return 'none';
  const { text, profile, in_place_of, limits_ms } = slo;
  const named = profile === undefined ? text : `${profile.name}: ${limitsText(limits_ms)} (${profile.source})`;
  return in_place_of === undefined ? named : `${named}, in place of the run's: ${in_place_of}`;
}

/** A limit as it was given, not rounded: `200 ms`, `1.25 s`. */
export function plainMs(ms: number): string {
  if (ms < 1) return `${ms * 1000} us`;
  return ms < 1000 ? `${ms} ms` : `${withThousands(ms / 1000)} s`;
}

/** A population and how much of it failed: `2,000 requests, 3 failed`. */
export function populationText(count: number, noun: string, failed: number): string {
  return `${countText(count, noun)}${failed === 0 ? '' : `, ${withThousands(failed)} failed`}`;
}

/** A count, or a mean of counts: `31`, `7.29`. */
export function amountText(amount: number): string {
  return Number.isInteger(amount) ? withThousands(amount) : threeFigures(amount);
}

/** A duration in seconds: `60.1 s`, `5 s`. */
export function secondsText(seconds: number): string {
  return formatMs(seconds * 1000).replace(/\.0+ /, ' ');
}

/** In milliseconds, ascending. */
const TIME_UNITS = [
  { unit: 'us', unitMs: 1e-3 },
  { unit: 'ms', unitMs: 1 },
  { unit: 's', unitMs: 1000 },
  { unit: 'min', unitMs: 60_000 },
  { unit: 'h', unitMs: 3_600_000 },
] as const;
/** Smaller numbers are hard to read: then the durations stand in a smaller unit. */
const LEAST_READ = 0.01;

/**
 * The durations of one sentence, in milliseconds, as texts in one unit: `0.480 s` and `1.93 s`. It is the unit of the
 * largest, or a smaller one where the smallest would have too many zeros.
 */
export function durationTexts(ms: readonly number[]): string[] {
  const sizes = ms.map(Math.abs).filter((size) => size > 0);
  const largest = formatMs(Math.max(0, ...sizes))
    .split(' ')
    .at(-1);
  const last = TIME_UNITS.findIndex(({ unit }) => unit === largest);
  const { unit, unitMs } =
    TIME_UNITS.slice(0, last + 1).findLast(({ unitMs: each }) => sizes.every((size) => size / each >= LEAST_READ)) ??
    TIME_UNITS[0];
  return ms.map((each) => `${threeFigures(each / unitMs)} ${unit}`);
}

/** Round times of one sentence, in seconds, as texts in one unit: `540 s` and `642 s`, `1 s` and `0.5 s`. */
export function timeTexts(seconds: readonly number[]): string[] {
  return durationTexts(seconds.map((each) => each * 1000)).map((text) => text.replace(TRAILING_ZEROS, ''));
}

/** A time from the start of a run, by the clock too where it is longer than a minute: `at 4:10.3 (250.312 s)`. */
export function clockText(seconds: number): string {
  const plain = `${withThousands(seconds.toFixed(3))} s`;
  if (seconds < 60) return `${plain} after the start`;
  const tenths = Math.floor(seconds * 10);
  const [hours, minutes] = [Math.floor(tenths / 36_000), Math.floor(tenths / 600) % 60];
  const rest = ((tenths % 600) / 10).toFixed(1).padStart(4, '0');
  return `at ${hours === 0 ? minutes : `${hours}:${String(minutes).padStart(2, '0')}`}:${rest} (${plain} after the start)`;
}

/** A time from the start of a run that ends at `endS`: `after 4.5 s`, `at the start`. */
export function afterText(seconds: number, endS: number): string {
  return seconds === 0 ? 'at the start' : `after ${axisTimeText(seconds, endS)}`;
}

/** Whether prefix caching is worth a line: prompts share prefixes, or the server found some in its cache. */
export function hasPrefixReuse({ workload, delivered }: Pick<Summary, 'workload' | 'delivered'>): boolean {
  return workload.prefix_reuse !== null || (delivered.prefix_reuse ?? 0) > 0;
}

/** Difference between the input tokens that the server counted and the planned ones. */
/** How long prompts were beside what was planned, in a word. */
export function promptsText(lengths: NonNullable<Summary['workload']['prompts']>): string {
  return lengths === 'own' ? "the trace's own" : lengths;
}

export function deviationText(deviation: Summary['delivered']['input_deviation_tokens']): string {
  if (deviation === null) return 'not counted by the server';
  const { requests, counted, mean, max } = deviation;
  if (requests === 0) return `as asked in all ${withThousands(counted)}`;
  const signed = `${mean > 0 ? '+' : ''}${threeFigures(mean)}`;
  return `${withThousands(requests)} of ${withThousands(counted)} differ, ${signed} tokens on average, ${withThousands(max)} at most`;
}

/** A share of input tokens; null if it is not known. */
export function reuseText(share: number | null): string {
  return share === null ? 'not told' : formatShare(share);
}

/** The planned load: `200 requests in 5.97 s, 33.5 requests/s`. */
export function loadText({ requests, duration_s, rate_rps }: Manifest['workload']): string {
  const count = countText(requests, 'request');
  if (rate_rps === 0) return requests > 1 ? `${count} at once` : count;
  return `${count} in ${secondsText(duration_s)}, ${rateText(rate_rps, 'requests')}`;
}

/** What latencies count from: the time when a request was due, or of an imported run without a schedule was sent. */
export function fromText({ imported }: Pick<Manifest, 'imported'>): 'due' | 'sent' {
  return imported === undefined || imported.starts === 'due' ? 'due' : 'sent';
}

export function rateText(perSecond: number, noun: string): string {
  return `${threeFigures(perSecond)} ${noun}/s`;
}

/** Kinds of failure in a text; the page has all of the summary's. */
const FAILURES_SHOWN = 3;

/** `3 rejected (HTTP 429): slow down`, for each of the commonest kinds of failure. */
export function failureTexts({ failures }: Summary['requests']): string[] {
  return failures.slice(0, FAILURES_SHOWN).map(({ outcome, http_status, error, numbers_differ, count }) => {
    const status = http_status === null || http_status < 300 ? '' : ` (HTTP ${http_status})`;
    const message = error === null ? '' : `: ${error}${numbers_differ ? ' (and the like, with other numbers)' : ''}`;
    return `${withThousands(count)} ${outcomeText(outcome)}${status}${message}`;
  });
}

/** `http_error` -> `http error`. */
export function outcomeText(outcome: string): string {
  return outcome.replaceAll('_', ' ');
}

/** The command line, quoted for a shell. */
export function commandText(command: readonly string[]): string {
  return command.map((part) => (/^[\w@%+=:,./-]+$/.test(part) ? part : `'${part.replaceAll("'", `'\\''`)}'`)).join(' ');
}

/** The uncertainty of ITL percentiles: the client stamps tokens as late as it sends requests. Null: times of the server. */
export function itlWithinText({ validity }: Summary, { stream }: Pick<Manifest, 'stream'>): string | null {
  return validity.lateness_ms === null || !stream ? null : `within ± ${formatMs(validity.lateness_ms.p99)}`;
}

/** `; TPOT binds; most misses are of class chat`; nothing where neither a limit nor a class stands out. */
export function bindsText({
  binding,
  binding_class = null,
}: Pick<NonNullable<Summary['slo']>, 'binding' | 'binding_class'>): string {
  const limit = binding === null ? '' : `; ${METRIC_NAMES[binding]} binds`;
  return binding_class === null ? limit : `${limit}; most misses are of class ${classText(binding_class)}`;
}
