import type { CourseBin } from './course.ts';
import type { Span } from './facts.ts';

type Count = 'due' | 'prompt_tokens' | 'missed' | 'answered' | 'timed_out' | 'refused';

export function total(bins: readonly CourseBin[], count: Count): number {
  return bins.reduce((sum, bin) => sum + bin[count], 0);
}

export function seconds(spans: readonly Span[]): number {
  return spans.reduce((sum, { from_s, to_s }) => sum + to_s - from_s, 0);
}

/** Whether a time lies within one of the spans. */
export function isWithin(spans: readonly Span[], atS: number): boolean {
  return spans.some(({ from_s, to_s }) => atS >= from_s && atS < to_s);
}
