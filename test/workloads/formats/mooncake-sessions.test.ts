import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { InputIs } from '../../../src/core/plan.ts';
import type { Request } from '../../../src/core/request.ts';
import { openSource } from '../../../workloads/index.ts';
import { requestsOf, temporaryFiles } from '../temporary-files.ts';

const file = temporaryFiles();
const json = (...rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

async function opened(rows: readonly object[], inputIs?: InputIs): ReturnType<typeof openSource> {
  return openSource(file('m.jsonl', json(...rows)), { onBadRow: 'fail', inputIs });
}
async function read(rows: readonly object[], inputIs?: InputIs): Promise<Request[]> {
  return requestsOf((await opened(rows, inputIs)).open());
}
const waitsOf = (requests: readonly Request[]): unknown[] => requests.map(({ id, dueUs, after }) => [id, dueUs, after]);

describe('Mooncake in sessions', () => {
  const first = { session_id: 's', timestamp: 1000, input_length: 40, output_length: 8, hash_ids: [7, 8, 9] };
  const next = { session_id: 's', delay: 5, input_length: 20, output_length: 4, hash_ids: [1, 2] };

  it('a turn with a delay waits for the answer before, and its length is what is new', async () => {
    const source = await opened([first, { ...first, session_id: 't', timestamp: 1500 }, next]);
    assert.deepEqual([source.format, source.blockTokens, source.starts], ['mooncake-sessions', 16, undefined]);
    const found = await requestsOf(source.open());
    assert.deepEqual(waitsOf(found), [
      ['r0', 0, undefined],
      ['r1', 500_000, undefined],
      ['r2', 5000, [{ id: 'r0', thinkUs: 5000 }]],
    ]);
    const { inputTokens, newTokens, turn, blocks = [] } = found[2] ?? assert.fail();
    assert.deepEqual([inputTokens, newTokens, turn], [40 + 8 + 20, 20, 1]);
    // Of the prompt of 40 tokens two blocks are full, and the same again.
    assert.deepEqual([blocks.slice(0, 2), blocks.length], [[7, 8], 4]);
    assert.match(source.notes().join('\n'), /what is new in the prompt \(--input-is whole/);
  });

  it('whole prompts where it is said, or where later turns have timestamps', async () => {
    const whole = await read([first, { ...next, input_length: 60, hash_ids: [7, 8, 3, 4] }], 'whole');
    assert.deepEqual(
      whole.map(({ inputTokens, newTokens, blocks }) => [inputTokens, newTokens, blocks]),
      [
        [40, undefined, [7, 8, 9]],
        [60, undefined, [7, 8, 3, 4]],
      ],
    );
    const timed = await read([first, { ...next, delay: undefined, timestamp: 3000, input_length: 18 }]);
    assert.deepEqual(
      timed.map(({ dueUs, inputTokens, session, turn, after }) => [dueUs, inputTokens, session, turn, after]),
      [
        [0, 40, 's', 0, undefined],
        [2_000_000, 18, 's', 1, undefined],
      ],
    );
    const told = await read([first, { ...next, delay: undefined, timestamp: 3000 }], 'new');
    assert.equal(told[1]?.inputTokens, 68);
    await assert.rejects(read([first, next], 'uncached'), /--input-is uncached: .*m\.jsonl/);
  });

  it('other names of the same, and lengths that only blocks tell', async () => {
    const [one, two] = await read([
      { session_id: 4, created_time: 10, input_tokens: 512, output_tokens: 2, hash_ids: [5] },
      { session_id: 4, delay_ms: 2.5, hash_ids: [1], output_tokens: 1 },
    ]);
    assert.deepEqual([one?.session, one?.inputTokens, one?.dueUs], ['4', 512, 0]);
    assert.deepEqual([two?.inputTokens, two?.after], [512 + 2 + 512, [{ id: 'r0', thinkUs: 2500 }]]);
    await assert.rejects(
      read([{ session_id: 4, created_time: 10, input_tokens: 0, output_tokens: 2 }]),
      /:1: zero_length: input_tokens is 0/,
    );
  });

  it('turns of a session without times are one after another, each session at once', async () => {
    const a = { session_id: 'a', input_length: 40, output_length: 8 };
    const b = { session_id: 'b', input_length: 64, output_length: 8 };
    const source = await opened([a, b, { ...a, delay: 3, input_length: 16 }, { input_length: 3, output_length: 1 }]);
    assert.deepEqual([source.format, source.blockTokens, source.starts], ['mooncake-untimed', 16, 'none']);
    const found = await requestsOf(source.open());
    assert.deepEqual(
      found.map(({ id, session, dueUs, inputTokens }) => [id, session, dueUs, inputTokens]),
      [
        ['r3', undefined, 0, 3],
        ['r0', 'a', 0, 40],
        ['r2', 'a', 3000, 64],
        ['r1', 'b', 0, 64],
      ],
    );
    assert.equal(new Set(found.flatMap(({ blocks }) => blocks ?? [])).size, 2 + 2 + 4);
  });

  it('names what is wrong', async () => {
    const bad: [rows: readonly object[], names: RegExp][] = [
      [[first, { ...next, session_id: 'other' }], /:2: missing_time: timestamp is missing, .* with a delay/],
      [[first, { ...next, hash_ids: [1, 2, 3] }], /:2: block_count_mismatch: hash_ids has 3 ids, expected 2/],
      [[first, { ...next, input_length: undefined, hash_ids: undefined }], /:2: missing_length: input_length/],
      [[first, { ...next, delay: -1 }], /:2: delay is -1, expected milliseconds/],
      [[first, { ...next, input_length: 9_999_999, hash_ids: undefined }], /:2: input_length is 9999999, which makes/],
      [[first, { ...next, delay: 1e12 }], /:2: far_time/],
    ];
    for (const [rows, names] of bad) await assert.rejects(read(rows), names);
  });

  it('a session shares with its next turn every full block of its prompt, and no more', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ input_length: fc.integer({ min: 1, max: 200 }), output_length: fc.integer({ min: 1, max: 50 }) }),
          {
            minLength: 1,
            maxLength: 8,
          },
        ),
        async (turns) => {
          const rows = turns.map((turn, i) => ({
            session_id: 's',
            ...(i === 0 ? { timestamp: 0 } : { delay: 1 }),
            ...turn,
          }));
          const found = await read(rows);
          for (const [i, { blocks = [], inputTokens }] of found.entries()) {
            assert.equal(blocks.length, Math.floor(inputTokens / 16));
            const { blocks: before = [], inputTokens: earlier = 0 } = found[i - 1] ?? {};
            const shared = blocks.findIndex((id, at) => id !== before[at]);
            assert.equal(shared === -1 ? blocks.length : shared, Math.floor(earlier / 16));
          }
        },
      ),
      { numRuns: 40 },
    ));
});

