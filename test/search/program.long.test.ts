import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { goodput, goodputSchema, openTarget, type GoodputProgramOptions } from '../../src/index.ts';
import { cli, temporaryFolder } from '../cli.ts';
import { readRunFile } from '../written-files.ts';

const folder = temporaryFolder();
const V1 = 'reference:vllm-v1,model=llama-3.1-8b,gpu=h100-sxm';
const SLO = 'ttft=500ms,tpot=50ms';
const options: GoodputProgramOptions = { workload: 'chat', target: V1, clock: 'virtual', slo: SLO, limit: 60 };

describe('goodput for programs', () => {
  it('finds what the command finds, over a target that stays open, and writes the same files', async () => {
    const [ofCommand, ofProgram] = ['command', 'program'].map((name) => join(folder, name));
    assert.ok(ofCommand !== undefined && ofProgram !== undefined);
    const line = ['goodput', 'chat', '--target', V1, '--clock', 'virtual', '--slo', SLO, '--limit', '60'];
    const { code, stderr } = await cli(...line, '--at', '0.9,0.5', '--precision', '10%', '--out', ofCommand);
    assert.equal(code, 0, stderr);

    const target = await openTarget({ target: V1, clock: 'virtual' });
    const { clock: _, ...others } = options;
    const said: string[] = [];
    const asked = { ...others, target, at: [0.9, 0.5], precision: 0.1, out: ofProgram };
    const report = await goodput(asked, { probing: (rateRps, number) => said.push(`${number}: ${rateRps}`) });
    assert.equal(
      readFileSync(join(ofProgram, 'goodput.json'), 'utf8'),
      readFileSync(join(ofCommand, 'goodput.json'), 'utf8'),
    );
    assert.deepEqual(goodputSchema.parse(JSON.parse(readFileSync(join(ofProgram, 'goodput.json'), 'utf8'))), report);
    assert.equal(said.length, report.probes.length);

    // The target is still open, and the search goes on: no run is made again.
    const more = await goodput({ ...asked, at: 0.9, precision: 0.05, keep: 'last' });
    assert.ok(more.probes.filter(({ dir }) => dir !== null).length === 2 && (more.half_width ?? 1) <= 0.05 + 1e-9);
    await target.close();
    await assert.rejects(goodput({ ...asked, out: join(folder, 'closed') }), /is closed; open it again/);
  });

  it('ends by its budget in numbers, and where it is stopped, with what it had', async () => {
    const out = join(folder, 'budget');
    const { state, requests_used } = await goodput({ ...options, budget: { requests: 1 }, out });
    assert.deepEqual([state, requests_used > 0], ['budget', true]);
    assert.equal((await goodput({ ...options, budget: { ms: 0 }, out: join(folder, 'no-time') })).state, 'budget');

    const stop = new AbortController();
    const stopped = join(folder, 'stopped');
    await assert.rejects(
      goodput({ ...options, out: stopped }, { stop: stop.signal, probed: () => stop.abort(new Error('enough')) }),
      /^UserError: enough while no run went on; the same command, with the same --out, goes on from there$/,
    );
    assert.equal(readdirSync(join(stopped, 'probes')).length, 1);
  });

  it('salts each run for itself, where a salt is given', async () => {
    const out = join(folder, 'salted');
    const real = { ...options, clock: 'real', limit: 5, rate: 50, budget: { requests: 6 }, salt: 'mine', out } as const;
    await goodput({ ...real, slo: 'ttft=60s' });
    const salts = readdirSync(join(out, 'probes')).map((name) => readRunFile(join(out, 'probes', name)).salt);
    assert.deepEqual(salts.toSorted(), ['mine-100rps', 'mine-50rps']);
  });

  it('refuses what no search can use, before it makes anything', async () => {
    const out = join(folder, 'wrong');
    const source = { name: 's', format: 's', path: '', transforms: [], open: async function* () {} };
    const cases: readonly (readonly [object, RegExp])[] = [
      [{ speed: 2 }, /speed: is for one run/],
      [{ workload: source }, /workload: a source of your own has one rate/],
      [{ at: [] }, /at: names no share/],
      [{ at: 2 }, /--at: "2" is not a share/],
      [{ precision: 2 }, /--precision: "200%" is not a share/],
      [{ budget: { hours: 1 } }, /--budget: Unrecognized key: "hours"/],
      [{ nope: 1 }, /Unrecognized key: "nope"/],
      [{ slo: undefined }, /--slo/],
    ];
    for (const [wrong, message] of cases) await assert.rejects(goodput({ ...options, out, ...wrong }), message);
    assert.ok(!existsSync(out));
  });
});
