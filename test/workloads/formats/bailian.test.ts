import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Request } from '../../../src/core/request.ts';
import { openSource } from '../../../workloads/index.ts';
import { requestsOf, temporaryFiles } from '../temporary-files.ts';

const file = temporaryFiles();
const opened = (rows: readonly object[]): ReturnType<typeof openSource> =>
  openSource(file('b.jsonl', rows.map((row) => `${JSON.stringify(row)}\n`).join('')), { onBadRow: 'fail' });
const read = async (rows: readonly object[]): Promise<Request[]> => requestsOf((await opened(rows)).open());
const row = (chat_id: number, parent_chat_id: number, more: object = {}): object => ({
  chat_id,
  parent_chat_id,
  timestamp: chat_id,
  input_length: 40,
  output_length: 5,
  type: 'text',
  turn: parent_chat_id === -1 ? 1 : 2,
  hash_ids: [1, 2, chat_id + 100],
  ...more,
});

describe('Bailian', () => {
  it('is read in seconds, as whole prompts with blocks of 16, parents and classes', async () => {
    const source = await opened([
      {
        chat_id: 159,
        parent_chat_id: -1,
        timestamp: 61.114,
        input_length: 33,
        output_length: 132,
        type: 'text',
        turn: 1,
        hash_ids: [1089, 1090, 13148],
      },
      {
        chat_id: 160,
        parent_chat_id: 159,
        timestamp: 71.1140005,
        input_length: 16,
        output_length: 1,
        type: 'search',
        turn: 2,
        hash_ids: [1089],
        region: 'x',
      },
    ]);
    assert.deepEqual([source.format, source.blockTokens, source.starts], ['bailian', 16, undefined]);
    const found = await requestsOf(source.open());
    assert.deepEqual(found, [
      {
        id: '159',
        traceRow: 1,
        dueUs: 0,
        inputTokens: 33,
        outputTokens: 132,
        session: '159',
        turn: 0,
        sloClass: 'text',
        blocks: [1089, 1090, 13148],
      },
      {
        id: '160',
        traceRow: 2,
        dueUs: 10_000_001,
        inputTokens: 16,
        outputTokens: 1,
        session: '159',
        turn: 1,
        parent: '159',
        sloClass: 'search',
        blocks: [1089],
      },
    ]);
    assert.match(source.notes().join('\n'), /^keys not used: region; /);
  });

  it('a session is all that follows one root; one whose parent is outside of the file is a root', async () => {
    const source = await opened([
      row(1, -1),
      row(2, 1),
      row(3, 99),
      row(4, 2),
      row(5, 1),
      row(6, 3),
      row(7, 8),
      row(8, -1),
    ]);
    const found = await requestsOf(source.open());
    assert.deepEqual(
      found.map(({ id, parent, session }) => [id, parent, session]),
      [
        ['1', undefined, '1'],
        ['2', '1', '1'],
        ['3', '99', '3'],
        ['4', '2', '1'],
        ['5', '1', '1'],
        ['6', '3', '3'],
        ['7', '8', '7'],
        ['8', undefined, '8'],
      ],
    );
    assert.match(source.notes().join('\n'), /^parent_after_child: /);
  });

  it('names what is wrong', async () => {
    await assert.rejects(read([row(1, -1), row(1, -1)]), /:2: duplicate_id: chat_id "1"/);
    await assert.rejects(read([row(1, -1), row(2, 1, { hash_ids: [1] })]), /:2: block_count_mismatch: .* expected 3/);
    await assert.rejects(read([row(1, -1), row(2, 1, { timestamp: '61.1' })]), /:2: timestamp is "61.1"/);
    await assert.rejects(read([row(1, -1), row(2, 1, { output_length: 0 })]), /:2: zero_length: output_length is 0/);
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 5\n';
    await assert.rejects(openSource(file('lfs.jsonl', pointer), { onBadRow: 'fail' }), /lfs_pointer: /);
  });

  it('ids that are the same behind other blocks are other blocks: two prompts share what their leading ids share', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.nat(3), { minLength: 1, maxLength: 5 }), { minLength: 2, maxLength: 12 }),
        async (ids) => {
          const found = await read(
            ids.map((hash_ids, i) => row(i, -1, { hash_ids, input_length: hash_ids.length * 16 })),
          );
          const shared = (a: readonly number[] = [], b: readonly number[] = []): number => {
            const at = a.findIndex((id, i) => id !== b[i]);
            return at === -1 ? a.length : at;
          };
          for (const [i, one] of found.entries())
            for (const [j, other] of found.entries()) {
              const { blocks: a = [] } = one;
              const { blocks: b = [] } = other;
              assert.equal(shared(a, b), shared(ids[i], ids[j]));
              const leading = new Set(a.slice(0, shared(a, b)));
              assert.ok(b.every((id) => leading.has(id) || !a.includes(id)));
            }
        },
      ),
      { numRuns: 60 },
    ));
});