describe('agentic Mooncake', () => {
  const root = {
    request_id: 'root',
    session_id: 's',
    timestamp: 500,
    input_length: 100,
    output_length: 9,
    hash_ids: [1, 2],
  };
  const child = {
    request_id: 'child',
    session_id: 's',
    input_length: 4,
    output_length: 1,
    hash_ids: [1],
    wait_for: ['root'],
    delay: 2,
    tool_wait_ms: 3,
  };

  it('a row waits for all that it names, with its delay and its tools; the converter writes blocks of 64', async () => {
    const join = {
      ...child,
      request_id: 'join',
      session_id: 't',
      wait_for: ['root', 'child'],
      delay: 0.5,
      tool_wait_ms: null,
    };
    const source = await opened([root, child, join, { ...root, request_id: 'late', timestamp: 700, branches: [] }]);
    assert.deepEqual([source.format, source.blockTokens], ['mooncake-agentic', 64]);
    const found = await requestsOf(source.open());
    assert.deepEqual(waitsOf(found), [
      ['root', 0, []],
      ['child', 5000, [{ id: 'root', thinkUs: 5000 }]],
      [
        'join',
        5500,
        [
          { id: 'root', thinkUs: 500 },
          { id: 'child', thinkUs: 500 },
        ],
      ],
      ['late', 200_000, []],
    ]);
    assert.deepEqual(
      found.map(({ session, turn, blocks }) => [session, turn, blocks]),
      [
        ['s', 0, [1, 2]],
        ['s', 1, [1]],
        ['t', 0, [1]],
        ['s', 2, [1, 2]],
      ],
    );
    assert.match(source.notes().join('\n'), /as if answers took no time.*\n.*keys not used: branches/);
  });

  it('the sample of the converter alone reads, whatever stands first and whatever is missing', async () => {
    assert.deepEqual(waitsOf(await read([child, root])), [
      ['root', 0, []],
      ['child', 5000, [{ id: 'root', thinkUs: 5000 }]],
    ]);
    const orphan = { ...child, wait_for: ['gone', 'root'] };
    assert.deepEqual((await read([orphan, root]))[1]?.after, [{ id: 'root', thinkUs: 5000 }]);
    await assert.rejects(read([root, { ...child, wait_for: ['gone'] }]), /:2: missing_time: .* \("gone"\)/);
    await assert.rejects(
      read([child, { ...root, timestamp: null }]),
      /:2: missing_time: timestamp is missing.*wait_for/,
    );
  });

  it('names ids that stand twice and requests that wait for themselves', async () => {
    await assert.rejects(read([root, child, root]), /:3: duplicate_id: id "root"/);
    await assert.rejects(
      read([{ ...child, wait_for: ['child'] }]),
      /:1: parent_cycle: request "child" waits for itself/,
    );
    const circle = [
      { ...child, wait_for: ['b'] },
      { ...child, request_id: 'b', wait_for: ['child'] },
    ];
    await assert.rejects(
      read([root, ...circle]),
      /:[23]: parent_cycle: request "(?:child|b)" waits for itself, by way of/,
    );
  });

  it('in whatever order rows stand, each is due a think time after the latest that it waits for', () => {
    const graph = fc.array(fc.record({ waits: fc.array(fc.nat(), { maxLength: 3 }), delay: fc.nat(50) }), {
      minLength: 1,
      maxLength: 12,
    });
    return fc.assert(
      fc.asyncProperty(graph, fc.infiniteStream(fc.nat()), async (nodes, order) => {
        const due: number[] = [];
        const rows = nodes.map(({ waits, delay }, i) => {
          const wait_for = i === 0 ? [] : [...new Set([0, ...waits.map((at) => at % i)])];
          due.push(i === 0 ? 0 : Math.max(...wait_for.map((at) => due[at] ?? 0)) + delay);
          const named = wait_for.map((at) => `n${at}`);
          return {
            request_id: `n${i}`,
            input_length: 5,
            output_length: 1,
            delay,
            wait_for: named,
            ...(i === 0 ? { timestamp: 0 } : {}),
          };
        });
        const shuffled = rows.map((each) => ({ each, at: order.next().value })).sort((a, b) => a.at - b.at);
        const found = await read(shuffled.map(({ each }) => each));
        assert.deepEqual(
          new Map(found.map(({ id, dueUs }) => [id, dueUs])),
          new Map(found.map(({ id }) => [id, (due[Number(id.slice(1))] ?? 0) * 1000])),
        );
        assert.equal(found.length, rows.length);
      }),
      { numRuns: 60 },
    );
  });
});

