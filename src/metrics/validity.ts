import { latenessUs, MAX_LATENESS_MS } from '../core/record.ts';
import type { ClientHealth, Imported, Manifest } from '../schema/manifest.ts';
import type { RequestRecord } from '../core/record.ts';
import type { Summary } from '../schema/summary.ts';
import { formatMs, formatShare, msApart, sharesApart } from '../core/units.ts';
import { countUpTo, nearestRank, Samples } from './samples.ts';

/** The reason gives the share of requests sent later than this. */
const VERY_LATE_MS = 50;
/** A client that stalled for so long cannot time tokens. */
const MAX_STALL_MS = 100;
/** Share of the run in event-loop stalls (of 20 ms and more each); shorter ones show as waiting for a core. */
export const MAX_STALLED_SHARE = 0.01;
/** Share of the run in which the client may wait for a core; clean runs have 1.2 to 2.1 %. */
export const MAX_CORE_WAIT_SHARE = 0.04;
/** Limit of the lateness p90: a tenth of the TTFT, which it adds to, or this where that is less. */
const MIN_LATENESS_P90_MS = 2;
const LATENESS_P90_OF_TTFT = 0.1;
/** One late request is an accident; it is marked, and no figure rests on it alone. */
const FEWEST_LATE = 2;

type Validity = Summary['validity'];

/**
 * Whether the client kept up, from its own health alone: lateness over measured requests that were sent, and its event
 * loop over the whole run. Independent of the server's speed. In virtual time no client can fall behind;
 * of the client of another tool nothing is known.
 */
