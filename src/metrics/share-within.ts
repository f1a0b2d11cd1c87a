import type { RequestRecord } from '../core/record.ts';
import type { LatencyGate } from '../core/run-gate.ts';
import type { Attainment } from '../schema/attainment.ts';
import { attainmentInterval } from './attainment-interval.ts';
import { slackOf } from './judged-requests.ts';
import { e2eUs, isAnswered, tpotUs, ttftUs } from './request-latency.ts';
import { Samples, sum } from './samples.ts';

const LATENCY_US = { ttft: ttftUs, tpot: tpotUs, e2e: e2eUs } as const;

/**
 * Share of the requests with a latency within a limit, and its interval, which is that of an attainment. The requests are
 * those of the quantiles of this latency: failed ones are outside of any limit, and one with a single token has no TPOT.
 */
export class ShareWithin {
  readonly #gate: LatencyGate;
  /** Beside one another, as `JudgedRequests` has them. */
  readonly #dueUs = new Samples();
  readonly #staysUs = new Samples();
  readonly #within = new Samples();
  readonly #slacks = new Samples();

  constructor(gate: LatencyGate) {
    this.#gate = gate;
  }

  add(record: RequestRecord): void {
    const { metric, limitUs, isStrict } = this.#gate;
    const latencyUs = isAnswered(record) ? LATENCY_US[metric](record) : Infinity;
    if (latencyUs === null) return;
    this.#dueUs.push(record.due_us);
    this.#staysUs.push(record.end_us === null ? Infinity : Math.max(0, record.end_us - record.due_us));
    this.#within.push(latencyUs < limitUs || (!isStrict && latencyUs === limitUs) ? 1 : 0);
    this.#slacks.push(latencyUs === Infinity ? Number.NaN : slackOf(latencyUs / limitUs));
  }

  result(): Pick<Attainment, 'joint' | 'ci95' | 'overloaded'> & { readonly requests: number } {
    const within = this.#within.values();
    const { ci95, overloaded } = attainmentInterval({
      dueUs: this.#dueUs.values(),
      staysUs: this.#staysUs.values(),
      met: within,
      slacks: this.#slacks.values(),
    });
    const requests = within.length;
    return { joint: requests === 0 ? 0 : sum(within) / requests, ci95, overloaded, requests };
  }
}
