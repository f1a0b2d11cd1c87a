import { latenessUs, MAX_LATENESS_MS } from '../core/record.ts';
import type { ClientHealth, Manifest } from '../schema/manifest.ts';
import type { RequestRecord } from '../core/record.ts';
import type { Summary } from '../schema/summary.ts';
import { formatMs, formatShare } from '../core/units.ts';
import { nearestRank, Samples } from './samples.ts';

/** The reason gives the share of requests sent later than this; 1 % of them would break `MAX_LATENESS_MS` too. */
const VERY_LATE_MS = 50;
/** A client that stalled for so long cannot time tokens. */
const MAX_STALL_MS = 100;

type Validity = Summary['validity'];

/**
 * Whether the client kept up, from its own health alone: lateness over measured requests that were sent, and its event
 * loop over the whole run. Independent of the server's speed. In virtual time no client can fall behind.
 */
export class ValidityCollector {
  readonly #manifest: Manifest;
  readonly #latenessUs = new Samples();
  #tokens = 0;
  #clientStalled = 0;

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
  }

  add(record: RequestRecord): void {
    this.#tokens += record.token_times_us.length;
    const lateUs = latenessUs(record);
    if (!record.measured || lateUs === null) return;
    this.#latenessUs.push(lateUs);
    if (record.client_stalled === true) this.#clientStalled++;
  }

  result(): Validity {
    if (this.#manifest.clock === 'virtual') return NO_CLIENT;
    const client = this.#manifest.client;
    const lateness = this.#latenessUs.sorted();
    const reasons = [...this.#fellBehind(lateness), ...this.#stoodStill()];
    if (client === null) reasons.push('the run ended before the health of its client was saved, so it is not known');
    const ms = (permille: number): number => (nearestRank(lateness, permille) ?? 0) / 1000;
    return {
      valid: reasons.length === 0,
      reasons,
      lateness_ms: lateness.length === 0 ? null : { p50: ms(500), p90: ms(900), p99: ms(990), max: ms(1000) },
      event_loop_delay_ms: client?.event_loop_delay_ms ?? null,
      client_cpu_us_per_token: client === null || this.#tokens === 0 ? null : (workS(client) * 1e6) / this.#tokens,
      spin_share: client === null ? null : client.polling_s / client.duration_s,
      core_wait_share: client === null || client.core_wait_s === null ? null : client.core_wait_s / client.duration_s,
      requests_touched: this.#clientStalled,
    };
  }

  #fellBehind(sortedUs: Float64Array): string[] {
    const p99Ms = (nearestRank(sortedUs, 990) ?? 0) / 1000;
    if (p99Ms <= MAX_LATENESS_MS) return [];
    const veryLate = sortedUs.length - sortedUs.findLastIndex((us) => us <= VERY_LATE_MS * 1000) - 1;
    return [
      `the client fell behind: 1 % of requests left ${formatMs(p99Ms)} late or more (at most ${MAX_LATENESS_MS} ms is valid), ${formatShare(veryLate / sortedUs.length)} more than ${VERY_LATE_MS} ms`,
    ];
  }

  #stoodStill(): string[] {
    const stalls = (this.#manifest.client?.stalls ?? [])
      .map(({ from_us, to_us }) => ({ atS: from_us / 1e6, ms: (to_us - from_us) / 1000 }))
      .filter(({ ms }) => ms >= MAX_STALL_MS)
      .sort((a, b) => b.ms - a.ms || a.atS - b.atS);
    const [longest, ...others] = stalls;
    if (longest === undefined) return [];
    const more = others.length === 0 ? '' : `, the longest of ${stalls.length} times`;
    return [`the client stood still for ${formatMs(longest.ms)} at ${longest.atS.toFixed(1)} s${more}`];
  }
}

/** CPU seconds of real work: without polling. */
function workS(client: ClientHealth): number {
  return Math.max(0, client.cpu_s - client.polling_s);
}

const NO_CLIENT: Validity = {
  valid: true,
  reasons: [],
  lateness_ms: null,
  event_loop_delay_ms: null,
  client_cpu_us_per_token: null,
  spin_share: null,
  core_wait_share: null,
  requests_touched: 0,
};
