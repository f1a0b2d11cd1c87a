import assert from 'node:assert/strict';
import { it } from 'node:test';
import { replayCase, type Replay } from './replay-case.ts';

/** The smallest requests that tell schedulers apart: `[at, input, output, pieces]`. */
type Requests = readonly (readonly [at: number, input: number, output: number, pieces?: readonly number[]])[];

async function replay(spec: string, requests: Requests): Promise<Replay> {
  return replayCase(spec, {
    settings: {
      block_tokens: 16,
      blocks: 0,
      token_budget: 0,
      max_seqs: 0,
      max_model_len: 0,
      prefix_caching: false,
      piece_tokens: 16,
    },
    requests: requests.map(([at, input, output, pieces = []]) => ({
      at,
      input,
      output,
      pieces: [...pieces],
      max: output,
    })),
  });
}

const preemptions = ({ rows }: Replay): number => rows.reduce((sum, [, , , preempted]) => sum + preempted.length, 0);

it('a request of vLLM 0.32 waits until all of its prompt finds memory, of 0.10 until its first chunk does', async () => {
  const requests: Requests = [
    [0, 96, 12],
    [0, 112, 2],
  ];
  const spec = (version: string) =>
    `vllm-v1,version=${version},async=off,token_budget=48,max_seqs=8,kv_tokens=160,prefix_caching=off`;
  const now = await replay(spec('0.32'), requests);
  assert.deepEqual([now.iterations, preemptions(now)], [17, 0]);
  assert.equal(preemptions(await replay(spec('0.10'), requests)), 5);
});

it('a block that is not full is reused before full ones by vLLM 0.32, in its turn by 0.10', async () => {
  const requests: Requests = [
    [0, 40, 2, [1, 2, 3]],
    [6, 40, 2, [4, 5, 6]],
    [12, 20, 2],
    [18, 40, 2, [1, 2, 3]],
  ];
  const spec = (version: string) => `vllm-v1,version=${version},async=off,token_budget=256,max_seqs=8,kv_tokens=96`;
  assert.deepEqual((await replay(spec('0.32'), requests)).hits, { 3: 32 });
  assert.deepEqual((await replay(spec('0.10'), requests)).hits, { 3: 16 });
});

it('decided ahead, a request begins one iteration later than one that is decided when the batch before has ended', async () => {
  const requests: Requests = [
    [0, 100, 12],
    [3, 100, 3],
  ];
  const first = async (async: string) => (await replay(`vllm-v1,async=${async}`, requests)).spans[1]?.[0];
  assert.deepEqual([await first('off'), await first('on')], [3, 4]);
});

it('Sarathi-Serve admits nobody again in the decision that preempted him', async () => {
  const requests: Requests = [
    [0, 60, 20],
    [0, 60, 20],
  ];
  assert.equal(preemptions(await replay('sarathi,token_budget=128,max_seqs=8,kv_tokens=128', requests)), 3);
});
