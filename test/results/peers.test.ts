import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RequestRecord } from '../../src/core/record.ts';
import { peerFigures } from '../../src/results/peers/peer-figures.ts';
import { PEERS } from '../../src/results/peers/peers.ts';
import type { Peer } from '../../src/results/peers/peer.ts';
import { exampleRecord } from '../runs/example-records.ts';
import { inBatches } from '../reports/example-run.ts';

const ALL: readonly Peer[] = Object.values(PEERS).flat();
const CHAT = { isChat: true, isVirtual: false, durationS: null };
const COMPLETIONS = { isChat: false, isVirtual: false, durationS: null };

/** `peers.md`, section 4: a chunk with the role, then 10 tokens in 5 chunks of 2, every 20 ms after 100 ms. */
const EXAMPLE = exampleRecord({
  token_times_us: Float64Array.of(...[0, 0, 1, 1, 2, 2, 3, 3, 4, 4].map((chunk) => 100_000 + 20_000 * chunk)),
  output_tokens: 10,
  output_tokens_planned: 10,
  token_count_source: 'usage',
});

async function figures(peer: Peer, records: readonly RequestRecord[], context = COMPLETIONS, slo = {}) {
  return peerFigures(peer, inBatches(records), slo, context);
}

const peer = (key: string): Peer => {
  const found = ALL.find((each) => each.key === key);
  assert.ok(found !== undefined, key);
  return found;
};

const ms = (us: number | undefined): number => Number(((us ?? Number.NaN) / 1000).toFixed(2));

