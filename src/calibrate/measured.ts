import { requestIdHeader } from '../core/request-id.ts';
import { latenessUs, type RequestRecord } from '../core/record.ts';
import type { TrialVerdict } from './ladder.ts';
import type { Truth } from './server-process.ts';
import type { TrialLoad } from './trial-load.ts';

/** From the arrival of a request at the server to its first token, on average: it writes once a millisecond. */
const FIRST_TOKEN_US = 1000;
/** The server keeps up if it wrote this share of what was due by what it had been sent. */
const KEPT_UP_SHARE = 0.95;
/** Share of the requests that may fail. */
const FAILED_SHARE = 0.005;

/** What a trial measured, over its measured part. */
export interface Measured {
  /** As it was delivered. */
  readonly tokensPerS: number;
  readonly requestsPerS: number;
  readonly streams: number;
  /** Tokens written, of those that were due by what the client had sent. */
  readonly serverShare: number;
  readonly failedShare: number;
  readonly errorUs: Quantiles;
  readonly latenessMs: Quantiles;
}

interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

/** A run's records against what its server wrote. */
export interface Observed {
  readonly records: AsyncIterable<readonly RequestRecord[]>;
  readonly truth: Truth;
  /** What the ids of its calls begin with. */
  readonly idPrefix: string;
  /** The run's start on CLOCK_MONOTONIC. */
  readonly zeroUs: number;
}

/**
 * What the records of a trial say against the truth. Throws where a whole request has another number of tokens than were
 * written for it: then one of the two is wrong.
 */
export async function measure(
  { records, truth, idPrefix, zeroUs }: Observed,
  { fromUs, toUs, periodMs }: TrialLoad,
): Promise<Measured> {
  const [errorsUs, lateUs]: [number[], number[]] = [[], []];
  let [written, due, requests, sent, failed, open] = [0, 0, 0, 0, 0, 0];
  const middleUs = (fromUs + toUs) / 2;
  const isWithin = (us: number): boolean => us >= fromUs && us < toUs;
  for await (const batch of records)
    for (const record of batch) {
      const { request_id, due_us, sent_us, end_us, outcome, token_times_us, output_tokens_planned } = record;
      const writtenUs = truth.get(requestIdHeader(idPrefix, request_id)) ?? new Float64Array();
      requests++;
      if (outcome !== 'ok') failed++;
      else if (writtenUs.length !== token_times_us.length)
        throw new Error(`request ${request_id}: ${token_times_us.length} of ${writtenUs.length} tokens were recorded`);
      const late = latenessUs(record);
      if (late !== null && isWithin(due_us)) lateUs.push(late);
      if (sent_us === null) continue;
      if (isWithin(sent_us)) sent++;
      if (sent_us <= middleUs && (end_us ?? Infinity) > middleUs) open++;
      for (let i = 0; i < (output_tokens_planned ?? 0); i++)
        if (isWithin(sent_us + FIRST_TOKEN_US + i * periodMs * 1000)) due++;
      for (const [i, us] of writtenUs.entries()) {
        const atUs = us - zeroUs;
        if (!isWithin(atUs)) continue;
        written++;
        const recordedUs = token_times_us[i];
        if (recordedUs !== undefined) errorsUs.push(due_us + recordedUs - atUs);
      }
    }
  const seconds = (toUs - fromUs) / 1e6;
  return {
    tokensPerS: written / seconds,
    requestsPerS: sent / seconds,
    streams: open,
    serverShare: due === 0 ? 1 : written / due,
    failedShare: requests === 0 ? 1 : failed / requests,
    errorUs: quantilesOf(errorsUs, toUs - fromUs),
    latenessMs: quantilesOf(
      lateUs.map((us) => us / 1000),
      (toUs - fromUs) / 1000,
    ),
  };
}

/** Nearest rank; `nothing`: what is known where nothing came, the length of the measured part. */
function quantilesOf(values: readonly number[], nothing: number): Quantiles {
  const sorted = Float64Array.from(values).sort();
  const at = (q: number): number => sorted[Math.ceil(q * sorted.length) - 1] ?? nothing;
  return { p50: at(0.5), p99: at(0.99) };
}

/**
 * Whether the client stayed within the limit; not told where the server did not deliver, whose late writes would be
 * another load than was offered. Requests that failed were not carried by this machine either.
 */
export function verdictOf({ serverShare, failedShare, errorUs, latenessMs }: Measured, limitMs: number): TrialVerdict {
  if (serverShare < KEPT_UP_SHARE || failedShare > FAILED_SHARE) return 'server_bound';
  return errorUs.p99 <= limitMs * 1000 && latenessMs.p99 <= limitMs ? 'within' : 'late';
}
