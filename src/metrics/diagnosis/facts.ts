import type { Outcome } from '../../core/record.ts';
import type { Manifest } from '../../schema/manifest.ts';
import type { Summary } from '../../schema/summary.ts';
import type { Course } from './course.ts';
import type { PromptGaps } from './prompt-gaps.ts';
import type { FirstFailure } from './first-failure.ts';
import type { ServerCourse } from './server-course.ts';

/** What the rules look at. */
export interface Facts {
  readonly summary: Omit<Summary, 'warnings' | 'diagnosis'>;
  readonly manifest: Manifest;
  /** Codes of the run's warnings. */
  readonly warned: ReadonlySet<Summary['warnings'][number]['code']>;
  readonly course: Course | null;
  readonly gaps: PromptGaps | null;
  /** By outcome. */
  readonly first_failures: ReadonlyMap<Outcome, FirstFailure>;
  readonly server: ServerCourse;
}

/** A part of the run's time, in seconds from its start. */
export interface Span {
  readonly from_s: number;
  readonly to_s: number;
}

/** The rules explain misses where at least so many requests, and this share of them, missed. */
const FEWEST_MISSES = 10;
const TELLING_SHARE = 0.01;

/** Whether so many requests missed, or were slow, that it has a reason. */
export function isTelling({ missed, requests }: Course): boolean {
  return missed >= FEWEST_MISSES && missed >= TELLING_SHARE * requests.length;
}
