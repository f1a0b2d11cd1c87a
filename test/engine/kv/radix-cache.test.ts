import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { KvAllocation } from '../../../src/engine/kv/kv-cache.ts';
import { RadixCache } from '../../../src/engine/kv/radix-cache.ts';
import type { Prompt } from '../../../src/engine/instance/prompt-content.ts';
import { NaiveRadix, NaiveRequest } from './radix-oracle.ts';
import { anyTurns, sessionPrompt } from './session-prompts.ts';

function promptOf(pieces: readonly number[], promptTokens = pieces.length, pieceTokens = 1): Prompt {
  return { promptTokens, content: { pieces, pieceTokens }, generatedTokens: 0 };
}

/** Computes a whole prompt. */
function compute(memory: RadixCache, prompt: Prompt): KvAllocation {
  const allocation = memory.open(prompt);
  assert.ok(allocation.allocate(prompt.promptTokens));
  allocation.computed(prompt.promptTokens);
  return allocation;
}

describe('what a prompt finds', () => {
  test('is what others computed before it, but for its last token', () => {
    const memory = new RadixCache(100);
    const one = compute(memory, promptOf([1, 2, 3, 4]));
    assert.equal(memory.open(promptOf([1, 2, 3, 4])).cachedTokens(), 3);
    assert.equal(memory.open(promptOf([1, 2, 7])).cachedTokens(), 2);
    assert.equal(memory.open(promptOf([1])).cachedTokens(), 0);
    assert.equal(memory.open(promptOf([2, 3])).cachedTokens(), 0);
    assert.equal(one.cachedTokens(), 0); // it holds its own
    assert.deepEqual([memory.freeBlocks, memory.unused], [96, 96]);
    one.release();
    assert.deepEqual([memory.freeBlocks, memory.unused], [100, 96]);
  });

  test('goes by the piece, and a piece cut short is another one', () => {
    const memory = new RadixCache(100);
    compute(memory, promptOf([1, 2], 7, 5)); // 5 tokens, and 2 of the piece
    assert.equal(memory.open(promptOf([1, 2], 7, 5)).cachedTokens(), 6);
    assert.equal(memory.open(promptOf([1, 2], 8, 5)).cachedTokens(), 5);
    assert.equal(memory.open(promptOf([1, 2, 3], 15, 5)).cachedTokens(), 5);
    assert.equal(memory.open(promptOf([1, 2, 3, 4, 5, 6, 7])).cachedTokens(), 0); // pieces of another size
  });

  test('is nothing where nothing is known of a prompt, nor is any output', () => {
    const memory = new RadixCache(100);
    const unknown = { promptTokens: 5, content: null, generatedTokens: 0 };
    compute(memory, unknown).release();
    assert.equal(memory.open(unknown).cachedTokens(), 0);
    const talking = { ...promptOf([1, 2]), generatedTokens: 1 };
    const allocation = compute(memory, talking);
    assert.ok(allocation.allocate(4));
    allocation.release();
    assert.equal(memory.open(promptOf([1, 2, 3, 4, 5])).cachedTokens(), 2);
    // All of it is kept until the memory is needed.
    assert.deepEqual([memory.freeBlocks, memory.unused], [100, 91]);
  });

  test('of a retracted one is its own prompt, not what it had decoded', () => {
    const memory = new RadixCache(10);
    const prompt = { promptTokens: 3, content: null, generatedTokens: 3 };
    const allocation = compute(memory, prompt);
    assert.ok(allocation.allocate(5));
    allocation.evict();
    assert.deepEqual([memory.freeBlocks, memory.unused, allocation.blocks], [10, 7, 0]);
    assert.equal(allocation.cachedTokens(), 3);
    assert.deepEqual([allocation.blocksNeeded(6), memory.open(promptOf([1, 2])).blocksNeeded(2)], [6, 2]);
  });
});

