import { formatMs, formatShare, threeFigures } from '../../src/core/units.ts';
import type { ServerTimeline } from '../data/server-timeline.ts';
import type { Timeline } from '../data/timeline.ts';
import { afterText, amountText, countText } from '../format.ts';
import { durationS, perSecond, type Span } from './time-panel.ts';

/** With fewer requests a peak means nothing. */
const ENOUGH = 10;
/** A smaller share is invisible in the drawing, and reads as none. */
const SMALL_SHARE = 0.001;

export function loadTitle({ bins, requests }: Timeline): string {
  const peak = peakOf(bins, (bin) => bin.arrivals_per_s);
  if (requests === 0 || peak === null) return 'No request arrived';
  if (requests < ENOUGH) return `${countText(requests, 'request')} arrived`;
  const times = threeFigures((peak.value * durationS(bins)) / requests);
  return `Arrivals peak at ${perSecond(peak.value)} ${afterText(peak.from_s)}, ${times} times the mean`;
}

export function inFlightTitle({ bins }: Timeline): string {
  const peak = peakOf(bins, (bin) => bin.in_flight);
  if (peak === null || peak.value === 0) return 'Nothing was in flight';
  return `In flight peaks at ${amountText(peak.value)} ${afterText(peak.from_s)}`;
}

export function tokensTitle({ bins, requests, tokens }: Timeline): string {
  const peak = peakOf(bins, (bin) => bin.output_tokens_per_s);
  if (tokens === 0 || peak === null) return 'No token came';
  if (requests < ENOUGH) return `${countText(tokens, 'token')} came`;
  const times = threeFigures((peak.value * durationS(bins)) / tokens);
  return `Output peaks at ${threeFigures(peak.value)} tokens/s, ${times} times the mean`;
}

export function attainmentTitle({ bins }: Timeline): string {
  const known = bins.flatMap(({ attainment, from_s }) => (attainment === null ? [] : [{ attainment, from_s }]));
  const worst = known.reduce((low, bin) => (bin.attainment < low.attainment ? bin : low), { attainment: 1, from_s: 0 });
  return known.every(({ attainment }) => attainment === worst.attainment)
    ? `Attainment stays at ${formatShare(worst.attainment)}`
    : `Attainment is lowest, ${formatShare(worst.attainment)}, ${afterText(worst.from_s)}`;
}

export function latenessTitle({ bins }: Timeline): string {
  const peak = peakOf(bins, (bin) => bin.lateness_ms);
  if (peak === null) return 'Nothing was sent';
  return `The client is late by at most ${formatMs(peak.value)}, ${afterText(peak.from_s)}`;
}

export function serverLoadTitle({ bins }: ServerTimeline): string {
  const running = peakOf(bins, (bin) => bin.running);
  const waiting = peakOf(bins, (bin) => bin.waiting);
  if (waiting !== null && waiting.value > 0)
    return `The server's queue peaks at ${amountText(waiting.value)} waiting ${afterText(waiting.from_s)}`;
  if (running === null) return 'The server does not say how many requests run in it';
  const ran = `Running in the server peaks at ${amountText(running.value)} ${afterText(running.from_s)}`;
  return waiting === null ? ran : `${ran}; none was seen to wait`;
}

export function kvUsageTitle({ bins }: ServerTimeline): string {
  const peak = peakOf(bins, (bin) => bin.kv_usage);
  if (peak === null || peak.value < SMALL_SHARE) return `KV cache use stays under ${formatShare(SMALL_SHARE)}`;
  return `KV cache use peaks at ${formatShare(peak.value)} ${afterText(peak.from_s)}`;
}

export function prefixHitsTitle({ bins }: ServerTimeline): string {
  const known = bins.flatMap(({ prefix_hit_rate }) => (prefix_hit_rate === null ? [] : [prefix_hit_rate]));
  const [low, high] = [Math.min(...known), Math.max(...known)];
  if (high === 0) return 'Nothing was found in the prefix cache';
  return formatShare(low) === formatShare(high)
    ? `Prefix cache hits stay at ${formatShare(low)}`
    : `Prefix cache hits run from ${formatShare(low)} to ${formatShare(high)}`;
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
