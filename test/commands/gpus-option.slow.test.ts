import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { cli, temporaryFolder } from '../cli.ts';

const folder = temporaryFolder();
const ON = [
  'chat',
  '--clock',
  'virtual',
  '--target',
  'reference:sglang',
  '--slo',
  'ttft=1s',
  '--limit',
  '20',
  '--quiet',
];
const readGpus = (...path: readonly string[]): unknown =>
  z
    .union([
      z.looseObject({ targets: z.array(z.looseObject({ gpus: z.number() })) }).transform(({ targets }) => targets),
      z.looseObject({ gpus: z.number() }).transform((report) => [report]),
    ])
    .parse(JSON.parse(readFileSync(join(...path), 'utf8')))
    .map(({ gpus }) => gpus);

describe('the GPUs that a command says a reference engine has', () => {
  it('are those of a sweep', async () => {
    const dir = join(folder, 'sweep');
    const { code, stderr } = await cli('sweep', ...ON, '--rates', '1', '--gpus', '7', '--per-gpu', '--out', dir);
    assert.equal(code, 0, stderr);
    assert.deepEqual(readGpus(dir, 'sweep.json'), [7]);
    assert.deepEqual(readdirSync(join(dir, 'runs', '1-reference-sglang')), ['7rps']);
  });

  it('are those of a goodput', async () => {
    const dir = join(folder, 'goodput');
    const { code, stderr } = await cli('goodput', ...ON, '--budget', '1req', '--gpus', '7', '--out', dir);
    assert.equal(code, 0, stderr);
    assert.deepEqual(readGpus(dir, 'goodput.json'), [7]);
  });

  it('are those of a night', async () => {
    const baseline = join(folder, 'nights');
    const night = ['--baseline', baseline, '--branch', 'main', '--commit', 'abc'];
    const { code, stderr } = await cli('nightly', ...ON, ...night, '--goodput', '--budget', '1req', '--gpus', '7');
    assert.equal(code, 0, stderr);
    const [run = ''] = readdirSync(join(baseline, 'main', 'runs'));
    assert.deepEqual(readGpus(baseline, 'main', 'runs', run, 'goodput.json'), [7]);
  });
});
