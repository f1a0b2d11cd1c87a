import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { readRecords } from '../../src/runs/records.ts';
import { CLI, temporaryFolder } from '../cli.ts';
import { serve, streamTokens } from '../servers.ts';
import { readRunFile } from '../written-files.ts';

const folder = temporaryFolder();

/** Runs in a shell that allows so many open files. */
async function runWithin(files: number, args: readonly string[]): Promise<{ code: number; stderr: string }> {
  const words = ['-c', `ulimit -n ${files}; exec "$0" "$@"`, process.execPath, CLI, 'run', ...args];
  const child = spawn('sh', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, stderr };
}

function trace(name: string, arrivalsS: readonly number[]): string {
  const path = join(folder, name);
  writeFileSync(path, `arrival_s,input_tokens,output_tokens\n${arrivalsS.map((s) => `${s},20,3\n`).join('')}`);
  return path;
}

it('a run that needs more connections than the system gives says so, before it or when they run out, and keeps its records', async () => {
  const server = await serve((_index, _request, response) => void streamTokens(response, 3, 2000));
  try {
    const target = ['--target', server.url.href, '--adapter', 'openai', '--model', 'tiny'];
    const atOnce = trace('at-once.csv', Array<number>(300).fill(0));
    const before = join(folder, 'before');
    const refused = await runWithin(200, [atOnce, ...target, '--out', before]);
    assert.equal(refused.code, 2, refused.stderr);
    assert.match(refused.stderr, /300 connections at once.*ulimit -n 364/);
    assert.equal(
      server.seen.filter(({ path }) => path.endsWith('/completions')).length < 20,
      true,
      'none was replayed',
    );
    assert.throws(() => readRunFile(before));

    // Answers take 6 s, which nobody expects, so that they pile up: 100 a second.
    const later = trace(
      'later.csv',
      Array.from({ length: 600 }, (_, i) => i / 100),
    );
    const out = join(folder, 'later');
    const ran = await runWithin(560, [later, ...target, '--out', out, '--connections', 'per-request']);
    assert.equal(ran.code, 2, ran.stderr);
    assert.match(ran.stderr, /connections at once.*560 open files.*ulimit -n \d+/);
    const { status, reason } = readRunFile(out);
    assert.equal(status, 'interrupted');
    assert.match(reason ?? '', /ulimit -n/);
    let records = 0;
    for await (const batch of readRecords(out)) records += batch.length;
    assert.equal(records, 600);
  } finally {
    await server.close();
  }
});
