import type { RequestRecord } from '../../core/record.ts';
import { limitsOf, type Slo } from '../../core/slo.ts';
import type { Manifest } from '../../schema/manifest.ts';
import type { Scrape } from '../../schema/server-metrics.ts';
import { DIAGNOSIS_CODES, type Diagnosis, type DiagnosisCode, type Summary } from '../../schema/summary.ts';
import { meets, meetsAll } from '../judge.ts';
import { isAnswered } from '../request-latency.ts';
import { release } from '../../core/release.ts';
import { burstText, shareText, slowdownText } from './burst-rule.ts';
import { concentrationOf, isEvent } from './concentration.ts';
import { CourseCollector } from './course.ts';
import { type Facts, isTelling } from './facts.ts';
import { failuresText, FailureKindCollector } from './failure-kinds.ts';
import { lengthText } from './length-rules.ts';
import { loadPeaks } from './load-peaks.ts';
import { cacheText, capText, clientText, proxyText, stoodStillLong } from './measurement-rules.ts';
import { answersInTime, overloadOf, overloadText } from './overload-rule.ts';
import { PromptGapsCollector, promptsText } from './prompt-gaps.ts';
import { memoryText, serverState, type ServerCourse } from './server-course.ts';
import { total } from './spans.ts';
import { floorText, loadText } from './steady-rules.ts';

/** A sentence or two on a cause; null where it does not hold. `found`: the causes that stand before it in the text. */
type Rule = (facts: Facts, found: ReadonlySet<DiagnosisCode>) => string | null;

const RULES: Readonly<Record<Exclude<DiagnosisCode, 'unclear'>, Rule>> = {
  client: clientText,
  cache: cacheText,
  proxy: proxyText,
  cap: capText,
  overload: overloadText,
  failures: failuresText,
  burst: burstText,
  slowdown: slowdownText,
  memory: (facts, found) => memoryText(facts, found.has('burst')),
  lengths: ({ lengths, overload }) => (overload === null ? lengths : null),
  prompts: promptsText,
  floor: floorText,
  load: (facts, found) => (found.has('burst') || found.has('slowdown') ? null : loadText(facts)),
};

/** Rules that go by what is in flight, which a cap of the client holds down: what waits for a place waits in the client. */
const NOT_UNDER_A_CAP: ReadonlySet<DiagnosisCode> = new Set(['overload', 'slowdown', 'floor', 'load']);

/**
 * Rules that go by how load and misses went on: a client that stood still for long and caught up makes bursts and
 * backlogs, and of a server that answered nobody, or some at once and others never, nothing tells whether less load would
 * have helped.
 */
const BY_LOAD: ReadonlySet<DiagnosisCode> = new Set(['overload', 'burst', 'slowdown', 'floor', 'load']);

/** Rules that do not go by when a request was sent. */
const WITHOUT_TIMES: ReadonlySet<DiagnosisCode> = new Set(['cache', 'failures', 'lengths']);

/** Why requests missed, by rules over the records and the server's own metrics. `add` takes each record once, in any order. */
export class DiagnosisCollector {
  readonly #slo: Slo | null;
  readonly #course: CourseCollector;
  readonly #gaps = new PromptGapsCollector();
  readonly #failures = new FailureKindCollector();
  readonly #server: ServerCourse[number][] = [];

  constructor({ slo }: Pick<Manifest, 'slo'>) {
    this.#slo = slo?.limits_ms ?? null;
    this.#course = new CourseCollector(slo !== null);
  }

  /** `counts`: measured, and not stopped by the user. */
  add(record: RequestRecord, counts: boolean): void {
    this.#course.addSent(record);
    const limit = this.#slo === null ? undefined : limitsOf(this.#slo, record.slo_class)?.tpot;
    const isOfInterest = counts && isAnswered(record) && (limit === undefined || !meets(record, 'tpot', limit));
    this.#gaps.add(record, isOfInterest);
    if (!counts) return;
    this.#course.add(record, this.#slo !== null && meetsAll(record, this.#slo) === false);
    if (!isAnswered(record)) this.#failures.add(record);
  }

  /** In order of time. */
  addScrape(scrape: Scrape): void {
    const state = serverState(scrape);
    if (state !== null) this.#server.push(state);
  }

  /** To be asked once: the values of requests are gone afterwards. */
  result(summary: Facts['summary'], manifest: Manifest, warnings: Summary['warnings']): Diagnosis[] {
    const course = this.#course.result();
    const lengths = lengthText(course);
    const isJudged = summary.slo?.attainment.overloaded ?? false;
    const warned = new Set(warnings.map(({ code }) => code));
    const isMute =
      summary.requests.ok === 0 || stoodStillLong({ warned, summary }) || (course !== null && answersInTime(course));
    const overload = course === null || isMute ? null : overloadOf(course, isJudged, lengths !== null);
    const concentration = course === null || overload !== null ? null : concentrationOf(course);
    const facts: Facts = {
      summary,
      manifest,
      warned,
      course,
      lengths,
      overload,
      concentration,
      peaks: course === null || concentration === null ? null : loadPeaks(course, concentration.spans),
      gaps: this.#gaps.result(),
      failures: this.#failures.result(),
      server: this.#server,
    };
    // Where the run ended by what failed, that comes first.
    const isFirst = (code: DiagnosisCode): boolean => summary.status === 'failed' && code === 'failures';
    const order = DIAGNOSIS_CODES.toSorted((a, b) => Number(isFirst(b)) - Number(isFirst(a)));
    const found: Diagnosis[] = [];
    const codes = new Set<DiagnosisCode>();
    for (const code of order) {
      const isBlind =
        (facts.warned.has('held') && NOT_UNDER_A_CAP.has(code)) ||
        (isMute && BY_LOAD.has(code)) ||
        (manifest.imported?.starts === 'unknown' && !WITHOUT_TIMES.has(code));
      const text = code === 'unclear' || isBlind ? null : RULES[code](facts, codes);
      if (text === null) continue;
      found.push({ code, text });
      codes.add(code);
    }
    const isTold = found.some(({ code }) => code !== 'failures') || manifest.imported?.starts === 'unknown';
    const text = isTold ? null : unclearText(facts);
    if (course !== null) release(...Object.values(course.requests));
    return text === null ? found : [...found, { code: 'unclear', text }];
  }
}

/** What can be said where no rule holds. */
function unclearText({ course, concentration }: Facts): string | null {
  if (!isTelling(course) || course.judged_by !== 'slo') return null;
  // Time-outs are told as failures.
  if (!isTelling({ ...course, missed: course.missed - total(course.bins, 'timed_out') })) return null;
  return concentration === null || !isEvent(course, concentration)
    ? `No one cause of the ${course.refused === 0 ? '' : 'other '}misses stands out: they are spread over time and load.`
    : `The records do not say why, but when: ${shareText(course, concentration)}`;
}
