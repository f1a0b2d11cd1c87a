import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Request } from '../../../src/core/request.ts';
import { openSource } from '../../../workloads/index.ts';
import { requestsOf, temporaryFiles } from '../temporary-files.ts';

const file = temporaryFiles();
const BLOCK = 64;

const idsFrom = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);
/** A request of `blocks` full blocks and 10 tokens. */
const call = (t: number, blocks: number, more: Readonly<Record<string, unknown>> = {}): object => ({
  t,
  type: 's',
  model: 'm',
  in: blocks * BLOCK + 10,
  out: 5,
  hash_ids: idsFrom(1, blocks),
  input_types: ['text'],
  output_types: ['text'],
  stop: 'tool_use',
  ...more,
});
const conversation = (requests: readonly object[], more: Readonly<Record<string, unknown>> = {}): string =>
  `${JSON.stringify({
    id: 'a',
    models: ['m'],
    block_size: BLOCK,
    tool_tokens: 100,
    system_tokens: 20,
    requests,
    ...more,
  })}\n`;

async function read(content: string): Promise<Request[]> {
  return requestsOf((await openSource(file('t.jsonl', content), { onBadRow: 'fail' })).open());
}
/** What each request waits for: ids with milliseconds of think time; undefined where the trace does not tell. */
function waits(requests: readonly Request[]): Record<string, string | undefined> {
  return Object.fromEntries(
    requests.map(({ id, after }) => [id, after?.map((each) => `${each.id} +${each.thinkUs / 1000}`).join(', ')]),
  );
}

