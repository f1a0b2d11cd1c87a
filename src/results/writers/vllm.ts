import { closeSync, openSync, readSync, rmSync } from 'node:fs';
import type { RequestRecord } from '../../core/record.ts';
import { Samples } from '../../metrics/samples.ts';
import { unfinished } from '../../runs/run-directory.ts';
import { hasKnownGaps } from '../../metrics/request-latency.ts';
import { contextOf, hasStarts, isChat, writtenBy, type CountedRun } from '../counted-run.ts';
import { answerOf, chunksOf, inputTokensOf, startOf } from '../peers/answer.ts';
import type { Statistics } from '../peers/distribution.ts';
import { chunkGaps } from '../peers/peer.ts';
import { peerFigures, type PeerFigures } from '../peers/peer-figures.ts';
import { PEERS } from '../peers/peers.ts';
import { DueOrder, each } from './due-order.ts';
import { failureText } from './failure-text.ts';
import { fillFile, type FileSink } from './file-sink.ts';

/** The percentiles by vLLM's names of them. */
const PERCENTILES = [
  ['p50', 500],
  ['p90', 900],
  ['p95', 950],
  ['p99', 990],
  ['p99.9', 999],
] as const;

/**
 * The result of `vllm bench serve --save-detailed`: totals by vLLM's definitions, then lists with an entry a request in due
 * order, in seconds, failed ones too. `start_times` count from a second before the run's start; `queue_times` are all of the
 * wait from the due time to the start; neither is there where it is not known when requests were sent. An answer of which the first and
 * the last token alone have a time has no gaps. Where vLLM writes 0 for statistics of nothing, null stands here.
 */
export async function writeVllm(run: CountedRun, file: string): Promise<void> {
  // The chunk with the role is in no record: what is written counts none.
  const context = { ...contextOf(run.manifest), isChat: false };
  const figures = await peerFigures(PEERS.vllm[0], run.records(), run.manifest.slo?.limits_ms ?? null, context);
  const lists = new Lists({ withStarts: hasStarts(run.manifest) });
  const order = new DueOrder();
  const gapsFile = unfinished(`${file}.itls`);
  try {
    const gaps = new GapTexts();
    await fillFile(gapsFile, async (sink) => {
      for await (const record of each(run.records())) {
        order.add(record);
        lists.add(record);
        gaps.add(record, sink);
      }
    });
    await fillFile(file, async (sink) => {
      const records = order.records();
      sink.write(`${JSON.stringify({ ...heading(run, figures.durationS), ...totals(figures, lists) }).slice(0, -1)}`);
      lists.write(records, sink);
      gaps.write(records, gapsFile, sink);
      sink.write('}\n');
    });
  } finally {
    rmSync(gapsFile, { force: true });
  }
}

function heading({ manifest }: CountedRun, durationS: number): Record<string, unknown> {
  const { started_at, target, prompts, workload, run_id, max_in_flight, imported } = manifest;
  const ours = target.adapter === 'sglang' ? 'sglang' : isChat(manifest) ? 'openai-chat' : 'openai';
  const backend = imported === undefined ? ours : target.adapter;
  const model = target.model ?? target.spec;
  const end = new Date(Date.parse(started_at) + durationS * 1000).toISOString();
  return {
    // When it had ended: 2026-11-29T01:16:16.454Z -> 20261129-011616
    date: end.slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-'),
    written_by: writtenBy(manifest),
    endpoint_type: backend,
    backend,
    label: run_id,
    model_id: model,
    tokenizer_id: prompts?.tokenizer ?? model,
    request_rate: workload.rate_rps > 0 ? workload.rate_rps : 'inf',
    burstiness: 1,
    max_concurrency: max_in_flight,
  };
}

function totals(figures: PeerFigures, { inputTokens, outputTokens }: Lists): Record<string, unknown> {
  const { requests, answered, durationS, good } = figures;
  const perSecond = (count: number): number | null => (durationS > 0 ? count / durationS : null);
  return {
    num_prompts: requests,
    duration: durationS,
    completed: answered,
    failed: requests - answered,
    total_input_tokens: inputTokens,
    total_output_tokens: outputTokens,
    request_throughput: perSecond(answered),
    request_goodput: good?.perSecond ?? null,
    output_throughput: perSecond(outputTokens),
    total_token_throughput: perSecond(inputTokens + outputTokens),
    ...statistics('ttft', figures.ttftUs),
    ...statistics('tpot', figures.tpotUs),
    ...statistics('itl', figures.itlUs),
    ...statistics('e2el', figures.e2eUs),
  };
}

