import { z } from 'zod';
import { formatMs } from '../../core/units.ts';
import { countText } from '../../core/words.ts';
import { aside } from '../checked.ts';
import type { ImportedRun, PlacedTokens } from '../imported-run.ts';
import { isoTime } from '../instants.ts';
import { chunkTimes, spreadTokens, tokensInChunks } from '../token-times.ts';
import {
  answersOf,
  hasCap,
  pacedRate,
  readLists,
  recordsOf,
  requestLists,
  titleOf,
  us,
  type ListReading,
  type RequestLists,
} from './request-lists.ts';

const TOOL = 'vllm bench serve';

const schema = requestLists.extend({
  date: aside(z.string()),
  written_by: aside(z.string()),
  model_id: aside(z.string()),
  endpoint_type: aside(z.string()),
  ramp_up_strategy: z.string().nullish(),
});
type VllmRun = z.infer<typeof schema>;

/** A run of `vllm bench serve --save-result --save-detailed`. Throws a UserError that names `where`, the key and value. */
export function readVllm(json: unknown, where: string): ImportedRun {
  const run = readLists(schema, json, where, TOOL);
  const isAnswered = answersOf(run);
  const hasRole = startsWithRole(run, isAnswered);
  const timing = timingOf(run);
  return {
    tool: TOOL,
    version: run.written_by ?? null,
    title: titleOf(run),
    target: `the server of ${TOOL} (no URL in its file)`,
    endpoint: endpointOf(run),
    model: run.model_id ?? null,
    startedAt: startedAt(run),
    starts: timing.starts,
    durationS: run.duration ?? null,
    maxInFlight: timing.isHeld ? (run.max_concurrency ?? null) : null,
    stopped: null,
    notes: notesOf(run, { hasRole, isAnswered, ...timing }),
    requests: run.input_lens.length,
    records: () =>
      recordsOf(run, {
        tool: TOOL,
        ...timing.reading,
        isAnswered,
        tokens: (i, waitUs) =>
          tokensOf(run, i, isAnswered(i) ? (run.output_lens[i] ?? null) : null, { waitUs, hasRole }),
      }),
  };
}

function endpointOf({ backend, endpoint_type }: VllmRun): string {
  return backend ?? endpoint_type ?? 'unknown';
}

/**
 * The date, `20261129-011347`, is when the benchmark had ended, by the clock of its machine, whose zone it does not say: as
 * if in UTC.
 */
function startedAt({ date, duration }: VllmRun): string | null {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)$/.exec(date ?? '') ?? [];
  const endMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return isoTime(endMs - (duration ?? 0) * 1000);
}

interface Timing {
  readonly starts: ImportedRun['starts'];
  readonly isHeld: boolean;
  readonly isClosed: boolean;
  readonly reading: Pick<ListReading, 'dueS' | 'sentS' | 'heldS'>;
}

/**
 * When requests were due. In a closed loop a request is due when there is a place for it, which is when it is sent.
 * Otherwise the wait for a place, where the file has it, counts from the due time.
 */
function timingOf(run: VllmRun): Timing {
  const { start_times: starts, queue_times: queues } = run;
  const isPaced = pacedRate(run) !== null || (run.ramp_up_strategy ?? null) !== null;
  if (starts === undefined) {
    const at = (): number => 0;
    return {
      starts: isPaced || hasCap(run) ? 'unknown' : 'sent',
      isHeld: false,
      isClosed: hasCap(run) && !isPaced,
      reading: { dueS: at, sentS: at, heldS: () => null },
    };
  }
  const sentS = knownStarts(starts);
  const isClosed = hasCap(run) && !isPaced && cameAtOnce(starts, queues);
  const waitS = (i: number): number => (isClosed || (starts[i] ?? 0) === 0 ? 0 : Math.max(0, queues?.[i] ?? 0));
  const isHeld = hasCap(run) && !isClosed && queues !== undefined;
  return {
    starts: queues === undefined || isClosed ? 'sent' : 'due',
    isHeld,
    isClosed,
    reading: { dueS: (i) => sentS(i) - waitS(i), sentS, heldS: (i) => (isHeld ? waitS(i) : null) },
  };
}

/**
 * Without a rate all requests come before the first is sent, unless they have the times of a trace (`--self-timed`), which
 * the file does not say.
 */
function cameAtOnce(starts: readonly (number | null)[], queues: readonly (number | null)[] | undefined): boolean {
  if (queues === undefined) return true;
  let [firstStartS, lastComeS] = [Infinity, -Infinity];
  for (const [i, start] of starts.entries()) {
    if (start === null || start === 0) continue;
    firstStartS = Math.min(firstStartS, start);
    lastComeS = Math.max(lastComeS, start - (queues[i] ?? 0));
  }
  return lastComeS <= firstStartS;
}

