import { latenessUs, type RequestRecord } from '../core/record.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { Summary } from '../schema/summary.ts';
import { meetsAll } from './judge.ts';
import { SessionColumns } from './session-columns.ts';

type Sessions = NonNullable<Summary['sessions']>;

/** Sessions as wholes, by their measured turns: how they ended, how many an hour, and what pushed them back. */
export class SessionsCollector {
  readonly #slo: NonNullable<Manifest['slo']>['limits_ms'] | null;
  /** Session trees at a time; null: each begins at its own time. */
  readonly #lanes: number | null;
  readonly #sessions = new SessionColumns([
    'firstUs',
    'endUs',
    'failed',
    'unfinished',
    'judged',
    'missed',
    'lateUs',
    'lastSentUs',
    'backUs',
  ]);
  #isPlanned = false;

  constructor({ slo, sessions }: Pick<Manifest, 'slo' | 'sessions'>) {
    this.#slo = slo?.limits_ms ?? null;
    this.#lanes = sessions?.concurrent ?? null;
  }

  /** A measured record; `isStopped`: the run was interrupted before it could end. */
  add(record: RequestRecord, isStopped: boolean): void {
    const { session_id, due_us, sent_us, end_us, outcome, planned_us } = record;
    if (session_id === null) return;
    const at = this.#sessions.place(session_id);
    const { firstUs, endUs, failed, unfinished, judged, missed, lateUs, lastSentUs, backUs } = this.#sessions.of;
    // Turns that were never sent have no due time of their own.
    if (sent_us !== null) firstUs.least(at, due_us);
    if (isStopped) unfinished.set(at, 1);
    else if (outcome !== 'ok') failed.set(at, 1);
    if (end_us !== null) endUs.most(at, end_us);
    const isMet = this.#slo === null || isStopped ? null : meetsAll(record, this.#slo);
    if (isMet !== null) judged.set(at, 1);
    if (isMet === false) missed.set(at, 1);
    lateUs.set(at, lateUs.get(at, 0) + (latenessUs(record) ?? 0));
    if (planned_us === null || sent_us === null) return;
    this.#isPlanned = true;
    if (due_us < lastSentUs.get(at, -Infinity)) return;
    lastSentUs.set(at, due_us);
    backUs.set(at, due_us - planned_us);
  }

  /** Null where no request is of a session. */
  result(): Sessions | null {
    const { of, length: scheduled } = this.#sessions;
    if (scheduled === 0) return null;
    let [finished, failed, judged, met, durationUs, lateUs, backUs, sent] = [0, 0, 0, 0, 0, 0, 0, 0];
    for (let at = 0; at < scheduled; at++) {
      const isFailed = of.failed.get(at, 0) === 1;
      const isUnfinished = !isFailed && of.unfinished.get(at, 0) === 1;
      if (isFailed) failed++;
      else if (!isUnfinished) {
        finished++;
        durationUs += of.endUs.get(at, 0) - of.firstUs.get(at, 0);
      }
      if (!isUnfinished && of.judged.get(at, 0) === 1) {
        judged++;
        if (of.missed.get(at, 0) === 0) met++;
      }
      lateUs += of.lateUs.get(at, 0);
      if (of.lastSentUs.get(at, -Infinity) > -Infinity) sent++;
      backUs += of.backUs.get(at, 0);
    }
    return {
      scheduled,
      finished,
      failed,
      mean_duration_s: finished === 0 ? null : durationUs / finished / 1e6,
      jobs_per_h: this.#jobsPerHour(finished),
      attainment: judged === 0 ? null : met / judged,
      pushed_back_s: this.#isPlanned && sent > 0 ? backUs / sent / 1e6 : null,
      client_late_s: lateUs / scheduled / 1e6,
    };
  }

  /**
   * Finished sessions an hour, from the first due time to the last end. In lanes, until the last session begins: behind
   * that fewer and fewer go on. A lane that begins a session has just ended one, so that no part of one is left out or
   * counted beyond.
   */
  #jobsPerHour(finished: number): number | null {
    const { of, length } = this.#sessions;
    let [fromUs, lastStartUs, lastEndUs] = [Infinity, -Infinity, -Infinity];
    for (let at = 0; at < length; at++) {
      const firstUs = of.firstUs.get(at, Infinity);
      fromUs = Math.min(fromUs, firstUs);
      if (firstUs < Infinity) lastStartUs = Math.max(lastStartUs, firstUs);
      lastEndUs = Math.max(lastEndUs, of.endUs.get(at, -Infinity));
    }
    const hasTurns = this.#lanes !== null && length > this.#lanes && lastStartUs > fromUs;
    const untilUs = hasTurns ? lastStartUs : lastEndUs;
    if (!(untilUs > fromUs)) return null;
    let ended = finished;
    if (hasTurns) {
      ended = 0;
      for (let at = 0; at < length; at++) {
        const isFinished = of.failed.get(at, 0) === 0 && of.unfinished.get(at, 0) === 0;
        if (isFinished && of.endUs.get(at, Infinity) <= untilUs) ended++;
      }
    }
    return (ended * 3600e6) / (untilUs - fromUs);
  }
}