export class ValidityCollector {
  readonly #manifest: Manifest;
  readonly #latenessUs = new Samples();
  readonly #serviceTtftUs = new Samples();
  #tokens = 0;
  #clientStalled = 0;

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
  }

  add(record: RequestRecord): void {
    this.#tokens += record.token_times_us.length;
    const lateUs = latenessUs(record);
    // In virtual time no figure is of them.
    if (!record.measured || lateUs === null || this.#manifest.clock === 'virtual') return;
    this.#latenessUs.push(lateUs);
    if (record.first_token_us !== null && record.sent_us !== null)
      this.#serviceTtftUs.push(record.first_token_us - record.sent_us);
    if (record.client_stalled === true) this.#clientStalled++;
  }

  result(): Validity {
    const { clock, imported } = this.#manifest;
    if (clock === 'virtual') return NO_CLIENT;
    if (imported !== undefined)
      return { ...NO_CLIENT, valid: false, judged: false, reasons: [unknownClient(imported)] };
    const client = this.#manifest.client;
    const lateness = this.#latenessUs.sorted();
    const p90LimitMs = this.#p90LimitMs();
    const shares = sharesOf(client, this.#manifest.workers);
    const reasons = [
      ...fellBehind(lateness),
      ...leftLate(lateness, p90LimitMs),
      ...waitedForCores(shares.core_wait_share),
      ...stoodStill(client, shares.stalled_share),
    ];
    if (client === null) reasons.push('the run ended before the health of its client was saved, so it is not known');
    const ms = (permille: number): number => percentileMs(lateness, permille);
    return {
      valid: reasons.length === 0,
      judged: true,
      reasons,
      lateness_ms: lateness.length === 0 ? null : { p50: ms(500), p90: ms(900), p99: ms(990), max: ms(1000) },
      lateness_p90_limit_ms: p90LimitMs,
      event_loop_delay_ms: client?.event_loop_delay_ms ?? null,
      client_cpu_us_per_token: client === null ? null : usEach(workS(client), this.#tokens),
      reading_us_per_token: client === null ? null : usEach(readingS(client), this.#tokens),
      ...shares,
      requests_touched: this.#clientStalled,
    };
  }

  /**
   * A tenth of the TTFT p50 from sending, of requests that got a token: TTFT from the due time holds the lateness
   * itself, and would hide a part of it.
   */
  #p90LimitMs(): number {
    const ttftMs = percentileMs(this.#serviceTtftUs.sorted(), 500);
    return Math.max(MIN_LATENESS_P90_MS, LATENESS_P90_OF_TTFT * ttftMs);
  }
}

function unknownClient({ tool }: Imported): string {
  return `imported: the file of ${tool} does not say whether its client kept up`;
}

function percentileMs(sortedUs: Float64Array, permille: number): number {
  return (nearestRank(sortedUs, permille) ?? 0) / 1000;
}

/** Whether so many requests left later than a limit that it is no accident of one. */
function areLate(sortedUs: Float64Array, limitMs: number): boolean {
  const late = sortedUs.length - countUpTo(sortedUs, limitMs * 1000);
  return late >= Math.min(FEWEST_LATE, sortedUs.length);
}

function fellBehind(sortedUs: Float64Array): string[] {
  const p99Ms = percentileMs(sortedUs, 990);
  if (p99Ms <= MAX_LATENESS_MS || !areLate(sortedUs, MAX_LATENESS_MS)) return [];
  const veryLate = sortedUs.length - countUpTo(sortedUs, VERY_LATE_MS * 1000);
  const [late, limit] = msApart(p99Ms, MAX_LATENESS_MS);
  return [
    `the client fell behind: 1 % of requests left ${late} late or more (at most ${limit} is valid), ${formatShare(veryLate / sortedUs.length)} more than ${VERY_LATE_MS} ms; replay less (--rate, --speed), or on a faster or quieter machine`,
  ];
}

function leftLate(sortedUs: Float64Array, limitMs: number): string[] {
  const p90Ms = percentileMs(sortedUs, 900);
  if (p90Ms <= limitMs || !areLate(sortedUs, limitMs)) return [];
  const from = limitMs === MIN_LATENESS_P90_MS ? '' : ', a tenth of the TTFT p50 from sending';
  const [late, limit] = msApart(p90Ms, limitMs);
  return [
    `a tenth of the requests left ${late} late or more (at most ${limit} is valid${from}): latencies hold the client's own delay; see what else runs on this machine`,
  ];
}

function waitedForCores(share: number | null): string[] {
  if (share === null || share <= MAX_CORE_WAIT_SHARE) return [];
  const [waited, limit] = sharesApart(share, MAX_CORE_WAIT_SHARE);
  return [
    `the client waited for a core for ${waited} of the run (at most ${limit} is valid): other processes had it; end them, keep them off one core (taskset), or run the client on a machine with more cores`,
  ];
}

function stoodStill(client: ClientHealth | null, stalledShare: number | null): string[] {
  const reasons: string[] = [];
  const stalls = stallsOf(client)
    .map(({ from_us, to_us }) => ({ atS: from_us / 1e6, ms: (to_us - from_us) / 1000 }))
    .sort((a, b) => b.ms - a.ms || a.atS - b.atS);
  const long = stalls.filter(({ ms }) => ms >= MAX_STALL_MS);
  const [longest, ...others] = long;
  if (longest !== undefined) {
    const more = others.length === 0 ? '' : `, the longest of ${long.length} times`;
    reasons.push(
      `the client stood still for ${formatMs(longest.ms)} at ${longest.atS.toFixed(1)} s${more}; was the machine suspended, out of memory or busy?`,
    );
  }
  if (stalledShare !== null && stalledShare > MAX_STALLED_SHARE) {
    const [stalled, limit] = sharesApart(stalledShare, MAX_STALLED_SHARE);
    reasons.push(
      `the client's event loop stood still for ${stalled} of the run, in pauses of 20 ms or more (at most ${limit} is valid); see what else runs on this machine`,
    );
  }
  return reasons;
}

/** Stalls of the replay: the client's health begins before it, where no request can be touched. */
function stallsOf(client: ClientHealth | null): ClientHealth['stalls'] {
  return (client?.stalls ?? [])
    .filter(({ to_us }) => to_us > 0)
    .map(({ from_us, to_us }) => ({ from_us: Math.max(0, from_us), to_us }));
}

/** Shares of the run; null where they are not known, or the run had no length. */
function sharesOf(
  client: ClientHealth | null,
  workers: number,
): Pick<Validity, 'spin_share' | 'core_wait_share' | 'stalled_share'> {
  if (client === null || client.duration_s <= 0)
    return { spin_share: null, core_wait_share: null, stalled_share: null };
  const { polling_s, core_wait_s, duration_s } = client;
  const stalledUs = stallsOf(client).reduce((total, { from_us, to_us }) => total + to_us - from_us, 0);
  return {
    spin_share: polling_s / (duration_s * workers),
    core_wait_share: core_wait_s === null ? null : core_wait_s / duration_s,
    stalled_share: stalledUs / 1e6 / duration_s,
  };
}

/** CPU seconds of real work: without polling. */
function workS(client: ClientHealth): number {
  return Math.max(0, client.cpu_s - client.polling_s);
}

/** Seconds of this work spent reading what arrived; null: an older run. Where others had the core it is no CPU time. */
function readingS(client: ClientHealth): number | null {
  return client.reading_s === null ? null : Math.min(client.reading_s, workS(client));
}

function usEach(seconds: number | null, count: number): number | null {
  return seconds === null || count === 0 ? null : (seconds * 1e6) / count;
}

const NO_CLIENT: Validity = {
  valid: true,
  judged: true,
  reasons: [],
  lateness_ms: null,
  lateness_p90_limit_ms: null,
  event_loop_delay_ms: null,
  client_cpu_us_per_token: null,
  reading_us_per_token: null,
  spin_share: null,
  core_wait_share: null,
  stalled_share: null,
  requests_touched: 0,
};
