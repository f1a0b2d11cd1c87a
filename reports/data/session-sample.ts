import type { RequestRecord } from '../../src/core/record.ts';
import { SessionColumns } from '../../src/metrics/session-columns.ts';

/** A turn, in seconds from the first due time of its session. */
export interface SampledTurn {
  readonly request_id: string;
  readonly turn: number;
  readonly due_s: number;
  readonly sent_s: number;
  /** Null: no token came. */
  readonly first_token_s: number | null;
  readonly end_s: number;
  readonly outcome: RequestRecord['outcome'];
}

export interface SampledSession {
  readonly id: string;
  readonly why: 'failed' | 'slowest' | 'longest';
  /** Turns that were sent, in order of their due times: the first MAX_TURNS of them. */
  readonly turns: readonly SampledTurn[];
  /** Turns that were sent. */
  readonly sent: number;
  readonly unsent: number;
  /** Of all turns that were sent: until the last one ended, and the sum of what each took from its due time. */
  readonly length_s: number;
  readonly in_turns_s: number;
  /** The first that was not answered; null: all were. */
  readonly failed: Pick<SampledTurn, 'turn' | 'outcome'> | null;
}

const MOST_FAILED = 12;
const MOST_SLOW = 14;
const MOST = 40;
export const MAX_TURNS = 200;

/** Chooses sessions to show: some that failed, those that waited longest for answers, and those that took longest. */
export class SessionChooser {
  readonly #sessions = new SessionColumns(['firstUs', 'endUs', 'failed', 'busyUs']);

  add(record: RequestRecord): void {
    const { session_id, due_us, sent_us, end_us, outcome } = record;
    if (session_id === null) return;
    const at = this.#sessions.place(session_id);
    const { firstUs, endUs, failed, busyUs } = this.#sessions.of;
    if (outcome !== 'ok') failed.set(at, 1);
    if (sent_us === null) return;
    firstUs.least(at, due_us);
    endUs.most(at, end_us ?? sent_us);
    busyUs.set(at, busyUs.get(at, 0) + (end_us ?? sent_us) - due_us);
  }

  /** Failed ones first; none twice, and of equal ones those with the smaller ids. */
  chosen(): ReadonlyMap<string, SampledSession['why']> {
    const { of } = this.#sessions;
    const ids = [...this.#sessions.ids()];
    const most = (value: (at: number) => number, count: number): string[] =>
      Array.from(ids, (id, at) => ({ id, value: value(at) }))
        .filter((each) => each.value > 0)
        .sort((a, b) => b.value - a.value || (a.id < b.id ? -1 : 1))
        .slice(0, count)
        .map(({ id }) => id);
    const lengthUs = (at: number): number => of.endUs.get(at, 0) - of.firstUs.get(at, 0);
    const found = new Map<string, SampledSession['why']>();
    const take = (why: SampledSession['why'], some: readonly string[]): void => {
      for (const id of some) if (found.size < MOST && !found.has(id)) found.set(id, why);
    };
    take(
      'failed',
      most((at) => of.failed.get(at, 0) * Math.max(1, lengthUs(at)), ids.length <= MOST ? MOST : MOST_FAILED),
    );
    take(
      'slowest',
      most((at) => of.busyUs.get(at, 0), MOST_SLOW),
    );
    take('longest', most(lengthUs, MOST));
    return found;
  }
}

/** The turns of chosen sessions, from a second pass over the records. */
export class SessionTurns {
  readonly #turns: ReadonlyMap<string, { readonly why: SampledSession['why']; readonly records: RequestRecord[] }>;

  constructor(chosen: ReadonlyMap<string, SampledSession['why']>) {
    this.#turns = new Map([...chosen].map(([id, why]) => [id, { why, records: [] }]));
  }

  /** Whether any session was chosen. */
  get isWanted(): boolean {
    return this.#turns.size > 0;
  }

  add(record: RequestRecord): void {
    if (record.session_id === null || !record.measured) return;
    // The times of tokens of a part of the run are in one array, which is not to be kept.
    this.#turns.get(record.session_id)?.records.push({ ...record, token_times_us: record.token_times_us.slice(0, 1) });
  }

  result(): SampledSession[] {
    return [...this.#turns]
      .filter(([, { records }]) => records.length > 0)
      .map(([id, { why, records }]) => {
        const sent = records
          .flatMap((record) => (record.sent_us === null ? [] : [{ record, sentUs: record.sent_us }]))
          .sort((a, b) => a.record.due_us - b.record.due_us || a.record.turn - b.record.turn);
        const fromUs = sent[0]?.record.due_us ?? 0;
        const turns = sent.map(({ record, sentUs }) => turnOf(record, sentUs, fromUs));
        const failed = turns.find(({ outcome }) => outcome !== 'ok');
        return {
          id,
          why,
          turns: turns.slice(0, MAX_TURNS),
          sent: sent.length,
          unsent: records.length - sent.length,
          length_s: turns.reduce((most, { end_s }) => Math.max(most, end_s), 0),
          in_turns_s: turns.reduce((sum, { due_s, end_s }) => sum + end_s - due_s, 0),
          failed: failed === undefined ? null : { turn: failed.turn, outcome: failed.outcome },
        };
      });
  }
}

function turnOf(record: RequestRecord, sentUs: number, fromUs: number): SampledTurn {
  const { request_id, turn, due_us, end_us, outcome, token_times_us } = record;
  const seconds = (us: number): number => (us - fromUs) / 1e6;
  const firstUs = token_times_us[0];
  return {
    request_id,
    turn,
    due_s: seconds(due_us),
    sent_s: seconds(sentUs),
    first_token_s: firstUs === undefined ? null : seconds(due_us + firstUs),
    end_s: seconds(Math.max(end_us ?? sentUs, due_us + (firstUs ?? 0))),
    outcome,
  };
}
