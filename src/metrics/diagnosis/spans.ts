import type { CourseBin } from './course-bins.ts';

/** A part of the run's time, in seconds from its start. */
export interface Span {
  readonly from_s: number;
  readonly to_s: number;
}

type Count = 'due' | 'prompt_tokens' | 'output_tokens' | 'taken' | 'missed' | 'answered' | 'timed_out';

export function total(bins: readonly CourseBin[], count: Count): number {
  return bins.reduce((sum, bin) => sum + bin[count], 0);
}

export function seconds(spans: readonly Span[]): number {
  return spans.reduce((sum, { from_s, to_s }) => sum + to_s - from_s, 0);
}

/** Requests in flight, averaged over bins. */
export function meanInFlight(bins: readonly CourseBin[]): number {
  return bins.reduce((sum, { in_flight }) => sum + in_flight, 0) / Math.max(1, bins.length);
}

/** The most requests that were in flight at one time of the bins. */
export function mostInFlight(bins: readonly CourseBin[]): number {
  return bins.reduce((high, { most_in_flight }) => Math.max(high, most_in_flight), 0);
}

/** Whether a time lies within one of the spans. */
export function isWithin(spans: readonly Span[], atS: number): boolean {
  return spans.some(({ from_s, to_s }) => atS >= from_s && atS < to_s);
}

/** Whether a bin lies within one of the spans. */
export function isIn(spans: readonly Span[], { from_s, to_s }: CourseBin): boolean {
  return spans.some((span) => from_s >= span.from_s && to_s <= span.to_s);
}

/** The bins that are taken; those that touch are one span. */
export function spansOf(bins: readonly CourseBin[], isTaken: (index: number) => boolean): Span[] {
  const spans: Span[] = [];
  bins.forEach(({ from_s, to_s }, i) => {
    if (!isTaken(i)) return;
    const open = isTaken(i - 1) ? spans.pop() : undefined;
    spans.push({ from_s: open?.from_s ?? from_s, to_s });
  });
  return spans;
}
