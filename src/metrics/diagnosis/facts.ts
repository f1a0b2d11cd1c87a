import type { Manifest } from '../../schema/manifest.ts';
import type { Summary } from '../../schema/summary.ts';
import type { Concentration } from './concentration.ts';
import type { Course } from './course.ts';
import type { FailureSpan } from './failure-kinds.ts';
import type { LoadPeaks } from './load-peaks.ts';
import type { Overload } from './overload-rule.ts';
import type { PromptGaps } from './prompt-gaps.ts';
import type { ServerCourse } from './server-course.ts';

/** What the rules look at. */
export interface Facts {
  readonly summary: Omit<Summary, 'warnings' | 'diagnosis'>;
  readonly manifest: Manifest;
  /** Codes of the run's warnings. */
  readonly warned: ReadonlySet<Summary['warnings'][number]['code']>;
  readonly course: Course | null;
  /** What the lengths of requests explain, in words. */
  readonly lengths: string | null;
  readonly overload: Overload | null;
  /** When most requests missed, and the load that explains it; null where they missed at all times, by an overload too. */
  readonly concentration: Concentration | null;
  readonly peaks: LoadPeaks | null;
  readonly gaps: PromptGaps | null;
  /** The most common first. */
  readonly failures: readonly FailureSpan[];
  readonly server: ServerCourse;
}

/** The rules explain misses where at least so many requests, and this share of them, missed. */
const FEWEST_MISSES = 10;
const TELLING_SHARE = 0.01;

/** Whether so many of the requests that the server took missed, or were slow, that it has a reason. */
export function isTelling(course: Course | null): course is Course {
  return course !== null && course.missed >= FEWEST_MISSES && course.missed >= TELLING_SHARE * course.taken;
}