test('of one that has ended, the token that a batch under way computes is free when that batch has run', () => {
  const memory = new RadixCache(10);
  const prompt = { ...promptOf([1, 2, 3]), generatedTokens: 1 };
  const allocation = compute(memory, prompt);
  assert.ok(allocation.allocate(4));
  allocation.release(3, true);
  assert.deepEqual([memory.freeBlocks, memory.unused], [9, 6]);
  allocation.freeRest();
  allocation.freeRest();
  assert.deepEqual([memory.freeBlocks, memory.unused], [10, 7]);
});

test('two that computed the same at the same time keep one copy', () => {
  const memory = new RadixCache(20);
  const one = memory.open(promptOf([1, 2, 3, 4]));
  const other = memory.open(promptOf([1, 2, 3, 5, 6]));
  assert.ok(one.allocate(4) && other.allocate(5));
  assert.equal(memory.freeBlocks, 11);
  one.computed(4);
  other.computed(5);
  assert.equal(memory.freeBlocks, 14);
  one.release();
  assert.deepEqual([memory.freeBlocks, memory.unused], [15, 14]); // only the 4 is nobody's
});

test('room is made for several at once: what is missing of it, or all of it, though less would do', () => {
  for (const [evict, unused] of [
    [undefined, 4],
    [4, 7],
  ] as const) {
    const memory = new RadixCache(10);
    for (const first of [1, 4, 7]) compute(memory, promptOf([first, first + 1, first + 2])).release();
    memory.makeRoom(1, evict);
    assert.equal(memory.unused, 1); // there was room
    memory.makeRoom(2, evict);
    assert.deepEqual([memory.freeBlocks, memory.unused], [10, unused]);
  }
});

test('what was used last is evicted last, and never what a running request uses', () => {
  const memory = new RadixCache(10);
  compute(memory, promptOf([1, 2, 3])).release();
  compute(memory, promptOf([4, 5, 6])).release();
  const running = compute(memory, promptOf([7, 8, 9]));
  assert.equal(memory.open(promptOf([4, 5, 6, 0])).cachedTokens(), 3); // no use
  assert.equal(memory.open(promptOf([1, 2, 3, 0])).lookUp(), 3); // a use
  assert.ok(memory.open(promptOf([0, 0])).allocate(2)); // one too many: 4 5 6 goes
  assert.deepEqual([memory.freeBlocks, memory.unused], [5, 2]);
  assert.equal(memory.open(promptOf([4, 5, 6, 0])).cachedTokens(), 0);
  assert.ok(!memory.open(promptOf([3, 3, 3, 3, 3, 3])).allocate(6));
  assert.equal(memory.open(promptOf([1, 2, 3, 0])).cachedTokens(), 3); // a refusal changes nothing
  assert.ok(memory.open(promptOf([3, 3, 3, 3, 3])).allocate(5));
  assert.equal(memory.freeBlocks, 0);
  assert.equal(memory.open(promptOf([7, 8, 9, 0])).cachedTokens(), 3);
  running.release();
  assert.equal(memory.freeBlocks, 3);
});

const prompts = fc.record({
  pieces: fc.array(fc.nat(1), { maxLength: 5 }),
  beyond: fc.integer({ min: -3, max: 3 }),
  kind: fc.constantFrom('unknown', 'blocks', 'session'),
  turns: anyTurns,
});
interface Drawn {
  readonly pieces: readonly number[];
  readonly beyond: number;
  readonly kind: string;
  readonly turns: readonly { readonly pick: number; readonly tokens: number }[];
}
const action = fc.record({
  who: fc.nat(4),
  what: fc.constantFrom('go on', 'go on', 'go on', 'look up', 'make room', 'retract', 'end'),
  tokens: fc.integer({ min: 1, max: 8 }),
  next: prompts,
});