describe('a conversation of Weka', () => {
  it('is read with lengths, blocks, model, times from its own start, and what the source says of its answers', async () => {
    const text = conversation([
      call(0, 2, { api_time: 4.87, ttft: 0.25, think_time: 0 }),
      call(17.5, 3, { type: 'n', api_time: 2.87, think_time: 12 }),
    ]);
    const source = await openSource(file('w.jsonl', text), { onBadRow: 'fail' });
    assert.deepEqual([source.format, source.blockTokens, source.starts], ['weka', BLOCK, 'none']);
    assert.deepEqual(await requestsOf(source.open()), [
      {
        id: 'a:0',
        traceRow: 1,
        dueUs: 0,
        inputTokens: 138,
        outputTokens: 5,
        session: 'a',
        turn: 0,
        model: 'm',
        blocks: [0, 1],
        source: { ttftUs: 250_000, e2eUs: 4_870_000 },
        after: [],
      },
      {
        id: 'a:1',
        traceRow: 1,
        dueUs: 17_500_000,
        inputTokens: 202,
        outputTokens: 5,
        session: 'a',
        turn: 1,
        model: 'm',
        blocks: [0, 1, 2],
        source: { e2eUs: 2_870_000 },
        parent: 'a:0',
        after: [{ id: 'a:0', thinkUs: 12_630_000 }],
      },
    ]);
    assert.match(source.notes().join('\n'), /block ids of their own in each conversation/);
  });

  it('drops the id of a partial block, has none where there are none, and refuses other counts', async () => {
    const text = conversation([call(0, 2, { hash_ids: [1, 2, 3] }), call(1, 2, { hash_ids: [] })]);
    assert.deepEqual(
      (await read(text)).map(({ blocks }) => blocks),
      [[0, 1], undefined],
    );
    for (const hash_ids of [[1], [1, 2, 3, 4]])
      await assert.rejects(
        read(conversation([call(0, 2), call(1, 2, { hash_ids })])),
        /t\.jsonl:1: block_count_mismatch: requests\[1\]\.hash_ids has \d ids, expected 2 for in 138/,
      );
  });

  it('has block ids of its own, unless their scope is the file', async () => {
    const two = (scope: Readonly<Record<string, unknown>>): string =>
      conversation([call(0, 2)], scope) + conversation([call(0, 3)], { id: 'b', ...scope });
    const blocks = async (scope: Readonly<Record<string, unknown>>): Promise<unknown> =>
      (await read(two(scope))).map((each) => each.blocks);
    const apart = [
      [0, 1],
      [2, 3, 4],
    ];
    assert.deepEqual(await blocks({}), apart);
    assert.deepEqual(await blocks({ hash_id_scope: 'local' }), apart);
    assert.deepEqual(await blocks({ hash_id_scope: 'global' }), [
      [0, 1],
      [0, 1, 2],
    ]);
  });

  it('of the scope of the file shares its blocks with the others of that scope, be there older ones between them', async () => {
    const scopes = ['global', undefined, 'global'];
    const text = scopes.map((hash_id_scope, i) => conversation([call(0, 2)], { id: `c${i}`, hash_id_scope })).join('');
    const [first, older, last] = (await read(text)).map(({ blocks }) => blocks);
    assert.deepEqual([first, last], [older?.map((id) => id - 2), first]);
  });

  it('may have its requests as a JSON text, as columns of Parquet do', async () => {
    const requests = [call(0, 2, { api_time: 1 }), call(5, 3)];
    const one = JSON.parse(conversation(requests));
    const asText = `${JSON.stringify({ ...one, requests: JSON.stringify(requests) })}\n`;
    assert.deepEqual(await read(asText), await read(conversation(requests)));
    await assert.rejects(read(asText.replace('[{', '[')), /:1: missing_length: requests is "\[|:1: .*requests is/);
  });

  it('that says its block size behind a mebibyte of requests is read with --block-tokens, as the error advises', async () => {
    const ids = idsFrom(100_000, 160_000);
    const requests = [call(0, 1, { in: 16 * ids.length, hash_ids: ids })];
    const path = file('late.jsonl', `${JSON.stringify({ id: 'a', tool_tokens: 1, requests, block_size: 16 })}\n`);
    const open = async (more: object): Promise<Request[]> =>
      requestsOf((await openSource(path, { onBadRow: 'fail', ...more })).open());
    await assert.rejects(open({}), /block_size is 16, expected 64 .*; --block-tokens 16 if all have that size/);
    assert.equal((await open({ blockTokens: 16 }))[0]?.blocks?.length, ids.length);
  });

  it('names what is wrong with it and with its requests, and keeps the others', async () => {
    const bad: [text: string, names: RegExp][] = [
      [conversation([call(0, 1), call(1, 1, { out: -1 })]), /:1: negative: requests\[1\]\.out is -1/],
      [conversation([call(0, 1, { t: undefined })]), /:1: missing_time: requests\[0\]\.t is missing/],
      [conversation([call(0, 1, { in: -5 })]), /:1: negative: requests\[0\]\.in is -5/],
      [conversation([call(4e8, 1)]), /:1: far_time: requests\[0\]\.t/],
      [conversation([call(0, 1, { hash_ids: ['x'] })]), /requests\[0\]\.hash_ids is \["x"\]/],
      [conversation([[1]]), /requests\[0\] is \[1\], expected an object with t, model, in/],
      [conversation([call(0, 1)]).repeat(2), /:2: duplicate_id: id "a"/],
      [
        conversation([call(0, 1)]) + conversation([], { id: 'b', block_size: 16 }),
        /:2: block_count_mismatch: block_size is 16, expected 64/,
      ],
      [conversation([{ t: 0, type: 'subagent', requests: 5 }]), /requests\[0\]\.requests is 5/],
      [
        conversation([{ t: 0, type: 'subagent', requests: [call(0, 1, { in: 1.5 })] }]),
        /non_integer_length: requests\[0\]\.requests\[0\]\.in is 1\.5/,
      ],
    ];
    for (const [text, names] of bad) await assert.rejects(read(text), names);
    const skipped: string[] = [];
    const source = await openSource(file('s.jsonl', conversation([call(0, 1), call(1, 1, { in: -1 }), call(2, 1)])), {
      onBadRow: 'skip',
      onSkipped: ({ message }) => skipped.push(message),
    });
    assert.deepEqual(
      (await requestsOf(source.open())).map(({ id, turn }) => [id, turn]),
      [
        ['a:0', 0],
        ['a:2', 1],
      ],
    );
    assert.equal(skipped.length, 1);
    const none = { in: 0, out: 0, model: '<synthetic>', hash_ids: [] };
    const failed = await openSource(
      file('f.jsonl', conversation([call(0, 1), call(1, 1, { out: 0 }), call(2, 1, none), call(3, 1)])),
      { onBadRow: 'fail' },
    );
    assert.equal((await requestsOf(failed.open())).length, 2);
    assert.match(failed.notes().join('\n'), /rows left out: 1 \(no answer: out is 0\), 1 \(no prompt: in is 0\)/);
  });
});

describe('what a request of Weka waits for', () => {
  it('the answer before it and the think time that the times tell, else the one recorded, else nothing certain', async () => {
    const found = await read(
      conversation([
        call(0, 1, { api_time: 2 }),
        call(5, 1, { think_time: 9 }),
        call(8, 1, { think_time: 1.5 }),
        call(9.25, 1),
      ]),
    );
    assert.deepEqual(waits(found), { 'a:0': '', 'a:1': 'a:0 +3000', 'a:2': 'a:1 +1500', 'a:3': undefined });
    assert.deepEqual(
      found.map(({ parent }) => parent),
      [undefined, 'a:0', 'a:1', 'a:2'],
    );
    const source = await openSource(file('u.jsonl', conversation([call(0, 1), call(1, 1)])), { onBadRow: 'fail' });
    await requestsOf(source.open());
    assert.match(source.notes().join('\n'), /no api_time: think times are found from the gaps/);
  });

  it('requests that overlap run side by side, and the next one after both waits for both', async () => {
    const found = await read(
      conversation([
        call(0.05, 1, { api_time: 1 }),
        call(2.05, 1, { api_time: 10 }),
        call(3.05, 1, { api_time: 1 }),
        call(5.05, 1, { api_time: 1 }),
        call(14.05, 1, { api_time: 1 }),
      ]),
    );
    assert.deepEqual(waits(found), {
      'a:0': '',
      'a:1': 'a:0 +1000',
      'a:2': 'a:0 +2000',
      'a:3': 'a:2 +1000',
      'a:4': 'a:3 +8000, a:1 +2000',
    });
    assert.equal(found[0]?.dueUs, 0);
  });

  it('whole seconds are rounded: an end within a second after the start was before it', async () => {
    const whole = [call(0, 1, { api_time: 4.87 }), call(4, 1, { api_time: 1 }), call(9, 1, { api_time: 1 })];
    assert.deepEqual(waits(await read(conversation(whole))), { 'a:0': '', 'a:1': 'a:0 +0', 'a:2': 'a:1 +4000' });
  });

  const inner = (times: readonly number[]): object[] =>
    times.map((t) => call(t, 1, { hash_ids: [762], api_time: 1.25 }));
  const main = [call(0, 2, { api_time: 2 }), call(20, 3, { api_time: 1 })];
  for (const [what, t, times] of [
    ['from its own start', 2.5, [0, 3]],
    ['from that of the conversation', 2.5, [2.5, 5.5]],
    ['from its own start, which was early', 0.5, [0, 3]],
  ] as const)
    it(`a subagent, its times ${what}, is a branch that the next request waits for`, async () => {
      const found = await read(
        conversation([
          main[0] ?? {},
          { t, type: 'subagent', agent_id: 'x', duration_ms: 6000, status: 'completed', requests: inner(times) },
          main[1] ?? {},
        ]),
      );
      const startMs = t * 1000;
      assert.deepEqual(
        found.map(({ id, dueUs, agent }) => [id, dueUs / 1000, agent]),
        [
          ['a:0', 0, undefined],
          ['a:1.0', startMs, 'x'],
          ['a:1.1', startMs + 3000, 'x'],
          ['a:2', 20_000, undefined],
        ],
      );
      assert.deepEqual(waits(found), {
        'a:0': '',
        'a:1.0': t < 2 ? '' : 'a:0 +500',
        'a:1.1': 'a:1.0 +1750',
        'a:2': `a:0 +18000, a:1.1 +${20_000 - startMs - 4250}`,
      });
    });

  it('a subagent that outlives the next request runs beside it, and the one after its end waits for it', async () => {
    const agent = { t: 2.5, type: 'subagent', agent_id: 'x', duration_ms: null, status: 'async_launched' };
    const found = await read(
      conversation([
        call(0, 1, { api_time: 2 }),
        { ...agent, requests: inner([0, 10]) },
        call(4, 1, { api_time: 1 }),
        call(15, 1, { api_time: 1 }),
      ]),
    );
    assert.deepEqual(waits(found), {
      'a:0': '',
      'a:1.0': 'a:0 +500',
      'a:2': 'a:0 +2000',
      'a:1.1': 'a:1.0 +8750',
      'a:3': 'a:2 +10000, a:1.1 +1250',
    });
  });

  it('its recorded times, whatever they are: each request is due when the trace says, if answers take as long', () => {
    const times = fc.array(
      fc.record({ gap: fc.nat(40), took: fc.nat(60), inner: fc.array(fc.nat(20), { maxLength: 3 }) }),
      {
        minLength: 1,
        maxLength: 12,
      },
    );
    return fc.assert(
      fc.asyncProperty(times, async (rows) => {
        // Hundredths, so that times are not taken for rounded ones.
        let t = 0.01;
        const requests: object[] = [];
        for (const { gap, took, inner: gaps } of rows) {
          requests.push(call(t, 1, { api_time: took / 8 }));
          if (gaps.length > 0) {
            let at = 0;
            const calls = gaps.map((each) => call((at += each / 8), 1, { api_time: 0.5 }));
            requests.push({ t: t + took / 8 + 0.01, type: 'subagent', requests: calls });
          }
          t += gap / 8 + 0.01;
        }
        const found = await read(conversation(requests));
        const byId = new Map(found.map((request) => [request.id, request]));
        for (const { after, dueUs } of found) {
          const over = (after ?? []).map(({ id, thinkUs }) => {
            const before = byId.get(id);
            return (before?.dueUs ?? 0) + (before?.source?.e2eUs ?? 0) + thinkUs;
          });
          if (over.length > 0) assert.ok(Math.abs(Math.max(...over) - dueUs) <= 10_000, JSON.stringify(found));
        }
        assert.deepEqual(
          found.map(({ dueUs }) => dueUs),
          found.map(({ dueUs }) => dueUs).toSorted((a, b) => a - b),
        );
      }),
      { numRuns: 25 },
    );
  });
});
