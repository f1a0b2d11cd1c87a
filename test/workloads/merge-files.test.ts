import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { SILENT } from '../../src/core/log.ts';
import type { Request } from '../../src/core/request.ts';
import { mergeTraces, openSource } from '../../workloads/index.ts';
import { requestsOf, temporaryFiles } from './temporary-files.ts';

const write = temporaryFiles();
const CSV = write('chat.csv', 'arrival_s,input_tokens,output_tokens\n1,10,5\n4,40,5\n2,20,5\n');
const NATIVE = write(
  'agents.rtrace.jsonl',
  [
    { reprise_trace: 1, block_size: 16, source: { format: 'weka', file: 'w.json' }, transforms: [{ op: 'limit' }] },
    { id: 'x', t_us: 500_000, input_tokens: 20, output_tokens: 3, session: 's', blocks: [7, 8] },
    { id: 'y', t_us: 900_000, input_tokens: 0, output_tokens: 3 },
    { id: 'z', t_us: 2_000_000, input_tokens: 20, output_tokens: 3, session: 's', parent: 'x', blocks: [7, 9] },
  ]
    .map((row) => JSON.stringify(row))
    .join('\n'),
);
const folder = dirname(CSV);

async function merge(
  paths: readonly string[],
  out: string,
  sharesBlocks = false,
): Promise<{ requests: Request[]; said: string[]; badRows: number }> {
  const said: string[] = [];
  const log = { ...SILENT, warn: (text: string) => void said.push(text) };
  const specs = paths.map((path) => ({ path, onBadRow: 'skip' as const, transforms: [] }));
  const { badRows } = await mergeTraces(specs, { out, to: null, sharesBlocks, log });
  const source = await openSource(out, { onBadRow: 'fail' });
  return { requests: await requestsOf(source.open()), said, badRows };
}

describe('traces merged into a file', () => {
  it('stand there in order of time, their names apart, and the header says what they were', async () => {
    const out = join(folder, 'all.rtrace.jsonl');
    const { requests, said, badRows } = await merge([CSV, NATIVE], out);
    assert.deepEqual(
      requests.map(({ id, dueUs, session, parent, blocks }) => [id, dueUs / 1e6, session, parent, blocks]),
      [
        ['a:r0', 0, undefined, undefined, undefined],
        ['b:x', 0.5, 'b:s', undefined, [7, 8]],
        ['a:r2', 1, undefined, undefined, undefined],
        ['b:z', 2, 'b:s', 'b:x', [7, 9]],
        ['a:r1', 3, undefined, undefined, undefined],
      ],
    );
    assert.match(said.join('\n'), /chat\.csv:4: not_sorted.*sorted by time first/);
    assert.equal(badRows, 1);
    const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
    const { source, counts } = z
      .object({ source: z.unknown(), counts: z.unknown() })
      .parse(JSON.parse(readFileSync(out, 'utf8').split('\n')[0] ?? ''));
    assert.deepEqual(source, {
      format: 'merge',
      same_namespace: false,
      files: [
        { file: 'chat.csv', format: 'csv', sha256: sha256(CSV), requests: 3, bad_rows: 0 },
        {
          file: 'agents.rtrace.jsonl',
          format: 'rtrace',
          sha256: sha256(NATIVE),
          requests: 2,
          bad_rows: 1,
          source: { format: 'weka', file: 'w.json' },
          transforms: [{ op: 'limit' }],
        },
      ],
    });
    assert.deepEqual(counts, { requests: 5, input_tokens: 110, output_tokens: 21 });
  });

  it('share blocks only where that is said', async () => {
    const blocksOf = async (sharesBlocks: boolean): Promise<number> => {
      const { requests } = await merge([NATIVE, NATIVE], join(folder, 'twice.rtrace.jsonl'), sharesBlocks);
      return new Set(requests.flatMap(({ blocks = [] }) => blocks)).size;
    };
    assert.deepEqual([await blocksOf(false), await blocksOf(true)], [6, 3]);
  });

  it('are not written over one of them, nor over a trace that is no merge: OUT was forgotten', async () => {
    await assert.rejects(merge([CSV, NATIVE], NATIVE), /OUT: .*agents\.rtrace\.jsonl is one of the traces/);
    const other = write('other.rtrace.jsonl', '{"reprise_trace":1,"source":{"format":"csv"}}\n');
    await assert.rejects(merge([CSV, NATIVE], other), /does not say that it is a merge of traces/);
    await assert.rejects(merge([CSV], join(folder, 'one.rtrace.jsonl')), /name two traces or more/);
  });
});
