import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { UserError } from '../../src/core/errors.ts';
import { foundAt, readTextWithin, readWithin } from '../../src/core/read-within.ts';
import { temporaryFolder } from '../cli.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

it('a file of a bounded size is read whole, and one of /proc, which tells none', () => {
  for (const size of [0, 1, 65_536, 65_537, 200_000]) {
    const bytes = Buffer.alloc(size, 'ab');
    writeFileSync(at('file'), bytes);
    assert.deepEqual(readWithin(at('file'), size), bytes);
    if (size > 0) assert.throws(() => readWithin(at('file'), size - 1), UserError);
  }
  assert.match(readTextWithin('/proc/self/status', 2 ** 20), /^Name:/);
});

it('what has no end, no writer or no sense is named at once', () => {
  writeFileSync(at('large'), '');
  truncateSync(at('large'), 10 * 2 ** 30);
  mkdirSync(at('folder'));
  symlinkSync('/dev/zero', at('endless'));
  assert.equal(spawnSync('mkfifo', [at('pipe')]).status, 0);
  const started = performance.now();
  for (const [name, message] of [
    ['large', /large: is larger than 1 MiB/],
    ['folder', /folder: is a directory, expected a file/],
    ['endless', /endless: is a pipe or device/],
    ['pipe', /pipe: is a pipe or device/],
  ] as const)
    assert.throws(
      () => readWithin(at(name), 2 ** 20),
      (error: unknown) => error instanceof UserError && message.test(error.message),
    );
  assert.ok(performance.now() - started < 1000);
  assert.throws(() => readWithin(at('none'), 1), { code: 'ENOENT' });
});

it('a path that cannot be is a mistake of the user', () => {
  symlinkSync('loop', at('loop'));
  for (const path of [at('loop'), at('loop/below'), at('x'.repeat(300))]) assert.throws(() => foundAt(path), UserError);
  assert.equal(foundAt(at('none')), undefined);
  assert.equal(foundAt(folder)?.isDirectory(), true);
});
