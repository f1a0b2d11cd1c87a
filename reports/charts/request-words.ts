import { latenessUs, type RequestRecord } from '../../src/core/record.ts';
import { requestIdHeader } from '../../src/core/request-id.ts';
import { limitsOf, type Slo, SLO_METRICS } from '../../src/core/slo.ts';
import { formatMs, threeFigures, withThousands } from '../../src/core/units.ts';
import { listText } from '../../src/core/words.ts';
import type { Imported } from '../../src/schema/manifest.ts';
import { limitUs, meets } from '../../src/metrics/judge.ts';
import { e2eUs, hasKnownGaps, isAnswered, sloLatencyUs, tpotUs } from '../../src/metrics/request-latency.ts';
import { type SpanKind, spansOf } from '../data/request-spans.ts';
import { METRIC_NAMES } from '../definitions.ts';
import { clockText, durationTexts, outcomeText, plainMs } from '../format.ts';

export interface RequestContext {
  /** What the `X-Request-Id` of the run's calls begin with; null: there were no calls. */
  readonly id_prefix: string | null;
  /** What the due times of an imported run are; null: the run is our own. */
  readonly starts: Imported['starts'] | null;
  /** Null without an SLO. */
  readonly limits: Slo | null;
}

/** What became of one request, a sentence for each aspect. */
export function requestWords(record: RequestRecord, { id_prefix, starts, limits }: RequestContext): string[] {
  return [
    sentWords(record, starts),
    spanWords(record),
    serverWords(record),
    tokenWords(record),
    gapWords(record),
    outcomeWords(record),
    limits === null ? null : sloWords(record, limits),
    idWords(record, id_prefix),
  ].flatMap((sentence) => (sentence === null ? [] : [`${sentence.slice(0, 1).toUpperCase()}${sentence.slice(1)}.`]));
}

/** Null where it is not known when the request was due, nor when it was sent. */
function sentWords(record: RequestRecord, starts: RequestContext['starts']): string | null {
  if (starts === 'unknown') return null;
  const { due_us, sent_us, connect_us, client_stalled } = record;
  if (starts === 'sent') return sent_us === null ? 'never sent' : `sent ${clockText(sent_us / 1e6)}`;
  const late = latenessUs(record);
  const sent =
    sent_us === null || late === null
      ? 'never sent'
      : `sent ${late === 0 ? 'at once' : `${formatMs(late / 1000)} late`}${(connect_us ?? 0) === 0 ? '' : `, connecting took ${formatMs((connect_us ?? 0) / 1000)}`}`;
  return `due ${clockText(due_us / 1e6)}, ${sent}${client_stalled === true ? '; the client stood still meanwhile' : ''}`;
}

/** The words before the duration of a phase. What the client took is said with the sending. */
const SPAN_WORDS: Readonly<Record<Exclude<SpanKind, 'client'>, string>> = {
  held: 'waited for a place in flight',
  prefill_call: 'prefill server',
  handover: 'hand-over',
  first_decode: 'first token of the decode server',
  prefill_queue: 'waited in the prefill queue',
  prefill: 'prefill',
  transfer: 'KV transfer',
  decode_queue: 'waited in the decode queue',
  decode: 'decode',
  waiting: 'waited for the first token',
  streaming: 'streamed',
};

function spanWords(record: RequestRecord): string | null {
  const spans = spansOf(record).flatMap(({ kind, from_s, to_s }) =>
    kind === 'client' ? [] : [{ words: SPAN_WORDS[kind], ms: (to_s - from_s) * 1000 }],
  );
  return spans.length === 0 ? null : inOneUnit(spans);
}

/** What the servers tell of a request whose spans are what the client saw. */
function serverWords(record: RequestRecord): string | null {
  if (record.prefill_call_us === null) return null;
  const kinds = ['prefill_queue', 'prefill', 'transfer', 'decode_queue', 'decode'] as const;
  const told = kinds.flatMap((kind) => {
    const us = record[`${kind}_us`];
    return us === null ? [] : [{ words: SPAN_WORDS[kind], ms: us / 1000 }];
  });
  return told.length === 0 ? null : `the servers tell: ${inOneUnit(told)}`;
}

