import { type Outcome, OUTCOMES, type RequestRecord } from '../../core/record.ts';
import { formatShare, axisTimeText } from '../../core/units.ts';
import { failedByOutcome, judgedRequests } from '../stopped.ts';
import type { Facts } from './facts.ts';
import { overloadSince } from './overload-rule.ts';

/** Failures of so many requests in a hundred are named. */
const TELLING_SHARE = 0.01;
const MAX_CHARACTERS = 160;

/** The first request of a kind of failure, by due time. */
export interface FirstFailure {
  readonly due_s: number;
  readonly outcome: Outcome;
  readonly http_status: number | null;
  readonly error: string | null;
}

/** Keeps the first failure of each outcome. */
export class FirstFailureCollector {
  readonly #first = new Map<Outcome, FirstFailure & { readonly id: string }>();

  /** A request that failed. */
  add({ request_id: id, due_us, outcome, http_status, error }: RequestRecord): void {
    const [known, due_s] = [this.#first.get(outcome), due_us / 1e6];
    if (known !== undefined && (known.due_s < due_s || (known.due_s === due_s && known.id < id))) return;
    this.#first.set(outcome, { id, due_s, outcome, http_status, error: error?.slice(0, MAX_CHARACTERS) ?? null });
  }

  result(): ReadonlyMap<Outcome, FirstFailure> {
    return this.#first;
  }
}

const VERBS: Partial<Record<Outcome, string>> = {
  rejected: 'The server refused',
  http_error: 'The server failed on',
  connect_error: 'No connection was made for',
  stream_broken: 'The connection broke in',
  protocol_error: 'No adapter understood the answers of',
  timeout: 'No answer came in time for',
};

/** The most common way to fail, of equal ones the first of `OUTCOMES`, with its first message; time-outs of an overload are said there. */
export function failuresText({ summary, course, first_failures }: Facts): string | null {
  const judged = judgedRequests(summary.requests);
  const counts = failedByOutcome(summary.requests);
  const isOverload = course !== null && overloadSince(course) !== null;
  const [most] = [...first_failures.values()]
    .filter(({ outcome }) => !(isOverload && outcome === 'timeout'))
    .map((first) => ({ first, count: counts[first.outcome] ?? 0 }))
    .toSorted((a, b) => b.count - a.count || OUTCOMES.indexOf(a.first.outcome) - OUTCOMES.indexOf(b.first.outcome));
  if (most === undefined || most.count < TELLING_SHARE * judged) return null;
  const { count, first } = most;
  const verb = VERBS[first.outcome];
  if (verb === undefined) return null;
  const status = first.http_status === null || first.http_status < 300 ? '' : ` (HTTP ${first.http_status})`;
  const message = first.error === null ? '' : `: "${first.error}"`;
  return `${verb} ${formatShare(count / judged)} of the requests${status}, the first ${axisTimeText(first.due_s, course?.end_s ?? first.due_s)} after the start${message}.`;
}