test('any requests in any order: as a plain set of prefixes has it', () => {
  let evictions = 0;
  fc.assert(
    fc.property(
      fc.array(action, { minLength: 20, maxLength: 200 }),
      fc.integer({ min: 5, max: 40 }),
      fc.constantFrom(1, 3),
      (actions, capacity, pieceTokens) => {
        const memory = new RadixCache(capacity);
        const naive = new NaiveRadix(capacity);
        let opened = 0;
        const open = ({ pieces, beyond, kind, turns }: Drawn) => {
          const promptTokens = Math.max(1, pieces.length * pieceTokens + beyond);
          const known =
            kind === 'session'
              ? sessionPrompt(pieces, pieceTokens, promptTokens, turns)
              : { promptTokens, content: kind === 'blocks' ? { pieces, pieceTokens } : null };
          const prompt = { ...known, generatedTokens: 0 };
          return { prompt, allocation: memory.open(prompt), request: new NaiveRequest(prompt, opened++), isNew: true };
        };
        const slots = Array.from({ length: 5 }, (_, i) =>
          open({ pieces: [0, 1, i % 2].slice(0, i), beyond: 1, kind: 'blocks', turns: [] }),
        );
        for (const { who, what, tokens, next } of actions) {
          const slot = slots[who];
          assert.ok(slot !== undefined);
          const { prompt, allocation, request } = slot;
          naive.requests.splice(0, naive.requests.length, ...slots.map((each) => each.request));
          if (what === 'retract') {
            if (allocation.blocks > 0) allocation.evict();
            naive.drop(request);
          } else if (what === 'end') {
            if (request.held > 0 && request.computed >= prompt.promptTokens) naive.share(request, request.held);
            naive.drop(request);
            allocation.release();
            slots[who] = open(next);
          } else if (what === 'look up') {
            assert.equal(allocation.lookUp(), naive.lookUp(request));
          } else if (what === 'make room') {
            const before = memory.unused;
            memory.makeRoom(tokens, tokens);
            naive.makeRoom(tokens);
            if (memory.unused > before) evictions++;
          } else {
            const cached = naive.cached(request);
            // A router asks for all of them, and changes nothing.
            for (const each of slots) memory.cachedTokens(each.prompt);
            if (slot.isNew) assert.equal(memory.cachedTokens(prompt), cached);
            assert.equal(allocation.cachedTokens(), cached);
            const total = prompt.promptTokens + prompt.generatedTokens;
            const hold = Math.min(total, Math.max(request.computed, cached) + tokens);
            const before = memory.unused;
            const free = memory.freeBlocks;
            const needed = allocation.blocksNeeded(hold);
            const grown = allocation.allocate(hold);
            assert.equal(grown, naive.grow(request, hold));
            assert.equal(grown, needed <= free);
            if (!grown) continue;
            slot.isNew = false;
            if (memory.freeBlocks === free - needed && before < hold - cached) evictions++;
            request.computed = hold;
            // Single decodes are not told.
            if (hold <= prompt.promptTokens || tokens > 1) {
              allocation.computed(hold);
              naive.share(request, hold);
            }
            if (hold === total) prompt.generatedTokens++;
          }
          assert.equal(allocation.blocks, request.held);
          assert.deepEqual([memory.freeBlocks, memory.unused], [naive.free, naive.unused]);
        }
        for (const { allocation } of slots) allocation.release();
        assert.equal(memory.freeBlocks, capacity);
        assert.equal(memory.unused + memory.tree.tokens, capacity);
      },
    ),
    { numRuns: 300 },
  );
  assert.ok(evictions > 300, `only ${evictions} evictions`);
});

test('forgetting: not while a request holds a token, and then nothing is found and all is unused', () => {
  const memory = new RadixCache(100);
  const one = compute(memory, promptOf([1, 2, 3, 4]));
  const waiting = memory.open(promptOf([1, 2, 3, 4, 5]));
  assert.equal(memory.reset(), false);
  assert.equal(waiting.cachedTokens(), 4);
  one.release();
  assert.equal(waiting.cachedTokens(), 4);
  assert.equal(memory.reset(), true);
  assert.deepEqual([waiting.cachedTokens(), memory.unused, memory.tree.tokens], [0, 100, 0]);
});
