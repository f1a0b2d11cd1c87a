import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { cli } from '../cli.ts';
import { temporaryFiles } from '../workloads/temporary-files.ts';

const write = temporaryFiles();

it('trace merge takes two traces or more, and the file to write behind them; no other action takes so many', async () => {
  const path = write('a.csv', 'arrival_s,input_tokens,output_tokens\n0,10,5\n');
  const out = join(dirname(path), 'all.rtrace.jsonl');
  const forgotten = await cli('trace', 'merge', path, path);
  assert.equal(forgotten.code, 2);
  assert.match(
    forgotten.stderr,
    /name two traces or more, and behind them the file to write, e\.g\. reprise trace merge/,
  );
  const many = await cli('trace', 'convert', path, out, out);
  assert.equal(many.code, 2);
  assert.match(many.stderr, /trace convert: got ".*" behind FILE OUT, expected nothing there/);
  assert.ok(!existsSync(out));
  const { code, stdout, stderr } = await cli('trace', 'merge', path, 'chat', path, out, '--quiet');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /all\.rtrace\.jsonl: [\d,]+ requests of 3 traces as native/);
});