describe('agentic Mooncake of version 2', () => {
  const header = {
    schema: 'dynamo.agentic_mooncake',
    version: 2,
    block_size: 64,
    hash_id_scope: 'local',
    source: { format: 'weka', digest: 'x' },
  };
  const request = (id: string, dependencies: readonly object[] = [], more: object = {}): object => ({
    request_id: id,
    play_id: 'p',
    session_id: 's',
    model: 'm',
    input_length: 100,
    output_length: 9,
    hash_ids: [1, 2],
    not_before_ms: 0,
    dependencies,
    ...more,
  });
  const on = (id: string, trigger: string, delay_ms: number): object => ({
    request_id: id,
    trigger,
    delay_ms,
    relation: 'sequence',
  });

  it('a request waits for completions, and beside a dispatch for what that one waited for', async () => {
    const source = await opened([
      header,
      request('beside', [on('next', 'dispatch', 3)]),
      request('root', [], { not_before_ms: 20, recorded_api_time_ms: 7.5, policy_class: 'batch' }),
      request('next', [on('root', 'completion', 5)], { not_before_ms: 30 }),
      request('join', [on('next', 'completion', 1), on('beside', 'dispatch', 2), on('root', 'completion', 9)]),
      request('early', [on('root', 'dispatch', 4)], { session_id: 't', output_length: 0 }),
      request('apart', [], { play_id: 'q', session_id: 'u', hash_ids: [1], source_play_ordinal: 1, priority: 3 }),
    ]);
    assert.deepEqual([source.format, source.blockTokens], ['mooncake-agentic-2', 64]);
    const found = new Map((await requestsOf(source.open())).map((each) => [each.id, each]));
    const waits = (id: string): unknown => [found.get(id)?.dueUs, found.get(id)?.after];
    assert.deepEqual(waits('root'), [20_000, []]);
    assert.deepEqual(waits('next'), [30_000, [{ id: 'root', thinkUs: 5000 }]]);
    assert.deepEqual(waits('beside'), [33_000, [{ id: 'root', thinkUs: 8000 }]]);
    assert.deepEqual(waits('join'), [
      35_000,
      [
        { id: 'next', thinkUs: 1000 },
        { id: 'root', thinkUs: 10_000 },
      ],
    ]);
    assert.deepEqual(waits('early'), [24_000, []]);
    assert.equal(found.get('early')?.outputTokens, 1);
    assert.deepEqual([found.get('root')?.source, found.get('root')?.sloClass], [{ e2eUs: 7500 }, 'batch']);
    const [own = -1] = found.get('apart')?.blocks ?? [];
    assert.ok(!(found.get('root')?.blocks ?? []).includes(own), 'ids of one play are not those of another');
    assert.deepEqual(found.get('next')?.blocks, found.get('root')?.blocks);
    const said = source.notes().join('\n');
    assert.match(said, /keys not used: priority/);
    assert.match(said, /no token is asked for as one of one token/);
  });

  it('names what is wrong, and takes ids of full blocks alone', async () => {
    assert.equal((await read([header, request('a', [], { hash_ids: [4] })]))[0]?.blocks?.length, 1);
    await assert.rejects(read([header, request('a', [], { hash_ids: [1, 2, 3] })]), /:2: block_count_mismatch/);
    await assert.rejects(read([header, request('a', [on('b', 'start', 1)])]), /:2: dependencies is .*"dispatch" or/);
    assert.deepEqual(waitsOf(await read([header, request('a', [on('gone', 'dispatch', 1)], { not_before_ms: 2 })])), [
      ['a', 2000, []],
    ]);
    await assert.rejects(read([header, request('a', [], { not_before_ms: null })]), /:2: missing_time: not_before_ms/);
    await assert.rejects(
      read([header, request('a', [on('b', 'dispatch', 1)]), request('b', [on('a', 'completion', 1)])]),
      /parent_cycle/,
    );
  });
});