/** Durations with the words before them. */
function inOneUnit(named: readonly { readonly words: string; readonly ms: number }[]): string {
  const texts = durationTexts(named.map(({ ms }) => ms));
  return named.map(({ words }, i) => `${words} ${texts[i] ?? ''}`).join(', ');
}

function tokenWords(record: RequestRecord): string {
  const { token_times_us: times, input_tokens_planned, input_tokens, cached_tokens, output_tokens_planned } = record;
  const prompt = `${gotText(input_tokens, input_tokens_planned)} prompt tokens${cached_tokens === null || cached_tokens === 0 ? '' : `, ${withThousands(cached_tokens)} of them cached`}`;
  const output = `${gotText(times.length, output_tokens_planned)} output tokens`;
  const [first] = times;
  const named = [
    ...(first === undefined ? [] : [{ words: 'first after', ms: first / 1000 }]),
    ...(isAnswered(record) ? [{ words: 'E2E', ms: e2eUs(record) / 1000 }] : []),
  ];
  return [prompt, output, ...(named.length === 0 ? [] : [inOneUnit(named)])].join('; ');
}

/** `845 of 1,024`: got and planned; `845` where they are the same, or only one is known. */
export function gotText(got: number | null, planned: number | null): string {
  if (got === null || planned === null || got === planned) return withThousands(got ?? planned ?? 0);
  return `${withThousands(got)} of ${withThousands(planned)}`;
}

function gapWords(record: RequestRecord): string | null {
  const tpot = tpotUs(record);
  if (tpot === null) return null;
  const longest = longestGapUs(record);
  if (longest === null) return `TPOT ${formatMs(tpot / 1000)}; gaps between its tokens are not known`;
  return inOneUnit([
    { words: 'TPOT', ms: tpot / 1000 },
    { words: 'longest gap between tokens', ms: longest / 1000 },
  ]);
}

/** Null with fewer than two tokens, and where their times are not known each. */
export function longestGapUs(record: RequestRecord): number | null {
  const times = record.token_times_us;
  if (times.length < 2 || !hasKnownGaps(record)) return null;
  let longest = 0;
  for (let i = 1; i < times.length; i++) longest = Math.max(longest, (times[i] ?? 0) - (times[i - 1] ?? 0));
  return longest;
}

function outcomeWords({ outcome, http_status, error, finish_reason }: RequestRecord): string {
  const status = http_status === null || http_status === 200 ? '' : ` (HTTP ${http_status})`;
  const reason = finish_reason === null ? '' : `, finish reason ${finish_reason}`;
  return `outcome: ${outcomeText(outcome)}${status}${reason}${error === null ? '' : `: ${error}`}`;
}

/** The limits missed, by how much, and those met. A request that failed misses all. */
function sloWords(record: RequestRecord, slo: Slo): string | null {
  const limits = limitsOf(slo, record.slo_class) ?? {};
  const texts: Record<'missed' | 'met', string[]> = { missed: [], met: [] };
  for (const metric of SLO_METRICS) {
    const limitMs = limits[metric];
    if (limitMs === undefined) continue;
    const limit = `${METRIC_NAMES[metric]} <= ${plainMs(limitMs)}`;
    if (meets(record, metric, limitMs)) texts.met.push(limit);
    else if (!isAnswered(record)) texts.missed.push(limit);
    else texts.missed.push(`${limit} (${threeFigures(sloLatencyUs(record, metric) / limitUs(limitMs))} times as long)`);
  }
  const parts = (['missed', 'met'] as const).filter((each) => texts[each].length > 0);
  return parts.length === 0 ? null : parts.map((each) => `${each} ${listText(texts[each])}`).join('; ');
}

function idWords({ request_id, session_id, turn, trace_row }: RequestRecord, prefix: string | null): string {
  return [
    `request ${request_id}, row ${withThousands(trace_row)} of the workload`,
    ...(session_id === null ? [] : [`turn ${turn} of session ${session_id}`]),
    ...(prefix === null ? [] : [`X-Request-Id ${requestIdHeader(prefix, request_id)}`]),
  ].join('; ');
}