/** A backend that keeps no start leaves 0: such a request was sent after the one before it. */
function knownStarts(starts: readonly (number | null)[]): (i: number) => number {
  const known: number[] = [];
  for (const start of starts) known.push(start !== null && start !== 0 ? start : (known.at(-1) ?? 0));
  const first = known.find((start) => start !== 0) ?? 0;
  return (i) => (known[i] === 0 ? first : (known[i] ?? first));
}

function tokensOf(
  run: RequestLists,
  i: number,
  tokens: number | null,
  { waitUs, hasRole }: { readonly waitUs: number; readonly hasRole: boolean },
): PlacedTokens {
  const firstUs = us(run.ttfts[i] ?? 0);
  const gaps = run.itls[i] ?? [];
  // Without a first token the answer was not streamed: it came whole, at its end.
  const wholeUs = us(run.latencies?.[i] ?? 0);
  if (firstUs > 0 && gaps.length === 0 && wholeUs > firstUs && tokens !== null)
    return spreadTokens(firstUs + waitUs, wholeUs + waitUs, tokens, 'usage');
  const times =
    firstUs > 0
      ? chunkTimes(
          firstUs,
          gaps.map((gap) => gap * 1e6),
        )
      : [wholeUs];
  if (firstUs === 0 && wholeUs === 0)
    return tokensInChunks({ timesUs: [], tokens, countedBy: 'usage', startsWithRole: false });
  return tokensInChunks({
    timesUs: times.map((time) => time + waitUs),
    tokens,
    countedBy: 'usage',
    startsWithRole: hasRole,
  });
}

/** A first chunk that comes with the second is no token of its own. */
const WITH_THE_NEXT_S = 0.00025;

/**
 * Whether the first chunk of an answer is one that names the role alone. The server decides, so that it is the same for
 * all answers: there is one chunk more than tokens, or, where chunks hold several tokens, it comes with the next one.
 */
function startsWithRole(run: VllmRun, isAnswered: (i: number) => boolean): boolean {
  // Reprise writes chunks with tokens alone.
  if (!/chat/i.test(endpointOf(run)) || run.written_by) return false;
  let [more, equal, together, streamed] = [0, 0, 0, 0];
  for (let i = 0; i < run.itls.length; i++) {
    const gaps = run.itls[i] ?? [];
    const tokens = run.output_lens[i] ?? 0;
    if (!isAnswered(i) || gaps.length === 0) continue;
    streamed++;
    if (gaps.length === tokens) more++;
    else if (gaps.length + 1 === tokens) equal++;
    if ((gaps[0] ?? Infinity) <= WITH_THE_NEXT_S) together++;
  }
  return more + equal > streamed / 2 ? more > equal : together > streamed / 2;
}

interface Found extends Timing {
  readonly hasRole: boolean;
  readonly isAnswered: (i: number) => boolean;
}

function notesOf(run: VllmRun, { hasRole, isAnswered, starts, isClosed }: Found): string[] {
  const firstGaps = run.itls
    .flatMap((gaps) => (gaps === null || gaps[0] === undefined ? [] : [gaps[0]]))
    .toSorted((a, b) => a - b);
  const median = firstGaps[Math.floor(firstGaps.length / 2)] ?? 0;
  const noToken = run.ttfts.filter((ttft, i) => isAnswered(i) && (ttft ?? 0) === 0).length;
  return [
    hasRole
      ? `Its TTFT counts to the first chunk, which names the role alone; here the first token is in the second chunk, ${formatMs(median * 1000)} later at the median.`
      : 'Its TTFT counts to the first chunk with choices, which holds the first token.',
    'It keeps when chunks came: tokens of one chunk are 0 apart here, where its own ITL has one gap a chunk. Its TPOT is ours.',
    'Output tokens are those of the usage figures of the server, or else of its tokenizer. How many were asked for, and when failed requests ended, is not in the file.',
    ...(noToken === 0
      ? []
      : [`${countText(noToken, 'answer')} without a TTFT: not streamed, so that all tokens came at the end.`]),
    ...(run.date === null || run.date === undefined
      ? []
      : ['Its date is that of its end, by the clock of its machine, taken as UTC: the start is its duration before.']),
    ...(starts === 'due' ? ['Its own latencies count from sending, as service_latency_ms does here.'] : []),
    ...capNote(run, isClosed),
  ];
}

function capNote(run: VllmRun, isClosed: boolean): string[] {
  if (!hasCap(run)) return [];
  const cap = `At most ${run.max_concurrency} were in flight (--max-concurrency)`;
  if (isClosed) return [`${cap}, without a rate: a closed loop.`];
  return run.queue_times === undefined ? [`${cap}: what requests waited for a place is not in the file.`] : [];
}
