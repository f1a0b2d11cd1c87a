import { z } from 'zod';
import { UserError } from '../../core/errors.ts';
import { countText } from '../../core/words.ts';
import { aside } from '../checked.ts';
import type { ImportedRun, PlacedTokens } from '../imported-run.ts';
import { chunkTimes, tokensInChunks } from '../token-times.ts';
import { answersOf, hasCap, pacedRate, readLists, recordsOf, requestLists, titleOf, us } from './request-lists.ts';

const TOOL = 'SGLang bench_serving';

const schema = requestLists.extend({
  dataset_name: aside(z.string()),
  server_info: aside(z.object({ version: aside(z.string()), model_path: aside(z.string()) })),
});
type SglangRun = z.infer<typeof schema>;

/**
 * A run of SGLang's `bench_serving --output-details`: a line of its file. Throws a UserError that names `where`, the key
 * and value.
 */
export function readSglang(json: unknown, where: string): ImportedRun {
  const run = readLists(schema, json, where, TOOL);
  if (/embedding/.test(run.backend ?? ''))
    throw new UserError(
      `${where}: SGLang's result of an endpoint that generates no tokens (${run.backend}): there is no latency of tokens in it; benchmark one that does`,
    );
  const starts = startsOf(run);
  const isAnswered = answersOf(run);
  return {
    tool: TOOL,
    version: null,
    title: titleOf(run),
    target: `the server of ${TOOL} (no URL in its file)`,
    endpoint: run.backend ?? 'unknown',
    model: run.server_info?.model_path ?? null,
    startedAt: null,
    starts: starts.starts,
    durationS: run.duration ?? null,
    maxInFlight: null,
    stopped: null,
    notes: notesOf(run, isAnswered),
    requests: run.input_lens.length,
    records: () =>
      recordsOf(run, {
        tool: TOOL,
        dueS: starts.sentS,
        sentS: starts.sentS,
        heldS: () => null,
        isAnswered,
        tokens: (i, waitUs) => tokensOf(run, i, isAnswered(i) ? (run.output_lens[i] ?? null) : null, waitUs),
      }),
  };
}

/**
 * Its file has no start times; without a rate and a cap all requests are sent at once. The times of a trace of Mooncake
 * are kept whatever the rate says.
 */
function startsOf(run: SglangRun): { readonly starts: ImportedRun['starts']; readonly sentS: (i: number) => number } {
  const starts = run.start_times;
  if (starts !== undefined) return { starts: 'sent', sentS: (i) => starts[i] ?? 0 };
  const hasTimes = run.request_rate === 'trace' || run.dataset_name === 'mooncake';
  const isAtOnce = pacedRate(run) === null && !hasTimes && !hasCap(run);
  return { starts: isAtOnce && run.request_rate !== undefined ? 'sent' : 'unknown', sentS: () => 0 };
}

function isNative({ backend }: SglangRun): boolean {
  return backend === 'sglang' || backend === 'sglang-native';
}

/** An answer without text keeps a TTFT of 0: no token came, whatever the length that is assumed of it. */
function tokensOf(run: SglangRun, i: number, tokens: number | null, waitUs: number): PlacedTokens {
  const firstUs = us(run.ttfts[i] ?? 0);
  const gapsUs = (run.itls[i] ?? []).map((gap) => gap * 1e6);
  if (firstUs === 0) return tokensInChunks({ timesUs: [], tokens, countedBy: 'usage', startsWithRole: false });
  // The native backend tells each token of a chunk, whose gap is shared out among them.
  const times = isNative(run) ? nativeTimes(firstUs, gapsUs, tokens) : chunkTimes(firstUs, gapsUs);
  return tokensInChunks({
    timesUs: times.map((time) => time + waitUs),
    tokens,
    countedBy: 'usage',
    startsWithRole: false,
  });
}

/**
 * A time for each token. A chunk of n tokens has n gaps that are equal to the last digit, its own gap divided by n: all
 * of them came when that was over. Tokens without a gap came with the first.
 */
function nativeTimes(firstUs: number, gapsUs: readonly number[], tokens: number | null): number[] {
  const withFirst = Math.max(1, (tokens ?? 0) - gapsUs.length);
  const times: number[] = Array.from({ length: withFirst }, () => firstUs);
  let at = firstUs;
  for (let i = 0; i < gapsUs.length;) {
    const gap = gapsUs[i] ?? 0;
    let end = i + 1;
    while (end < gapsUs.length && gapsUs[end] === gap) end++;
    at += gap * (end - i);
    for (; i < end; i++) times.push(at);
  }
  return times;
}

function notesOf(run: SglangRun, isAnswered: (i: number) => boolean): string[] {
  const silent = run.ttfts.filter((ttft, i) => isAnswered(i) && (ttft ?? 0) === 0).length;
  const pace = pacedRate(run);
  return [
    'Its TTFT counts to the first chunk with text, and holds the time to connect: each request opens a connection of its own.',
    'E2E ends with the last token: the end of the answer, which its own E2E and TPOT count to, is not in the file.',
    isNative(run)
      ? 'Its own ITL shares the gap of a chunk out among its tokens; here tokens of one chunk are 0 apart.'
      : 'It keeps when chunks came: tokens of one chunk are 0 apart here, where its own ITL has one gap a chunk.',
    'Output tokens are those of the usage figures; where the server gives none, the tool assumes the length that it asked for. How many were asked for, and when failed requests ended, is not in the file.',
    ...(silent === 0
      ? []
      : [`${countText(silent, 'answer')} without text, which the tool counts with a TTFT of 0: no token came.`]),
    ...(pace === null ? [] : [`Requests were paced at ${pace} a second.`]),
    ...(hasCap(run) ? [`At most ${run.max_concurrency} were in flight (--max-concurrency).`] : []),
    ...(run.server_info?.version ? [`The server was SGLang ${run.server_info.version}.`] : []),
  ];
}
