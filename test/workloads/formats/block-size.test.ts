import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { UserError } from '../../../src/core/errors.ts';
import { findBlockTokens, type BlockCount } from '../../../workloads/formats/blocks.ts';
import { openSource } from '../../../workloads/index.ts';
import { requestsOf, temporaryFiles } from '../temporary-files.ts';

const file = temporaryFiles();
const row = (tokens: number, blocks: number, timestamp = 0): string =>
  JSON.stringify({
    timestamp,
    input_length: tokens,
    output_length: 1,
    hash_ids: Array.from({ length: blocks }, (_, i) => i),
  });

it('the size found or asked for is one that every row fits, unless some row is wrong', () =>
  fc.assert(
    fc.property(
      fc.constantFrom(16, 32, 64, 128, 256, 512, 1024, 2048),
      fc.integer({ min: 1, max: 3000 }),
      fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 30 }),
      (usual, any, lengths) => {
        const rowsOf = (size: number): BlockCount[] =>
          lengths.map((tokens) => ({ tokens, blocks: Math.ceil(tokens / size) }));
        const found = findBlockTokens(rowsOf(usual), null) ?? 0;
        assert.deepEqual(rowsOf(usual), rowsOf(found));
        assert.equal(findBlockTokens(rowsOf(any), any), any);
      },
    ),
  ));

it('an unusual size is found where the usual ones fit few rows', () => {
  const rows = [700, 1300, 2600, 4100].map((tokens) => ({ tokens, blocks: Math.ceil(tokens / 100) }));
  assert.equal(findBlockTokens(rows, null), 100);
});

it('one row of too many or too few ids makes no unusual size that fits it too', () => {
  const sound = [
    { tokens: 6758, blocks: 14 },
    { tokens: 7322, blocks: 15 },
  ];
  for (const blocks of [3, 5]) assert.equal(findBlockTokens([...sound, { tokens: 2000, blocks }], null), 512);
  const floored = Array.from({ length: 30 }, (_, i) => ({
    tokens: 6758 + i * 100,
    blocks: Math.floor((6758 + i * 100) / 512),
  }));
  assert.ok(floored.some(({ tokens, blocks }) => Math.ceil(tokens / (findBlockTokens(floored, null) ?? 0)) !== blocks));
});

it('where no row can be read, the size asked for is no mistake', async () => {
  const path = file('unread.jsonl', '{"timestamp":0,"input_length":0,"output_length":1,"hash_ids":[0]}\n');
  const source = await openSource(path, { onBadRow: 'fail', blockTokens: 16 });
  await assert.rejects(requestsOf(source.open()), /unread\.jsonl:1: zero_length/);
});

it('one wrong row does not move the size: it is the one that is bad', async () => {
  const path = file('one.jsonl', [row(6758, 14), row(7322, 15), row(900, 57), row(2290, 5)].join('\n'));
  const source = await openSource(path, { onBadRow: 'fail' });
  assert.equal(source.blockTokens, 512);
  await assert.rejects(
    requestsOf(source.open()),
    /one\.jsonl:3: block_count_mismatch: hash_ids has 57 ids, expected 2 /,
  );
});

it('a size asked for is taken where the rows allow it and refused, with the right one, where not', async () => {
  const path = file('asked.jsonl', [row(600, 6), row(590, 6)].join('\n'));
  assert.equal((await openSource(path, { onBadRow: 'fail', blockTokens: 110 })).blockTokens, 110);
  const wrong = file('wrong.jsonl', [row(6758, 14), row(7322, 15)].join('\n'));
  await assert.rejects(openSource(wrong, { onBadRow: 'fail', blockTokens: 16 }), (thrown) => {
    assert.ok(thrown instanceof UserError);
    assert.match(thrown.message, /wrong\.jsonl: block_count_mismatch: .* 16 tokens.*--block-tokens 512/);
    return true;
  });
  const csv = file('none.csv', 'arrival_s,input_tokens,output_tokens\n0,1,1\n');
  await assert.rejects(
    openSource(csv, { onBadRow: 'fail', blockTokens: 16 }),
    /--block-tokens: .*csv.*no prefix blocks/,
  );
  const native = file('n.rtrace.jsonl', '{"reprise_trace":1,"block_size":64}\n');
  await assert.rejects(openSource(native, { onBadRow: 'fail', blockTokens: 16 }), /block_count_mismatch.*64/);
});

it('a native trace that does not say its block size takes the one asked for, and is held to it', async () => {
  const path = file(
    'unsaid.rtrace.jsonl',
    '{"reprise_trace":1}\n{"t_us":0,"input_tokens":33,"output_tokens":1,"blocks":[1,2,3]}\n',
  );
  const good = await openSource(path, { onBadRow: 'fail', blockTokens: 16 });
  assert.equal((await requestsOf(good.open())).length, 1);
  const bad = await openSource(path, { onBadRow: 'fail', blockTokens: 8 });
  await assert.rejects(requestsOf(bad.open()), /block_count_mismatch: blocks has 3 ids, expected 5/);
});
