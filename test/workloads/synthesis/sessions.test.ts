import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Request } from '../../../src/core/request.ts';
import { UserError } from '../../../src/core/errors.ts';
import { blockCount } from '../../../workloads/formats/blocks.ts';
import { synthesize, type SynthParts } from '../../../workloads/synthesis/index.ts';
import { requestsOf } from '../temporary-files.ts';

const PARTS: SynthParts = {
  arrivals: 'poisson:rate=0.5',
  input: 'lognormal:median=300,sigma=1,max=4000',
  output: '0.5*50+0.5*geometric:mean=80',
  turns: 'geometric:mean=4',
  think: 'exponential:mean=8s',
  branchChance: 0.3,
  branchTurns: '2',
  prefixes: 'groups:count=4,tokens=100',
};

async function made(parts: SynthParts, seed = 1): Promise<Request[]> {
  const { source } = await synthesize({ seed, durationS: 300, requests: null, make: { parts } });
  return requestsOf(source.open());
}

test('turns go on from their context, wait for what they follow, and share what their blocks say', async () => {
  const requests = await made(PARTS);
  const byId = new Map(requests.map((request) => [request.id, request]));
  assert.equal(byId.size, requests.length);
  assert.ok(requests.some(({ agent }) => agent !== undefined));
  assert.deepEqual(
    requests.map(({ dueUs }) => dueUs),
    requests.map(({ dueUs }) => dueUs).toSorted((a, b) => a - b),
  );
  /** What stands before each block, so that one id never has two meanings. */
  const beginnings = new Map<number, string>();
  const firsts = new Set<number | undefined>();
  for (const { blocks = [], inputTokens, turn, parent, newTokens = 0, after = [], dueUs } of requests) {
    assert.equal(blocks.length, blockCount(inputTokens, 16));
    for (const [i, id] of blocks.entries()) {
      const before = blocks.slice(Math.max(0, i - 1), i).join();
      assert.equal(beginnings.get(id) ?? before, before);
      beginnings.set(id, before);
    }
    if (turn === 0) firsts.add(blocks[5]);
    for (const { id, thinkUs } of after) {
      const other = byId.get(id);
      assert.ok(other !== undefined);
      assert.ok(
        dueUs >= other.dueUs + other.outputTokens * 20_000 + thinkUs - 2,
        'due when its answer and time are over',
      );
    }
    if (parent === undefined) continue;
    const before = byId.get(parent);
    assert.ok(before !== undefined);
    assert.equal(inputTokens, before.inputTokens + before.outputTokens + newTokens);
    const shared = Math.floor(before.inputTokens / 16);
    assert.deepEqual(blocks.slice(0, shared), before.blocks?.slice(0, shared));
  }
  // Of 100 tokens six blocks are full: the sixth is one of four.
  assert.ok(firsts.size > 1 && firsts.size <= 4, `${firsts.size} groups`);
});

test('lengths are those of their distributions; the same seed makes the same, another seed others', async () => {
  const parts = { arrivals: 'constant:rate=20', input: 'uniform:from=100,to=300', output: 'geometric:mean=40' };
  const requests = await made(parts);
  const mean = (key: 'inputTokens' | 'outputTokens'): number =>
    requests.reduce((sum, request) => sum + request[key], 0) / requests.length;
  assert.ok(requests.length >= 5999 && requests.length <= 6001);
  assert.ok(Math.abs(mean('inputTokens') - 200) < 4 && Math.abs(mean('outputTokens') - 40) < 3);
  assert.ok(requests.every(({ session, blocks }) => session === undefined && blocks === undefined));
  assert.deepEqual(await made(parts), requests);
  assert.notDeepEqual(await made(parts, 2), requests);
});

test('parts that are missing or mean nothing together are refused by name', async () => {
  const { input: _, ...noInput } = PARTS;
  const { turns: __, ...noTurns } = PARTS;
  for (const [parts, named] of [
    [noInput, '--input'],
    [noTurns, '--think'],
    [{ ...PARTS, input: '0.5*10+0.4*20' }, '--input'],
    [{ ...PARTS, input: 'zipf:alpha=1' }, '--input'],
    [{ ...PARTS, think: '8' }, '--think'],
    [{ ...PARTS, prefixes: 'groups:count=0.5,tokens=4' }, '--prefixes'],
  ] as const)
    await assert.rejects(made(parts), (thrown) => thrown instanceof UserError && thrown.message.startsWith(named));
});
