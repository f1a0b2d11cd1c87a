import { type Outcome, OUTCOMES, type RequestRecord } from '../../core/record.ts';
import { axisTimeText, formatShare } from '../../core/units.ts';
import { judgedRequests } from '../stopped.ts';
import type { Facts } from './facts.ts';

/** Failures of so many requests in a hundred are named, of at most so many kinds. */
const TELLING_SHARE = 0.01;
const NAMED = 2;
const MAX_CHARACTERS = 160;

/** Requests that failed in one way: an outcome and an HTTP status. */
export interface FailureSpan {
  readonly outcome: Outcome;
  readonly http_status: number | null;
  readonly count: number;
  /** Due times of the first and the last, and the message of the first. */
  readonly first_s: number;
  readonly last_s: number;
  readonly error: string | null;
}

/** Counts failures by kind. */
export class FailureKindCollector {
  readonly #kinds = new Map<string, FailureSpan & { readonly id: string }>();

  /** A request that failed. */
  add({ request_id: id, due_us, outcome, http_status, error }: RequestRecord): void {
    const [key, due_s] = [`${outcome} ${http_status}`, due_us / 1e6];
    const known = this.#kinds.get(key);
    const own = { id, error: error?.slice(0, MAX_CHARACTERS) ?? null };
    if (known === undefined) {
      this.#kinds.set(key, { outcome, http_status, count: 1, first_s: due_s, last_s: due_s, ...own });
      return;
    }
    const isFirst = due_s < known.first_s || (due_s === known.first_s && id < known.id);
    this.#kinds.set(key, {
      ...known,
      count: known.count + 1,
      first_s: Math.min(known.first_s, due_s),
      last_s: Math.max(known.last_s, due_s),
      ...(isFirst ? own : {}),
    });
  }

  /** The most common first, of equal ones by outcome and status. */
  result(): readonly FailureSpan[] {
    return [...this.#kinds.values()].toSorted(
      (a, b) =>
        b.count - a.count ||
        OUTCOMES.indexOf(a.outcome) - OUTCOMES.indexOf(b.outcome) ||
        (a.http_status ?? -1) - (b.http_status ?? -1),
    );
  }
}

const VERBS: Partial<Record<Outcome, string>> = {
  ok: 'The answer was empty in',
  rejected: 'The server refused',
  http_error: 'The server failed on',
  connect_error: 'No connection was made for',
  stream_broken: 'The connection broke in',
  protocol_error: 'No adapter understood the answers of',
  timeout: 'No answer came in time for',
};

/** The most common ways to fail; time-outs of an overload are said there. */
export function failuresText({ summary, course, overload, failures }: Facts): string | null {
  const judged = judgedRequests(summary.requests);
  const sentences = failures
    .filter(({ outcome, count }) => count >= TELLING_SHARE * judged && (overload === null || outcome !== 'timeout'))
    .flatMap(({ outcome, http_status, count, first_s, last_s, error }) => {
      const verb = outcome === 'http_error' && isOfClient(http_status) ? 'The server found fault with' : VERBS[outcome];
      if (verb === undefined) return [];
      const status = http_status === null || http_status < 300 ? '' : ` (HTTP ${http_status})`;
      const endS = course?.end_s ?? last_s;
      const [first, last] = [first_s, last_s].map((each) => axisTimeText(each, endS));
      const when = first === last ? `at ${first}` : `between ${first} and ${last}`;
      return [
        `${verb} ${formatShare(count / judged)} of the requests${status}, due ${when}${error === null ? '' : `: "${error}"`}.`,
      ];
    });
  if (sentences.length === 0) return null;
  return [...sentences.slice(0, NAMED), ...noneInTime(summary, failures)].join(' ');
}

/** Where all time was out, a server that is overloaded looks like one that answers nobody. */
function noneInTime({ requests, latency_ms }: Facts['summary'], [first]: Facts['failures']): string[] {
  if (requests.ok > 0 || first?.outcome !== 'timeout') return [];
  const began = latency_ms.itl.n > 0;
  return [
    `${began ? 'Tokens came, but not one answer was over in time' : 'Nothing came'}: send it a request by itself, to tell a server that ${began ? 'never ends its answers' : 'answers nobody'} from an overload.`,
  ];
}

/** A status that blames the request. */
function isOfClient(status: number | null): boolean {
  return status !== null && status >= 400 && status < 500;
}
