import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, describe, it } from 'node:test';
import { cli, temporaryFolder } from '../cli.ts';

const folder = temporaryFolder();
const at = (...names: readonly string[]): string => join(folder, ...names);
const RUN = at('run');
const VIRTUAL = ['run', 'chat', '--limit', '5', '--clock', 'virtual', '--target'];

/** What may stand in the place of a file, and what is said of it. */
const ODD: Readonly<Record<string, { readonly make: (file: string) => void; readonly said: RegExp }>> = {
  pipe: { make: (file) => assert.equal(spawnSync('mkfifo', [file]).status, 0), said: /is a pipe/ },
  endless: { make: (file) => symlinkSync('/dev/zero', file), said: /pipe or device|over 1 MB|no text/ },
  loop: {
    make: (file) => symlinkSync(file.split('/').at(-1) ?? '', file),
    said: /ELOOP|no history|not a run directory/,
  },
  large: {
    make: (file) => {
      writeFileSync(file, '');
      truncateSync(file, 10 * 2 ** 30);
    },
    said: /larger than \d+ MiB|over 1 MB|no text|bad_utf8|zeros|binary|ends nowhere|damaged/,
  },
};

/** Files that a command reads, and the command; `file` is the odd one. */
const READ: Readonly<Record<string, (file: string) => readonly string[]>> = {
  'trace.csv': (file) => ['run', file, '--clock', 'virtual', '--target', 'reference', '--out', at('never')],
  'nightly.yaml': (file) => ['run', 'chat', '--config', file, '--out', at('never')],
  'tokenizer.json': (file) => [
    'run',
    'chat',
    '--target',
    'http://127.0.0.1:1',
    '--tokenizer',
    file,
    '--out',
    at('never'),
  ],
  'probe.json': (file) => ['run', 'chat', '--target', 'http://127.0.0.1:1', '--probe', file, '--out', at('never')],
  'costs.csv': (file) => [...VIRTUAL, `reference:vllm-v1,cost=${file}`, '--out', at('never')],
  'result.json': (file) => ['report', file],
  'run/run.json': () => ['report', RUN],
  'run/requests/part-0-00000.parquet': () => ['report', RUN],
  'nights/main/history.jsonl': () => ['report', '--trend', at('nights')],
  'sweep/sweep.json': () => ['report', at('sweep')],
};

describe('a file that has no end, no writer, or 10 GB', { timeout: 200_000 }, () => {
  before(async () => {
    const { code, stderr } = await cli(...VIRTUAL, 'reference', '--out', at('whole'));
    assert.equal(code, 0, stderr);
  });

  for (const [name, commandOf] of Object.entries(READ))
    it(`in the place of ${name} is named at once`, async () => {
      for (const [kind, { make, said }] of Object.entries(ODD)) {
        rmSync(RUN, { recursive: true, force: true });
        cpSync(at('whole'), RUN, { recursive: true });
        const file = at(name);
        assert.equal(spawnSync('mkdir', ['-p', dirname(file)]).status, 0);
        rmSync(file, { force: true });
        make(file);
        const started = performance.now();
        const { code, stderr } = await cli(...commandOf(file));
        assert.ok(performance.now() - started < 15_000, `${kind}: (a busy machine may fail this: run it alone)`);
        assert.equal(code, 2, `${kind}: ${stderr}`);
        assert.match(stderr, said);
        if (kind !== 'loop') assert.ok(stderr.includes(name.split('/').at(-1) ?? ''), stderr);
        assert.ok(!existsSync(at('never')));
        rmSync(file, { force: true });
      }
    });
});
