import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { cli } from '../cli.ts';
import { temporaryFiles } from '../workloads/temporary-files.ts';

const write = temporaryFiles();

it('trace split writes a file for each value, named by it, in characters that a file name may have', async () => {
  const rows = ['chat', 'a/b', 'a b', undefined].map((value, i) =>
    JSON.stringify({ id: `x${i}`, t_us: i, input_tokens: 1, output_tokens: 1, class: value }),
  );
  const path = write('all.rtrace.jsonl', `{"reprise_trace":1}\n${rows.join('\n')}\n`);
  const folder = dirname(path);
  const { code, stdout, stderr } = await cli('trace', 'split', path, join(folder, 'p.rtrace.jsonl'), '--quiet');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /p-a_b-2\.rtrace\.jsonl: 1 request of class "a b" as native/);
  const parts = readdirSync(folder).filter((name) => name.startsWith('p-'));
  assert.deepEqual(parts.toSorted(), [
    'p-a_b-2.rtrace.jsonl',
    'p-a_b.rtrace.jsonl',
    'p-chat.rtrace.jsonl',
    'p-none.rtrace.jsonl',
  ]);
  const ids = parts.map((name) => /"id":"(x\d)"/.exec(readFileSync(join(folder, name), 'utf8'))?.[1]);
  assert.deepEqual(ids.toSorted(), ['x0', 'x1', 'x2', 'x3']);
});
