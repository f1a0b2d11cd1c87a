import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { VirtualClock } from '../../src/core/virtual-clock.ts';
import { createEngine, parseEngineSpec } from '../../src/engine/index.ts';
import { Heard } from './heard.ts';

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
/** A run of DistServe's schedulers: `../shared/oracles/schedulers/README.md` says what each part is. */
export type DistserveCase = z.infer<typeof line>;

/** The cases of a file of such logs, a line each. */
export function readDistserve(path: string): DistserveCase[] {
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((text) => line.parse(JSON.parse(text)));
}

export function swapsOf({ decode }: DistserveCase): number {
  return decode.reduce((sum, [, , out]) => sum + out.length, 0);
}

/** When it began, and who was in it, in order. */
type Batch = [atUs: number, requests: number[]];

/** What ours did with the requests of a case. */
export interface DistserveReplay {
  readonly prefill: Batch[];
  readonly decode: Batch[];
  swaps: number;
  readonly tokensUs: (readonly [first: number, last: number])[];
}

/**
 * Runs the requests of a case, with the times of the log (the file `timesPath`), 512 us for a swapped block, and none for
 * what moves.
 */
export async function replayDistserve(
  { settings, requests }: DistserveCase,
  timesPath: string,
  options: string,
): Promise<DistserveReplay> {
  const clock = new VirtualClock();
  const { block_tokens, blocks, prefill_tokens, prefill_batch, decode_batch } = settings;
  const spec =
    `distserve,model=opt-13b,gpu=a100-sxm-80g,cost=${timesPath},link=instant,kv_tokens=${blocks * block_tokens},` +
    `block_tokens=${block_tokens},prefill.batch_tokens=${prefill_tokens},prefill.batch_size=${prefill_batch},` +
    `decode.batch_size=${decode_batch},${options}`;
  const ours: DistserveReplay = { prefill: [], decode: [], swaps: 0, tokensUs: [] };
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
    const one = new Heard();
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

/** Whether ours ran the batches of the log, at the same times. */
export function hasSameBatches(ours: DistserveReplay, oracle: DistserveCase): boolean {
  const decode = oracle.decode.map(([atUs, ids]): Batch => [atUs, ids]);
  const same = (mine: readonly Batch[], theirs: readonly Batch[]): boolean =>
    JSON.stringify(rounded(mine)) === JSON.stringify(theirs);
  return same(ours.prefill, oracle.prefill) && same(changes(ours.decode), decode);
}

/** Without batches that are the same as the one before, as in the log. */
function changes(batches: readonly Batch[]): Batch[] {
  return batches.filter(([, ids], i) => i === 0 || ids.join() !== batches[i - 1]?.[1].join());
}

/** Microseconds to a thousandth, as in the log. */
function rounded(batches: readonly Batch[]): Batch[] {
  return batches.map(([atUs, ids]) => [Math.round(atUs * 1000) / 1000, ids]);
}

/** How much later the first or last tokens of ours are than in the log, on the mean, milliseconds. */
export function meanLateMs(ours: DistserveReplay, { tokens_us }: DistserveCase, which: 'first' | 'last'): number {
  const at = which === 'first' ? 0 : 1;
  const sum = tokens_us.reduce((total, times, i) => total + ((ours.tokensUs[i]?.[at] ?? NaN) - times[at]), 0);
  return sum / tokens_us.length / 1000;
}
