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
   * Finished sessions an hour, from the first due time to the last end. In lanes, for as long as they are full, which is
   * until the last session begins: sessions that go on at a time, by how many of them finish in the time that all take
   * together. Sessions counted by their ends would be too few, up to one half a lane, for each lane cuts one off.
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
    const isFull = this.#lanes !== null && length > this.#lanes && lastStartUs > fromUs;
    if (!isFull) return lastEndUs > fromUs ? (finished * 3600e6) / (lastEndUs - fromUs) : null;
    let [allUs, whileFullUs] = [0, 0];
    for (let at = 0; at < length; at++) {
      const firstUs = of.firstUs.get(at, Infinity);
      const isOver = of.failed.get(at, 0) === 1 || of.unfinished.get(at, 0) === 0;
      // One that is not over went on until the run ended.
      const endUs = isOver ? of.endUs.get(at, firstUs) : lastEndUs;
      allUs += Math.max(0, endUs - firstUs);
      whileFullUs += Math.max(0, Math.min(endUs, lastStartUs) - firstUs);
    }
    const atATime = whileFullUs / (lastStartUs - fromUs);
    return allUs > 0 ? (atATime * finished * 3600e6) / allUs : null;
  }
}
