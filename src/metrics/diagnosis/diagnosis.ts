import type { RequestRecord } from '../../core/record.ts';
import type { Slo } from '../../core/slo.ts';
import type { Manifest } from '../../schema/manifest.ts';
import type { Scrape } from '../../schema/server-metrics.ts';
import { DIAGNOSIS_CODES, type Diagnosis, type DiagnosisCode, type Summary } from '../../schema/summary.ts';
import { meets, meetsAll } from '../attainment.ts';
import { isAnswered } from '../request-latency.ts';
import { burstText, slowdownText } from './burst-rule.ts';
import { CourseCollector } from './course.ts';
import { type Facts, isTelling } from './facts.ts';
import { failuresText, FirstFailureCollector } from './first-failure.ts';
import { cacheText, capText, clientText, proxyText } from './measurement-rules.ts';
import { overloadText } from './overload-rule.ts';
import { PromptGapsCollector, promptsText } from './prompt-gaps.ts';
import { memoryText, serverState, type ServerCourse } from './server-course.ts';
import { floorText, loadText } from './steady-rules.ts';

/** A sentence or two on a cause; null where the rule does not hold. */
const RULES: Readonly<Record<Exclude<DiagnosisCode, 'unclear'>, (facts: Facts) => string | null>> = {
  client: clientText,
  cache: cacheText,
  proxy: proxyText,
  cap: capText,
  overload: overloadText,
  failures: failuresText,
  burst: burstText,
  slowdown: slowdownText,
  memory: (facts) => memoryText(facts, burstText(facts) !== null),
  prompts: promptsText,
  floor: floorText,
  load: loadText,
};

/** Why requests missed, by rules over the records and the server's own metrics. `add` takes each record once, in any order. */
export class DiagnosisCollector {
  readonly #slo: Slo | null;
  readonly #course = new CourseCollector();
  readonly #gaps = new PromptGapsCollector();
  readonly #failures = new FirstFailureCollector();
  readonly #server: ServerCourse[number][] = [];

  constructor({ slo }: Pick<Manifest, 'slo'>) {
    this.#slo = slo?.limits_ms ?? null;
  }

  /** `counts`: measured, and not stopped by the user. */
  add(record: RequestRecord, counts: boolean): void {
    this.#course.addSent(record);
    const limit = this.#slo?.tpot;
    const isOfInterest = counts && isAnswered(record) && (limit === undefined || !meets(record, 'tpot', limit));
    this.#gaps.add(record, isOfInterest);
    if (!counts) return;
    this.#course.add(record, this.#slo !== null && !meetsAll(record, this.#slo));
    if (!isAnswered(record)) this.#failures.add(record);
  }

  /** In order of time. */
  addScrape(scrape: Scrape): void {
    const state = serverState(scrape);
    if (state !== null) this.#server.push(state);
  }

  result(summary: Facts['summary'], manifest: Manifest, warnings: Summary['warnings']): Diagnosis[] {
    const facts: Facts = {
      summary,
      manifest,
      warned: new Set(warnings.map(({ code }) => code)),
      course: this.#course.result(this.#slo !== null),
      gaps: this.#gaps.result(),
      first_failures: this.#failures.result(),
      server: this.#server,
    };
    const found = DIAGNOSIS_CODES.flatMap((code): Diagnosis[] => {
      const text = code === 'unclear' ? null : RULES[code](facts);
      return text === null ? [] : [{ code, text }];
    });
    const isOpen = found.length === 0 && facts.course !== null && facts.course.judged_by === 'slo';
    return isOpen && facts.course !== null && isTelling(facts.course)
      ? [{ code: 'unclear', text: 'No one cause stands out: the misses are spread over time and load.' }]
      : found;
  }
}
