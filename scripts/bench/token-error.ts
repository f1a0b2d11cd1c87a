// How late a run records tokens: node token-error.ts TRACE URL on|off|auto, against ../shared/bench/tick_server, whose tokens
// say when they were written. Prints percentiles in microseconds, of the time in which all streams are open (of the whole
// run where they never are), and TTFT from the due time beside its truth. Started by client-cost.ts, streams.ts and
// open-loop.ts. The times are in the run's records when their texts are looked at here, so that this delays none.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { openAiCodec } from '../../adapters/openai.ts';
import { run, type Decoder } from '../../src/index.ts';
import { POLL_MODES } from '../../src/replay/busy-poll.ts';
import { readRecords } from '../../src/runs/records.ts';
import { quantile } from './ticks.ts';

const [trace = '', url = ''] = process.argv.slice(2);
const poll = z.enum(POLL_MODES).parse(process.argv[4] ?? 'off');
const TEXT = Buffer.from('"text":" ');
const DIGITS = 19;
/** When each token of a request was written, in microseconds of CLOCK_MONOTONIC. */
const written = new Map<string, number[]>();

function truthful(decoder: Decoder, times: number[]): Decoder {
  const pushPart = (bytes: Buffer, from: number, to: number): void => {
    if (decoder.pushPart === undefined) decoder.push(bytes.subarray(from, to));
    else decoder.pushPart(bytes, from, to);
    const part = bytes.subarray(from, to);
    for (let at = part.indexOf(TEXT); at >= 0; at = part.indexOf(TEXT, at + DIGITS)) {
      const digits = at + TEXT.length;
      times.push(Number(part.toString('latin1', digits, digits + DIGITS)) / 1000);
    }
  };
  return {
    push: (chunk) => pushPart(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length), 0, chunk.length),
    pushPart,
    end: () => decoder.end(),
    get error() {
      return decoder.error;
    },
    get isDone() {
      return decoder.isDone;
    },
    get finalEvents() {
      return decoder.finalEvents ?? 0;
    },
    response: (status) => decoder.response(status),
  };
}

const folder = mkdtempSync(join(tmpdir(), 'reprise-error-'));
try {
  const out = join(folder, 'run');
  const { manifest } = await run({
    workload: trace,
    target: url,
    out,
    poll,
    codec: (prompts, runId) => {
      const codec = openAiCodec({ endpoint: 'completions', model: 'tiny', runId }, prompts);
      return {
        ...codec,
        decoder: (request, sink) => {
          const times: number[] = [];
          written.set(request.id, times);
          return truthful(codec.decoder(request, sink), times);
        },
      };
    },
  });
  const zeroUs = manifest.client?.machine_zero_us ?? Number.NaN;
  const seen: { readonly writtenUs: number; readonly errorUs: number }[] = [];
  const ttft: { readonly trueUs: number; readonly saidUs: number }[] = [];
  let [allFromUs, allToUs] = [0, Number.POSITIVE_INFINITY];
  for await (const batch of readRecords(out))
    for (const { request_id, due_us, token_times_us } of batch) {
      const times = written.get(request_id) ?? [];
      if (times.length !== token_times_us.length)
        throw new Error(`${request_id}: ${token_times_us.length} of ${times.length}`);
      times.forEach((writtenUs, i) =>
        seen.push({ writtenUs, errorUs: zeroUs + due_us + (token_times_us[i] ?? 0) - writtenUs }),
      );
      ttft.push({ trueUs: (times[0] ?? Number.NaN) - zeroUs - due_us, saidUs: token_times_us[0] ?? Number.NaN });
      allFromUs = Math.max(allFromUs, times[0] ?? Number.NaN);
      allToUs = Math.min(allToUs, times.at(-1) ?? Number.NaN);
    }
  const areAllOpen = allFromUs < allToUs;
  const errors = seen
    .filter(({ writtenUs }) => !areAllOpen || (writtenUs >= allFromUs && writtenUs <= allToUs))
    .map(({ errorUs }) => errorUs);
  console.log(
    JSON.stringify({
      tokens: errors.length,
      ...quantilesOf(errors),
      ttft_true: quantilesOf(ttft.map(({ trueUs }) => trueUs)),
      ttft_said: quantilesOf(ttft.map(({ saidUs }) => saidUs)),
      ttft_error: quantilesOf(ttft.map(({ trueUs, saidUs }) => saidUs - trueUs)),
    }),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function quantilesOf(us: readonly number[]): Record<'mean' | 'p50' | 'p90' | 'p99', number> {
  const sorted = us.toSorted((a, b) => a - b);
  const at = (q: number): number => quantile(sorted, q);
  return {
    mean: sorted.reduce((sum, each) => sum + each, 0) / sorted.length,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
  };
}