function statistics(metric: string, us: Statistics | null): Record<string, number | null> {
  const ms = (value: number | undefined): number | null => (value === undefined ? null : value / 1000);
  return {
    [`mean_${metric}_ms`]: ms(us?.mean),
    [`median_${metric}_ms`]: ms(us?.at(500)),
    [`std_${metric}_ms`]: ms(us?.std),
    ...Object.fromEntries(PERCENTILES.map(([name, permille]) => [`${name}_${metric}_ms`, ms(us?.at(permille))])),
  };
}

/** A start of 0 is none in vLLM's files. */
const ZERO_US = 1e6;

/** The lists with one number, or one text, a request. */
class Lists {
  inputTokens = 0;
  outputTokens = 0;
  readonly #errors: string[] = [];
  readonly #numbers = {
    input_lens: new Samples(),
    output_lens: new Samples(),
    ttfts: new Samples(),
    latencies: new Samples(),
    start_times: new Samples(),
    queue_times: new Samples(),
  };
  readonly #withStarts: boolean;

  constructor({ withStarts }: { readonly withStarts: boolean }) {
    this.#withStarts = withStarts;
  }

  add(record: RequestRecord): void {
    const answer = answerOf(record);
    const [startUs, inputTokens] = [startOf(record), inputTokensOf(record) ?? 0];
    const outputTokens = answer === null ? 0 : (answer.countedTokens ?? answer.tokens);
    if (answer !== null) {
      this.inputTokens += inputTokens;
      this.outputTokens += outputTokens;
    }
    this.#numbers.input_lens.push(inputTokens);
    this.#numbers.output_lens.push(outputTokens);
    // A request that broke off keeps its first token and its gaps, and has no latency.
    this.#numbers.ttfts.push((chunksOf(record).timesUs[0] ?? 0) / 1e6);
    this.#numbers.latencies.push((answer?.lastUs ?? 0) / 1e6);
    this.#numbers.start_times.push((ZERO_US + startUs) / 1e6);
    this.#numbers.queue_times.push((startUs - record.due_us) / 1e6);
    this.#errors.push(answer === null ? failureText(record) : '');
  }

  write(order: Uint32Array, sink: FileSink): void {
    const { start_times, queue_times, ...lists } = this.#numbers;
    // Before vLLM 0.11 there were none either.
    const all = this.#withStarts ? { ...lists, start_times, queue_times } : lists;
    for (const [name, samples] of Object.entries(all)) {
      const values = samples.values();
      writeList(sink, name, order, (record) => String(values[record] ?? 0));
    }
    writeList(sink, 'errors', order, (record) => JSON.stringify(this.#errors[record] ?? ''));
  }
}

function writeList(sink: FileSink, name: string, order: Uint32Array, text: (record: number) => string): void {
  sink.write(`,${JSON.stringify(name)}:[`);
  for (const [at, record] of order.entries()) sink.write(`${at === 0 ? '' : ','}${text(record)}`);
  sink.write(']');
}

/** `itls`, which is as long as all tokens together: kept in a file until the order of the requests is known. */
class GapTexts {
  readonly #from = new Samples();
  readonly #lengths = new Samples();
  #end = 0;

  add(record: RequestRecord, sink: FileSink): void {
    const gaps: number[] = [];
    if (hasKnownGaps(record)) chunkGaps({ chunks: chunksOf(record) }, (us) => gaps.push(us / 1e6));
    const text = JSON.stringify(gaps);
    sink.write(text);
    this.#from.push(this.#end);
    this.#lengths.push(text.length);
    this.#end += text.length;
  }

  write(order: Uint32Array, file: string, sink: FileSink): void {
    const [from, lengths] = [this.#from.values(), this.#lengths.values()];
    const descriptor = openSync(file, 'r');
    try {
      writeList(sink, 'itls', order, (record) => {
        const bytes = Buffer.alloc(lengths[record] ?? 0);
        readSync(descriptor, bytes, 0, bytes.length, from[record] ?? 0);
        return bytes.toString('latin1');
      });
    } finally {
      closeSync(descriptor);
    }
  }
}
