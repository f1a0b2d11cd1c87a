import type { Manifest } from '../src/schema/manifest.ts';
import type { LatencyStats, Summary } from '../src/schema/summary.ts';
import { SLO_METRICS } from '../src/core/slo.ts';
import { formatMs, formatShare, threeFigures, withThousands } from '../src/core/units.ts';
import { METRIC_NAMES } from './definitions.ts';

/** A percentile of latencies: `fails` if its rank falls on a failed request, `-` without a request. */
export function latencyText(stats: LatencyStats, value: number | null): string {
  if (value !== null) return formatMs(value);
  return stats.missing > 0 ? 'fails' : '-';
}

/** `TTFT <= 200 ms and TPOT <= 50 ms`. */
export function limitsText(limits: NonNullable<Summary['slo']>['limits_ms']): string {
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

/** How many requests warm-up and cool-down exclude; null if every request is measured. */
export function excludedText({ left_out, requests }: Summary): string | null {
  if (left_out === null) return null;
  const { warmup_s, cooldown_s, warmup_requests, cooldown_requests } = left_out;
  const parts = [
    ...(warmup_s === 0
      ? []
      : [`${countText(warmup_requests, 'request')} of the first ${secondsText(warmup_s)} (warm-up)`]),
    ...(cooldown_s === 0
      ? []
      : [`${countText(cooldown_requests, 'request')} of the last ${secondsText(cooldown_s)} (cool-down)`]),
  ];
  return `Left out of the figures: ${listText(parts)}; ${withThousands(requests.scheduled)} measured`;
}

/** An SLO with its source: the profile it is from, and the SLO of the run that it replaces. */
export function sloText(slo: Manifest['slo']): string {
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

/** `a`, `a and b`, `a, b and c`. */
export function listText(parts: readonly string[]): string {
  if (parts.length < 2) return parts.join('');
  return `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

/** `1 request`, `2,000 requests`. */
export function countText(count: number, noun: string): string {
  return `${withThousands(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** A count, or a mean of counts: `31`, `7.29`. */
export function amountText(amount: number): string {
  return Number.isInteger(amount) ? withThousands(amount) : threeFigures(amount);
}

/** A duration in seconds: `60.1 s`, `5 s`. */
export function secondsText(seconds: number): string {
  return formatMs(seconds * 1000).replace(/\.0+ /, ' ');
}

/** A time from the run's start: `after 4.5 s`, `at the start`. */
export function afterText(seconds: number): string {
  return seconds === 0 ? 'at the start' : `after ${secondsText(seconds)}`;
}

/** Whether prefix caching is worth a line: prompts share prefixes, or the server found some in its cache. */
export function hasPrefixReuse({ workload, delivered }: Pick<Summary, 'workload' | 'delivered'>): boolean {
  return workload.prefix_reuse !== null || (delivered.prefix_reuse ?? 0) > 0;
}

/** Difference between the input tokens that the server counted and the planned ones. */
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
  if (duration_s === 0) return requests > 1 ? `${count} at once` : count;
  return `${count} in ${secondsText(duration_s)}, ${rateText(rate_rps, 'requests')}`;
}

export function rateText(perSecond: number, noun: string): string {
  return `${threeFigures(perSecond)} ${noun}/s`;
}

/** `http_error` -> `http error`. */
export function outcomeText(outcome: string): string {
  return outcome.replaceAll('_', ' ');
}

/** The command line, quoted for a shell. */
export function commandText(command: readonly string[]): string {
  return command.map((part) => (/^[\w@%+=:,./-]+$/.test(part) ? part : `'${part.replaceAll("'", `'\\''`)}'`)).join(' ');
}

/** The uncertainty of ITL percentiles: the client stamps tokens as late as it sends requests. */
export function itlWithinText(lateness: Summary['validity']['lateness_ms']): string | null {
  return lateness === null ? null : `within ± ${formatMs(lateness.p99)}`;
}
