import { formatMs, formatShare, threeFigures } from '../../src/core/units.ts';
import type { Summary } from '../../src/schema/summary.ts';
import type { ServerTimeline } from '../data/server-timeline.ts';
import type { Timeline, TimelineBin } from '../data/timeline.ts';
import { countText } from '../../src/core/words.ts';
import { afterText, amountText } from '../format.ts';
import { durationS, perSecond, type Span } from './time-panel.ts';

/** A peak is named when so many requests make it, and they are more than chance brings together: deviations of a Poisson count. */
const ENOUGH = 10;
const DEVIATIONS = 4;
/** A low of attainment is named when it is so many requests below the run's mean, and more than chance takes it: deviations of a count. */
const ENOUGH_BELOW = 5;
const DEVIATIONS_BELOW = 3;
/** What hardly rises above its mean has no peak. */
const PEAKS = 1.2;
/** A smaller share is invisible in the drawing, and reads as none. */
const SMALL_SHARE = 0.001;

/** The mean is that of the verdict. */
export function loadTitle({ bins, bin_s, requests }: Timeline, { delivered }: Pick<Summary, 'delivered'>): string {
  const peak = peakOf(bins, (bin) => bin.arrivals_per_s);
  if (requests === 0 || peak === null) return 'No request arrived';
  const { rate_rps } = delivered.asked;
  if (rate_rps === 0)
    return activeBins(bins, (bin) => bin.arrivals_per_s) === 1
      ? 'Requests arrive all at one time'
      : 'Arrivals over time';
  const mean = rate_rps * bin_s;
  const most = peak.value * bin_s;
  if (most < ENOUGH || most - mean < DEVIATIONS * Math.sqrt(mean))
    return `Requests arrive at ${perSecond(rate_rps)} on average`;
  return `Arrivals peak at ${perSecond(peak.value)} ${afterText(peak.from_s, durationS(bins))}, ${threeFigures(most / mean)} times the mean`;
}

export function inFlightTitle({ bins, in_flight_peak: peak }: Timeline): string {
  if (peak === null) return 'Nothing was in flight';
  return `In flight peaks at ${amountText(peak.value)} ${afterText(peak.from_s, durationS(bins))}`;
}

export function tokensTitle({ bins, bin_s, tokens }: Timeline): string {
  const peak = peakOf(bins, (bin) => bin.output_tokens_per_s);
  if (tokens === 0 || peak === null) return 'No token came';
  const mean = tokens / activeBins(bins, (bin) => bin.output_tokens_per_s) / bin_s;
  if (peak.value < PEAKS * mean) return `Output is at most ${threeFigures(peak.value)} tokens/s`;
  return `Output peaks at ${threeFigures(peak.value)} tokens/s, ${threeFigures(peak.value / mean)} times the mean`;
}

/** Without a low that is more than chance, the range. */
export function attainmentTitle({ bins, good, measured_requests }: Timeline): string {
  const known = bins.flatMap(({ attainment, window_requests, from_s }) =>
    attainment === null ? [] : [{ attainment, window_requests, from_s }],
  );
  const worst = known.reduce((low, bin) => (bin.attainment < low.attainment ? bin : low), {
    attainment: 1,
    window_requests: 0,
    from_s: 0,
  });
  const highest = known.reduce((high, { attainment }) => Math.max(high, attainment), 0);
  if (highest <= worst.attainment) return `Attainment stays at ${formatShare(worst.attainment)}`;
  const mean = (good ?? 0) / measured_requests;
  const below = (mean - worst.attainment) * worst.window_requests;
  const chance = Math.sqrt(worst.window_requests * mean * (1 - mean));
  return below >= ENOUGH_BELOW && below >= DEVIATIONS_BELOW * chance
    ? `Attainment is lowest, ${formatShare(worst.attainment)}, ${afterText(worst.from_s, durationS(bins))}`
    : `Attainment lies between ${formatShare(worst.attainment)} and ${formatShare(highest)}`;
}

export function latenessTitle({ bins }: Timeline): string {
  const peak = peakOf(bins, (bin) => bin.lateness_ms);
  if (peak === null) return 'Nothing was sent';
  return `The client is late by at most ${formatMs(peak.value)}, ${afterText(peak.from_s, durationS(bins))}`;
}

export function serverLoadTitle({ bins, peaks: { running, waiting } }: ServerTimeline): string {
  if (waiting !== null && waiting.value > 0)
    return `The server's queue peaks at ${amountText(waiting.value)} waiting ${afterText(waiting.from_s, durationS(bins))}`;
  if (running === null) return 'The server does not say how many requests run in it';
  const ran = `Running in the server peaks at ${amountText(running.value)} ${afterText(running.from_s, durationS(bins))}`;
  return waiting === null ? ran : `${ran}; none was seen to wait`;
}

export function kvUsageTitle({ bins, peaks: { kv_usage: peak } }: ServerTimeline): string {
  if (peak === null || peak.value < SMALL_SHARE) return `KV cache use stays under ${formatShare(SMALL_SHARE)}`;
  return `KV cache use peaks at ${formatShare(peak.value)} ${afterText(peak.from_s, durationS(bins))}`;
}

export function preemptionsTitle({ bins, preemptions }: ServerTimeline): string {
  const peak = peakOf(bins, (bin) => bin.preemptions_per_s);
  const count = countText(preemptions, 'preemption');
  return peak === null || preemptions < 2
    ? count
    : `${count}, at most ${perSecond(peak.value)} ${afterText(peak.from_s, durationS(bins))}`;
}

export function iterationTokensTitle({ bins }: ServerTimeline): string {
  const peak = peakOf(bins, (bin) => bin.iteration_tokens);
  if (peak === null) return 'No iteration ran';
  const known = bins.flatMap(({ iteration_tokens }) => iteration_tokens ?? []);
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  if (peak.value < PEAKS * mean) return `An iteration computes at most ${amountText(peak.value)} tokens`;
  return `Tokens an iteration peak at ${amountText(peak.value)} ${afterText(peak.from_s, durationS(bins))}`;
}

export function prefixHitsTitle({ bins }: ServerTimeline): string {
  const known = bins.flatMap(({ prefix_hit_rate }) => (prefix_hit_rate === null ? [] : [prefix_hit_rate]));
  const [low, high] = [Math.min(...known), Math.max(...known)];
  if (high === 0) return 'Nothing was found in the prefix cache';
  return formatShare(low) === formatShare(high)
    ? `Prefix cache hits stay at ${formatShare(low)}`
    : `Prefix cache hits run from ${formatShare(low)} to ${formatShare(high)}`;
}

/** How many bins there are from the first that has some to the last. Before and after them nothing was due to come. */
function activeBins(bins: readonly TimelineBin[], valueOf: (bin: TimelineBin) => number): number {
  const [first, last] = [bins.findIndex((bin) => valueOf(bin) > 0), bins.findLastIndex((bin) => valueOf(bin) > 0)];
  return last - first + 1;
}

/** The largest value and its bin, the first of equals; null where no bin has a value. */
function peakOf<Bin extends Span>(
  bins: readonly Bin[],
  valueOf: (bin: Bin) => number | null,
): { readonly value: number; readonly from_s: number } | null {
  return bins.reduce<{ value: number; from_s: number } | null>((most, bin) => {
    const value = valueOf(bin);
    return value !== null && value > (most?.value ?? -1) ? { value, from_s: bin.from_s } : most;
  }, null);
}
