import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import { createEngine, parseEngineSpec } from '../../../src/engine/index.ts';
import { shared } from '../../shared.ts';
import { RecordingListener } from '../small-engine.ts';

const FOLDER = 'oracles/schedulers';
const LOG = shared(`${FOLDER}/distserve-82831f1.jsonl`);
const TIMES = shared(`${FOLDER}/distserve-times.csv`);

const line = z.object({
  case: z.string(),
  settings: z.object({
    block_tokens: z.int(),
    blocks: z.int(),
    prefill_tokens: z.int(),
    prefill_batch: z.int(),
    decode_batch: z.int(),
  }),
  /** When it arrives, microseconds; prompt and output tokens. */
  requests: z.array(z.tuple([z.number(), z.int(), z.int()])),
  /** Batches in the order in which they begin: when, and who, in order. */
  prefill: z.array(z.tuple([z.number(), z.array(z.int())])),
  /** The same where a batch is another one than the one before; who was swapped out and in; free blocks. */
  decode: z.array(z.tuple([z.number(), z.array(z.int()), z.array(z.int()), z.array(z.int()), z.int()])),
  /** First and last token of each request. */
  tokens_us: z.array(z.tuple([z.number(), z.number()])),
});
type Case = z.infer<typeof line>;

interface Batches {
  readonly prefill: [number, number[]][];
  readonly decode: [number, number[]][];
  swaps: number;
  readonly tokensUs: (readonly [first: number, last: number])[];
}

/** The requests of a case, with the times of the log, 512 us for a swapped block, and none for what moves. */
async function replay({ settings, requests }: Case, options: string): Promise<Batches> {
  const clock = new VirtualClock();
  const { block_tokens, blocks, prefill_tokens, prefill_batch, decode_batch } = settings;
  const spec =
    `distserve,model=opt-13b,gpu=a100-sxm-80g,cost=${TIMES.path},link=instant,kv_tokens=${blocks * block_tokens},` +
    `block_tokens=${block_tokens},prefill.batch_tokens=${prefill_tokens},prefill.batch_size=${prefill_batch},` +
    `decode.batch_size=${decode_batch},${options}`;
  const ours: Batches = { prefill: [], decode: [], swaps: 0, tokensUs: [] };
  const engine = createEngine(parseEngineSpec(spec), {
    clock,
    onIteration: (name, slot) => {
      const { nowUs, batch, size, preempted, preemptedEarlier } = slot;
      const ids = batch.slice(0, size).map(({ id }) => Number(id));
      if (name.startsWith('prefill')) ours.prefill.push([nowUs, ids]);
      else ours.decode.push([nowUs, ids]);
      ours.swaps += preempted.length + preemptedEarlier.length;
    },
  });
  const heard = requests.map(([atUs, inputTokens, outputTokens], i) => {
    const one = new RecordingListener();
    const request = { id: String(i), inputTokens, content: null, maxTokens: outputTokens };
    clock.at(atUs, () => {
      engine.submit({ ...request, trueOutputTokens: outputTokens }, one);
    });
    return one;
  });
  await clock.run(() => false);
  for (const { tokenTimesUs } of heard) ours.tokensUs.push([tokenTimesUs[0] ?? NaN, tokenTimesUs.at(-1) ?? NaN]);
  return ours;
}

/** Without batches that are the same as the one before, as in the log. */
function changes(batches: readonly [number, number[]][]): [number, number[]][] {
  return batches.filter(([, ids], i) => i === 0 || ids.join() !== batches[i - 1]?.[1].join());
}

/** Microseconds to a thousandth, as in the log. */
function rounded(batches: readonly [number, number[]][]): [number, number[]][] {
  return batches.map(([atUs, ids]) => [Math.round(atUs * 1000) / 1000, ids]);
}

function meanLateMs(ours: Batches, { tokens_us }: Case, which: 0 | 1): number {
  const sum = tokens_us.reduce((total, times, i) => total + ((ours.tokensUs[i]?.[which] ?? NaN) - times[which]), 0);
  return sum / tokens_us.length / 1000;
}

describe('distserve as DistServe 82831f1, transfers of no time', { skip: LOG.skip }, () => {
  const cases = LOG.skip === false ? readFileSync(LOG.path, 'utf8').trimEnd().split('\n') : [];
  for (const oracle of cases.map((text) => line.parse(JSON.parse(text)))) {
    const swaps = oracle.decode.reduce((sum, [, , out]) => sum + out.length, 0);
    if (swaps === 0)
      for (const options of ['transfer=between', 'transfer=beside', 'double_count=on'])
        it(`${oracle.case}, ${options}: every batch and every first and last token is the same`, async () => {
          const ours = await replay(oracle, options);
          const decode = oracle.decode.map(([atUs, ids]): [number, number[]] => [atUs, ids]);
          assert.deepEqual(rounded(ours.prefill), oracle.prefill);
          assert.deepEqual(rounded(changes(ours.decode)), decode);
          for (const which of [0, 1] as const) assert.ok(Math.abs(meanLateMs(ours, oracle, which)) < 1e-6);
        });
    else
      it(`${oracle.case}, double_count=on: as many swaps within 2, first tokens within 5 ms, last within 20 ms`, async (t) => {
        const ours = await replay(oracle, 'double_count=on');
        const [first, last] = [meanLateMs(ours, oracle, 0), meanLateMs(ours, oracle, 1)];
        t.diagnostic(`${ours.swaps} swaps, theirs ${swaps}; first ${first.toFixed(3)} ms, last ${last.toFixed(3)} ms`);
        assert.ok(Math.abs(ours.swaps - swaps) <= 2, `${ours.swaps} swaps, theirs ${swaps}`);
        assert.ok(Math.abs(first) <= 5 && Math.abs(last) <= 20, `first ${first} ms, last ${last} ms`);
      });
  }
});
