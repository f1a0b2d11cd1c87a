import { z } from 'zod';
import type { RequestRecord } from '../../core/record.ts';
import { withoutQueryValues } from '../../core/secrets.ts';
import { countText } from '../../core/words.ts';
import { UserError } from '../../core/errors.ts';
import { aside, checked, duration, listOf, tokenCount } from '../checked.ts';
import { failureOf } from '../failures.ts';
import { importedRecord, inBatches, type ImportedRun } from '../imported-run.ts';
import { isoTime } from '../instants.ts';
import { chunkTimes, NO_TOKENS, tokensInChunks } from '../token-times.ts';

const TOOL = 'GuideLLM';

/** Seconds since 1970. */
const instant = z.number('expected seconds since 1970');
const asked = aside(z.object({ id: aside(z.string()) }));

const benchmarkSchema = z.object({
  mode: aside(z.string()),
  rate: aside(z.number()),
  results: listOf(
    z.object({
      request: asked,
      prompt_token_count: tokenCount.nullish(),
      output_token_count: tokenCount.nullish(),
      start_time: instant,
      end_time: instant,
      /** Seconds from the start. */
      first_token_time: duration.nullish(),
      /** Seconds between chunks. */
      decode_times: z.object({ data: listOf(duration) }).nullish(),
    }),
  ),
  errors: listOf(z.object({ request: asked, message: aside(z.string()) })).default([]),
});
type FirstBenchmark = z.infer<typeof benchmarkSchema>;

const groupSchema = z.object({
  benchmarks: z.array(z.unknown(), 'expected a list of benchmarks'),
  args: aside(z.object({ target: aside(z.string()), model: aside(z.string()) })),
});

/** What version 0.1 keeps in a list of `benchmarks`: a group of them, that of one command. */
export function isFirstGroup(json: unknown): boolean {
  return typeof json === 'object' && json !== null && 'benchmarks' in json;
}

/** The runs of a group of version 0.1, each with where it stands. Throws a UserError that names `where`, the key and value. */
export function firstRuns(json: unknown, where: string): ((part: string) => ImportedRun)[] {
  const { benchmarks, args } = checked(groupSchema, json, where, TOOL);
  return benchmarks.map((each) => (part) => firstRun(checked(benchmarkSchema, each, part, TOOL), args ?? {}, part));
}

function firstRun(
  benchmark: FirstBenchmark,
  { target, model }: { readonly target?: string | null | undefined; readonly model?: string | null | undefined },
  where: string,
): ImportedRun {
  const { results, errors, mode, rate } = benchmark;
  const requests = results.length + errors.length;
  if (requests === 0)
    throw new UserError(`${where}: no request in it: results and errors are empty; run GuideLLM again`);
  const zeroS = results.reduce((least, { start_time }) => Math.min(least, start_time), Infinity);
  return {
    tool: TOOL,
    version: null,
    title: [
      mode ?? 'unknown mode',
      ...(typeof rate === 'number' ? [`${Number(rate.toPrecision(4))} requests/s`] : []),
      countText(requests, 'request'),
    ].join(', '),
    target: target ? withoutQueryValues(target) : `the server of ${TOOL} (no URL in its file)`,
    endpoint: 'openai',
    model: model ?? null,
    startedAt: isoTime(zeroS * 1000),
    starts: 'sent',
    durationS: null,
    maxInFlight: null,
    stopped: null,
    notes: [
      'Its times are of the wall clock of its machine, which may be set meanwhile. When requests were due is not in the file.',
      'It keeps when chunks came: tokens of one chunk are 0 apart here.',
      ...(errors.length === 0
        ? []
        : ['When failed requests were sent is not in the file: they stand at the start, and have no latency.']),
    ],
    requests,
    records: () => inBatches(recordsOf(benchmark, Number.isFinite(zeroS) ? zeroS : 0)),
  };
}

function* recordsOf({ results, errors }: FirstBenchmark, zeroS: number): Generator<RequestRecord> {
  let row = 0;
  for (const each of results) {
    row++;
    const us = (instantS: number): number => Math.round((instantS - zeroS) * 1e6);
    const sentUs = us(each.start_time);
    const endUs = Math.max(sentUs, us(each.end_time));
    const firstUs = each.first_token_time ? each.first_token_time * 1e6 : null;
    const gapsUs = (each.decode_times?.data ?? []).map((gap) => gap * 1e6);
    const tokens = tokensInChunks({
      // Without a first token the answer came whole, at its end.
      timesUs: firstUs === null ? [endUs - sentUs] : chunkTimes(firstUs, gapsUs),
      tokens: each.output_token_count || null,
      countedBy: 'tokenizer',
      startsWithRole: false,
    });
    yield importedRecord({
      id: each.request?.id ?? `request-${row}`,
      row,
      dueUs: sentUs,
      outcome: 'ok',
      tokens,
      known: {
        sent_us: sentUs,
        end_us: Math.max(endUs, sentUs + (tokens.token_times_us.at(-1) ?? 0)),
        input_tokens: each.prompt_token_count ?? null,
        output_tokens: each.output_token_count ?? tokens.token_times_us.length,
      },
    });
  }
  for (const { request, message } of errors) {
    row++;
    yield importedRecord({
      id: request?.id ?? `request-${row}`,
      row,
      dueUs: 0,
      outcome: 'protocol_error',
      tokens: NO_TOKENS,
      known: { output_tokens: 0, ...failureOf(message ?? '') },
    });
  }
}
