import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { UserError } from '../../src/core/errors.ts';
import { readManifest } from '../../src/runs/read-manifest.ts';
import {
  createRunDirectory,
  manifestFile,
  reportFile,
  unfinished,
  writeManifest,
  writeReport,
} from '../../src/runs/run-directory.ts';
import { exampleManifest } from '../metrics/example-manifest.ts';
import { temporaryRun } from './temporary-run.ts';

const userError = (pattern: RegExp) => (error: unknown) => error instanceof UserError && pattern.test(error.message);

test('a run directory is made whole, also where an empty one stands', (t) => {
  const dir = temporaryRun(t);
  assert.deepEqual(readdirSync(dir), ['requests']);
  rmSync(join(dir, 'requests'), { recursive: true });
  createRunDirectory(dir);
  assert.ok(existsSync(join(dir, 'requests')));
});

test('what stands in the way of a run directory is named, with the way out', (t) => {
  const dir = temporaryRun(t);
  assert.throws(() => createRunDirectory(dir), userError(/not empty; choose another --out, or remove it/));
  const file = join(dir, 'file');
  writeFileSync(file, '');
  assert.throws(() => createRunDirectory(file), userError(/this is a file; choose another --out/));
  assert.throws(() => createRunDirectory(join(file, 'below')), userError(/choose another --out/));
});

test('a manifest comes back as it was written, and leaves nothing beside it', (t) => {
  const dir = temporaryRun(t);
  writeManifest(dir, exampleManifest({ status: 'running' }));
  const manifest = exampleManifest({ status: 'complete' });
  const written = writeManifest(dir, manifest);
  assert.deepEqual(readManifest(dir), written);
  assert.deepEqual({ ...manifest, seal: written.seal }, written);
  assert.deepEqual(readdirSync(dir).sort(), ['requests', 'run.json']);
});

test('a disk that is full is a user error, and leaves the old file alone', (t) => {
  const dir = temporaryRun(t);
  const manifest = exampleManifest({ status: 'complete' });
  const written = writeManifest(dir, manifest);
  symlinkSync('/dev/full', unfinished(manifestFile(dir)));
  assert.throws(
    () => writeManifest(dir, exampleManifest({ status: 'running' })),
    userError(/run\.json: cannot be written: ENOSPC.*make room/),
  );
  assert.deepEqual(readManifest(dir), written);
  assert.deepEqual(readdirSync(dir).sort(), ['requests', 'run.json']);
});

test('where no directory can be made, that is said', () => {
  assert.throws(() => createRunDirectory('/proc/nowhere'), userError(/\/proc\/nowhere: cannot be written: ENOENT/));
});

test('a file that cannot be written is a user error that names it', (t) => {
  const dir = temporaryRun(t);
  mkdirSync(reportFile(dir));
  assert.throws(
    () => writeReport(dir, '<p>', null),
    userError(/report\.html: cannot be written: EISDIR[^;]*; choose another --out$/),
  );
});

test('a manifest that is missing or damaged is a user error that says which', (t) => {
  const dir = temporaryRun(t);
  assert.throws(() => readManifest(join(dir, 'nowhere')), userError(/nowhere: no such directory/));
  assert.throws(() => readManifest(dir), userError(/not a run directory: there is no run\.json/));
  writeFileSync(manifestFile(dir), '{"schema": 1,');
  assert.throws(() => readManifest(dir), userError(/run\.json: damaged/));
  writeFileSync(manifestFile(dir), JSON.stringify({ ...exampleManifest(), seed: 'one' }));
  assert.throws(() => readManifest(dir), userError(/expected number.*\n.*seed/s));
});
