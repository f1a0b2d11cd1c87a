import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { cli, readJson, temporaryFolder } from '../cli.ts';

const folder = temporaryFolder();
const entry = z.object({
  begin_us: z.number(),
  stage_us: z.number().positive(),
  prefill: z.array(z.object({ id: z.string(), tokens: z.number(), past: z.number() })),
  decode: z.array(z.string()),
});

for (const clock of ['virtual', 'real'])
  test(`--trace-iterations writes every token's iteration, in ${clock} time`, async () => {
    const file = join(folder, `${clock}.jsonl`);
    const out = join(folder, clock);
    const args = ['--clock', clock, '--limit', '5', '--trace-iterations', file, '--out', out];
    const { code, stderr } = await cli('run', ...args);
    assert.equal(code, 0, stderr);
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    const entries = lines.map((line) => entry.parse(JSON.parse(line)));
    const { workload } = z
      .object({ workload: z.object({ input_tokens: z.number(), output_tokens: z.number() }) })
      .parse(readJson(out, 'run.json'));
    const prefilled = entries.flatMap(({ prefill }) => prefill.map(({ tokens }) => tokens));
    assert.equal(
      prefilled.reduce((sum, tokens) => sum + tokens, 0),
      workload.input_tokens,
    );
    // The first token of each request comes out of its prefill.
    assert.equal(entries.flatMap(({ decode }) => decode).length, workload.output_tokens - 5);
    for (const [i, { begin_us, stage_us }] of entries.entries())
      assert.ok(begin_us + stage_us <= (entries[i + 1]?.begin_us ?? Number.POSITIVE_INFINITY) + 1e-6);
  });

test('a server in real time has no iterations to tell, and a path must be one that can be written', async () => {
  const url = await cli('run', '--target', 'http://127.0.0.1:1', '--trace-iterations', join(folder, 'x'));
  assert.equal(url.code, 2);
  assert.match(url.stderr, /only the reference engine does/);
  const nowhere = join(folder, 'no', 'where');
  const path = await cli('run', '--clock', 'virtual', '--trace-iterations', nowhere, '--out', join(folder, 'y'));
  assert.equal(path.code, 2);
  assert.match(path.stderr, /cannot write .*no\/where/);
});