describe('the definitions of other tools', () => {
  it('give the mean ITL that each tool reports of the same stream', async () => {
    const means: Record<string, number> = {};
    for (const each of ALL) means[each.key] = ms((await figures(each, [EXAMPLE], CHAT)).itlUs?.mean);
    assert.deepEqual(means, {
      vllm: 16,
      aiperf: 8.89,
      guidellm: 8.89,
      'inference-perf': 8.89,
      sglang: 20,
      'sglang-native': 10,
    });
    assert.equal((await figures(peer('inference-perf'), [EXAMPLE], CHAT)).itlUs?.at(500), 0);
    assert.equal(ms((await figures(peer('guidellm'), [EXAMPLE], CHAT)).tpotUs?.mean), 18);
    // Without a chunk with the role.
    assert.equal(ms((await figures(peer('vllm'), [EXAMPLE])).itlUs?.mean), 20);
  });

  it('say how far the ITL of chunks goes, where tokens that share a time may be chunks of their own', async () => {
    const vllm = await figures(peer('vllm'), [EXAMPLE], CHAT);
    assert.deepEqual([vllm.shared?.share, ms(vllm.shared?.meanItlUs)], [0.5, 8]);
    const sglang = await figures(peer('sglang'), [EXAMPLE], CHAT);
    assert.deepEqual([sglang.shared?.share, ms(sglang.shared?.meanItlUs)], [0.5, 8.89]);
    assert.equal((await figures(peer('vllm'), [exampleRecord()])).shared, null);
    // Counted as one a chunk, each is one.
    const one = await figures(peer('sglang'), [{ ...EXAMPLE, token_count_source: 'chunks' }], CHAT);
    assert.deepEqual([one.shared, ms(one.itlUs?.mean)], [null, 8.89]);
  });

  it('count from the send, connecting included, and end where each tool ends', async () => {
    const late = exampleRecord({ due_us: 1_000_000, sent_us: 1_030_000, connect_us: 10_000, end_us: 1_150_000 });
    for (const each of ALL) {
      const { ttftUs, e2eUs } = await figures(each, [late]);
      assert.equal(ms(ttftUs?.mean), 80, each.key);
      const toLastByte = ['guidellm', 'inference-perf', 'sglang', 'sglang-native'].includes(each.key);
      assert.equal(ms(e2eUs?.mean), toLastByte ? 130 : 120, each.key);
    }
    assert.equal(ms((await figures(peer('sglang'), [late])).tpotUs?.mean), 25);
    assert.equal(ms((await figures(peer('vllm'), [late])).tpotUs?.mean), 20);
  });

  it('judge a single token and a failure by their own rules', async () => {
    const single = exampleRecord({ request_id: 'a', token_times_us: Float64Array.of(100_000), output_tokens: 1 });
    const failed = exampleRecord({
      request_id: 'b',
      outcome: 'rejected',
      token_times_us: new Float64Array(0),
      end_us: 1,
    });
    const records = [EXAMPLE, single, failed];
    const slo = { ttft: 200, tpot: 50 };
    const found: Record<string, readonly [number | undefined, number | null | undefined]> = {};
    for (const each of ALL) {
      const { good } = await figures(each, records, COMPLETIONS, slo);
      found[each.key] = [good?.requests, good?.share];
    }
    assert.deepEqual(found, {
      vllm: [2, null],
      aiperf: [1, null],
      guidellm: [1, 1 / 2],
      'inference-perf': [1, 1 / 2],
      sglang: [2, 2 / 3],
      'sglang-native': [2, 2 / 3],
    });
    // A limit is met by a latency that equals it.
    for (const each of ALL) {
      const atLimit = await figures(each, [EXAMPLE], COMPLETIONS, { ttft: 100 });
      assert.equal(atLimit.good?.requests, 1, each.key);
      assert.equal((await figures(each, [EXAMPLE], COMPLETIONS, { ttft: 99.999 })).good?.requests, 0, each.key);
    }
  });

  it('weigh requests as GuideLLM does, and find its percentiles without interpolation', async () => {
    const times = (tokens: number, gapUs: number): Float64Array =>
      Float64Array.from({ length: tokens }, (_, i) => 100_000 + i * gapUs);
    const records = [
      exampleRecord({ token_times_us: times(2, 50_000), output_tokens: 2 }),
      exampleRecord({ token_times_us: times(10, 10_000), output_tokens: 10 }),
    ];
    const guidellm = await figures(peer('guidellm'), records);
    assert.equal(ms(guidellm.itlUs?.mean), (1 * 50 + 9 * 10) / 10);
    assert.equal(ms(guidellm.itlUs?.at(900)), 10);
    assert.equal(ms(guidellm.itlUs?.at(901)), 50);
    // TPOT with TTFT: 150 ms over 2 tokens, 190 ms over 10.
    assert.equal(ms(guidellm.tpotUs?.mean), Number(((150 + 190) / 12).toFixed(2)));
    const vllm = await figures(peer('vllm'), records);
    assert.equal(ms(vllm.tpotUs?.at(900)), 46);
  });

  it('count tokens as the server did, where the tool asks it', async () => {
    const hidden = exampleRecord({ hidden_tokens: 7, token_count_source: 'usage' });
    const uncounted = exampleRecord({ token_count_source: 'chunks', output_tokens_planned: 5 });
    assert.equal(ms((await figures(peer('vllm'), [hidden])).tpotUs?.mean), Number((40 / 9).toFixed(2)));
    assert.equal(ms((await figures(peer('aiperf'), [hidden])).tpotUs?.mean), 20);
    assert.equal(ms((await figures(peer('sglang'), [uncounted])).tpotUs?.mean), 10);
    assert.equal(ms((await figures(peer('guidellm'), [uncounted])).itlUs?.mean), 20);
  });

  it('are of nothing where nothing was answered', async () => {
    const failed = exampleRecord({ outcome: 'timeout', token_times_us: new Float64Array(0), end_us: 60_000_000 });
    for (const each of ALL) {
      const { requests, answered, ttftUs, itlUs, good } = await figures(each, [failed], CHAT, { ttft: 200 });
      assert.deepEqual([requests, answered, ttftUs, itlUs, good?.requests], [1, 0, null, null, 0], each.key);
    }
  });
});
