import { latenessUs, MAX_LATENESS_MS } from '../core/record.ts';
import type { ClientHealth, Imported, Manifest } from '../schema/manifest.ts';
import type { RequestRecord } from '../core/record.ts';
import type { Pauses } from '../schema/validity-parts.ts';
import type { Summary } from '../schema/summary.ts';
import { formatMs, formatShare, msApart, sharesApart } from '../core/units.ts';
import { countUpTo, nearestRank, Samples } from './samples.ts';
import { StimulusCollector, stimulusReasons } from './stimulus.ts';

/** The reason gives the share of requests sent later than this. */
const VERY_LATE_MS = 50;
/** A client that stalled for so long cannot time tokens. */
const MAX_STALL_MS = 100;
/** Share of the run in event-loop stalls (of 20 ms and more each); shorter ones show as waiting for a core. */
export const MAX_STALLED_SHARE = 0.01;
/** Share of the run in which the client may wait for a core; clean runs have 1.2 to 2.1 %. */
export const MAX_CORE_WAIT_SHARE = 0.04;
/**
 * Limit of the lateness p90: a tenth of the TTFT p50, or this where that is less. Of the TTFT from sending: that from the
 * due time holds the lateness itself, and would hide a part of it.
 */
const MIN_LATENESS_P90_MS = 2;
const LATENESS_P90_OF_TTFT = 0.1;
/** One late request is an accident; it is marked, and no figure rests on it alone. */
const FEWEST_LATE = 2;

type Validity = Summary['validity'];

/**
 * Whether the client kept up, from its own health alone: lateness over measured requests that were sent, whether these
 * left as planned, and its event loop over the whole run. Independent of the server's speed. In virtual time no client
 * can fall behind; of the client of another tool nothing is known.
 */
export class ValidityCollector {
  readonly #manifest: Manifest;
  readonly #latenessUs = new Samples();
  readonly #serviceTtftUs = new Samples();
  readonly #stimulus = new StimulusCollector();
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
    this.#stimulus.add(record);
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
    const ttftMs = percentileMs(this.#serviceTtftUs.sorted(), 500);
    const p90LimitMs = Math.max(MIN_LATENESS_P90_MS, LATENESS_P90_OF_TTFT * ttftMs);
    const shares = sharesOf(client, this.#manifest.workers);
    const stimulus = this.#stimulus.result(ttftMs);
    const reasons = [
      ...fellBehind(lateness),
      ...leftLate(lateness, p90LimitMs),
      ...stimulusReasons(stimulus),
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
      gc: pausesOf(client, client?.gc),
      unread: pausesOf(client, client?.unread),
      stimulus,
      requests_touched: this.#clientStalled,
    };
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
  const stalls = stallsOf(client).sort((a, b) => lengthUs(b) - lengthUs(a) || a.from_us - b.from_us);
  const long = stalls.filter((stall) => lengthUs(stall) >= MAX_STALL_MS * 1000);
  const [longest, ...others] = long;
  if (longest !== undefined) {
    const more = others.length === 0 ? '' : `, the longest of ${long.length} times`;
    const why = causeOf([longest]) ?? 'was the machine suspended, out of memory or busy?';
    reasons.push(
      `the client stood still for ${formatMs(lengthUs(longest) / 1000)} at ${(longest.from_us / 1e6).toFixed(1)} s${more}; ${why}`,
    );
  }
  if (stalledShare !== null && stalledShare > MAX_STALLED_SHARE) {
    const [stalled, limit] = sharesApart(stalledShare, MAX_STALLED_SHARE);
    const why = causeOf(stalls) ?? 'see what else runs on this machine';
    reasons.push(
      `the client's event loop stood still for ${stalled} of the run, in pauses of 20 ms or more (at most ${limit} is valid); ${why}`,
    );
  }
  return reasons;
}

/** What took half of the time of stalls or more, and what helps; null: neither of those that are known. */
function causeOf(stalls: readonly Stall[]): string | null {
  const total = (us: (stall: Stall) => number): number => stalls.reduce((sum, stall) => sum + us(stall), 0);
  const [allUs, gcUs, waitUs] = [
    total(lengthUs),
    total(({ gc_us }) => gc_us ?? 0),
    total(({ core_wait_us }) => core_wait_us ?? 0),
  ];
  if (gcUs >= allUs / 2)
    return `garbage collection had ${formatMs(gcUs / 1000)} of it: replay less at once (--rate, --window), or see what else takes the memory of this machine`;
  if (waitUs >= allUs / 2)
    return `other processes had its core for ${formatMs(waitUs / 1000)} of it: end them, or keep them off one core (taskset)`;
  return null;
}

type Stall = ClientHealth['stalls'][number];

const lengthUs = ({ from_us, to_us }: Stall): number => to_us - from_us;

/** Stalls of the replay: the client's health begins before it, where no request can be touched. */
function stallsOf(client: ClientHealth | null): Stall[] {
  return (client?.stalls ?? [])
    .filter(({ to_us }) => to_us > 0)
    .map((stall) => ({ ...stall, from_us: Math.max(0, stall.from_us) }));
}

/** Shares of the run; null where they are not known, or the run had no length. */
function sharesOf(
  client: ClientHealth | null,
  workers: number,
): Pick<Validity, 'spin_share' | 'core_wait_share' | 'stalled_share'> {
  if (client === null || client.duration_s <= 0)
    return { spin_share: null, core_wait_share: null, stalled_share: null };
  const { polling_s, core_wait_s, duration_s } = client;
  const stalledUs = stallsOf(client).reduce((total, stall) => total + lengthUs(stall), 0);
  return {
    spin_share: polling_s / (duration_s * workers),
    core_wait_share: core_wait_s === null ? null : core_wait_s / duration_s,
    stalled_share: stalledUs / 1e6 / duration_s,
  };
}

/** As a share of the run; null where they are not known, or the run had no length. */
function pausesOf(client: ClientHealth | null, pauses: ClientHealth['gc'] | undefined): Pauses {
  if (client === null || client.duration_s <= 0 || pauses === null || pauses === undefined) return null;
  const { total_s, longest_ms, longest_at_us } = pauses;
  return { share: total_s / client.duration_s, longest_ms, longest_at_s: longest_at_us / 1e6 };
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
  gc: null,
  unread: null,
  stimulus: null,
  requests_touched: 0,
};
