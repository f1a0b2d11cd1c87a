import { z } from 'zod';
import { formatMs } from '../../core/units.ts';
import { countText } from '../../core/words.ts';
import { checked } from '../checked.ts';
import type { ImportedRun, PlacedTokens } from '../imported-run.ts';
import { chunkTimes, tokensInChunks } from '../token-times.ts';
import {
  checkLengths,
  hasCap,
  isAnswered,
  pacedRate,
  recordsOf,
  requestLists,
  titleOf,
  us,
  type ListReading,
  type RequestLists,
} from './request-lists.ts';

const TOOL = 'vllm bench serve';

const schema = requestLists.extend({
  date: z.string().nullish(),
  model_id: z.string().nullish(),
  endpoint_type: z.string().nullish(),
  ramp_up_strategy: z.string().nullish(),
});
type VllmRun = z.infer<typeof schema>;

/** A run of `vllm bench serve --save-result --save-detailed`. Throws a UserError that names `where`, the key and value. */
export function readVllm(json: unknown, where: string): ImportedRun {
  const run = checked(schema, json, where, TOOL);
  const requests = checkLengths(run, where);
  const hasRole = startsWithRole(run);
  const timing = timingOf(run);
  return {
    tool: TOOL,
    version: null,
    title: titleOf(run),
    target: `the server of ${TOOL} (no URL in its file)`,
    endpoint: endpointOf(run),
    model: run.model_id ?? null,
    startedAt: startedAt(run.date ?? ''),
    starts: timing.starts,
    durationS: run.duration ?? null,
    maxInFlight: timing.isHeld ? (run.max_concurrency ?? null) : null,
    stopped: null,
    notes: notesOf(run, hasRole, timing.starts),
    requests,
    records: () => recordsOf(run, { ...timing.reading, tokens: (i, waitUs) => tokensOf(run, i, waitUs, hasRole) }),
  };
}

function endpointOf({ backend, endpoint_type }: VllmRun): string {
  return backend ?? endpoint_type ?? 'unknown';
}

/** `20261129-011347`, by the clock of its machine, whose zone it does not say: as if in UTC. */
function startedAt(date: string): string | null {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)$/.exec(date) ?? [];
  return year === undefined ? null : `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
}

/**
 * When requests were due. A cap without a rate is a closed loop: a request is due when there is a place for it, which is
 * when it is sent. Otherwise the wait for a place, where the file has it, counts from the due time.
 */
function timingOf(run: VllmRun): {
  readonly starts: ImportedRun['starts'];
  readonly isHeld: boolean;
  readonly reading: Omit<ListReading, 'tokens'>;
} {
  const { start_times: starts, queue_times: queues } = run;
  const isPaced = pacedRate(run) !== null || (run.ramp_up_strategy ?? null) !== null;
  if (starts === undefined) {
    const at = (): number => 0;
    return {
      starts: isPaced || hasCap(run) ? 'unknown' : 'sent',
      isHeld: false,
      reading: { dueS: at, sentS: at, heldS: () => null },
    };
  }
  const sentS = knownStarts(starts);
  const isClosed = hasCap(run) && !isPaced;
  const waitS = (i: number): number => (isClosed || (starts[i] ?? 0) === 0 ? 0 : Math.max(0, queues?.[i] ?? 0));
  const isHeld = hasCap(run) && !isClosed && queues !== undefined;
  return {
    starts: queues === undefined || isClosed ? 'sent' : 'due',
    isHeld,
    reading: { dueS: (i) => sentS(i) - waitS(i), sentS, heldS: (i) => (isHeld ? waitS(i) : null) },
  };
}

/** A backend that keeps no start leaves 0: such a request was sent after the one before it. */
function knownStarts(starts: readonly (number | null)[]): (i: number) => number {
  const known: number[] = [];
  for (const start of starts) known.push(start !== null && start !== 0 ? start : (known.at(-1) ?? 0));
  const first = known.find((start) => start !== 0) ?? 0;
  return (i) => (known[i] === 0 ? first : (known[i] ?? first));
}

function tokensOf(run: RequestLists, i: number, waitUs: number, hasRole: boolean): PlacedTokens {
  const firstUs = us(run.ttfts[i] ?? 0);
  const tokens = isAnswered(run, i) ? (run.output_lens[i] ?? null) : null;
  // Without a first token the answer was not streamed: it came whole, at its end.
  const wholeUs = us(run.latencies?.[i] ?? 0);
  const times =
    firstUs > 0
      ? chunkTimes(
          firstUs,
          (run.itls[i] ?? []).map((gap) => gap * 1e6),
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
function startsWithRole(run: VllmRun): boolean {
  if (!/chat/i.test(endpointOf(run))) return false;
  let [more, equal, together, streamed] = [0, 0, 0, 0];
  for (let i = 0; i < run.itls.length; i++) {
    const gaps = run.itls[i] ?? [];
    const tokens = run.output_lens[i] ?? 0;
    if (!isAnswered(run, i) || gaps.length === 0) continue;
    streamed++;
    if (gaps.length === tokens) more++;
    else if (gaps.length + 1 === tokens) equal++;
    if ((gaps[0] ?? Infinity) <= WITH_THE_NEXT_S) together++;
  }
  return more + equal > streamed / 2 ? more > equal : together > streamed / 2;
}

function notesOf(run: VllmRun, hasRole: boolean, starts: ImportedRun['starts']): string[] {
  const firstGaps = run.itls
    .flatMap((gaps) => (gaps === null || gaps[0] === undefined ? [] : [gaps[0]]))
    .toSorted((a, b) => a - b);
  const median = firstGaps[Math.floor(firstGaps.length / 2)] ?? 0;
  const noToken = run.ttfts.filter((ttft, i) => isAnswered(run, i) && (ttft ?? 0) === 0).length;
  return [
    hasRole
      ? `Its TTFT counts to the first chunk, which names the role alone; here the first token is in the second chunk, ${formatMs(median * 1000)} later at the median.`
      : 'Its TTFT counts to the first chunk with choices, which holds the first token.',
    'It keeps when chunks came: tokens of one chunk are 0 apart here, where its own ITL has one gap a chunk. Its TPOT is ours.',
    'Output tokens are those of the usage figures of the server, or else of its tokenizer. How many were asked for, and when failed requests ended, is not in the file.',
    ...(noToken === 0
      ? []
      : [`${countText(noToken, 'answer')} without a TTFT: not streamed, so that all tokens came at the end.`]),
    ...(run.date === null || run.date === undefined ? [] : ['Its date is by the clock of its machine, taken as UTC.']),
    ...(starts === 'due' ? ['Its own latencies count from sending, as service_latency_ms does here.'] : []),
    ...capNote(run),
  ];
}

function capNote(run: VllmRun): string[] {
  if (!hasCap(run)) return [];
  const cap = `At most ${run.max_concurrency} were in flight (--max-concurrency)`;
  if (pacedRate(run) === null) return [`${cap}, without a rate: a closed loop.`];
  return run.queue_times === undefined ? [`${cap}: what requests waited for a place is not in the file.`] : [];
}
