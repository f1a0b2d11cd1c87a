import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { calibrate, type Effort } from '../../src/calibrate/calibrate.ts';
import { storeCertificate, writeCertificate } from '../../src/calibrate/files.ts';
import { startTruthServer } from '../../src/calibrate/server-process.ts';
import { certificateFolder, storedCertificate } from '../../src/certificate/stored.ts';
import { UserError } from '../../src/core/errors.ts';
import { withDefaults } from '../../src/run/program.ts';
import { certificateSchema, POLLING } from '../../src/schema/certificate.ts';
import { readJson, startCli, temporaryFolder } from '../cli.ts';
import { until } from '../processes.ts';

const folder = temporaryFolder();
process.env['XDG_STATE_HOME'] = join(folder, 'state');

/** A trial or two on each axis, within a limit that a busy machine keeps too. */
const TINY: Effort = {
  isQuick: true,
  limitMs: 60_000,
  windowS: 0.3,
  ladders: [
    { axis: 'tokens_per_s', polls: POLLING, ladder: { first: 1000, most: 1000, fineness: 0, repetitions: 1 } },
    { axis: 'requests_per_s', polls: ['off'], ladder: { first: 100, most: 200, fineness: 0, repetitions: 1 } },
    { axis: 'streams', polls: ['off'], ladder: { first: 50, most: 50, fineness: 0, repetitions: 1 } },
  ],
};

describe('a calibration', () => {
  it('measures by real runs, and is found by later ones', async () => {
    const steps: string[] = [];
    const certificate = await calibrate(TINY, withDefaults({}), (what) => steps.push(what));
    assert.deepEqual(certificateSchema.parse(JSON.parse(JSON.stringify(certificate))), certificate);
    assert.deepEqual(
      certificate.curves.map(({ axis, poll }) => `${axis} ${poll}`),
      ['tokens_per_s off', 'tokens_per_s on', 'requests_per_s off', 'streams off'],
    );
    const [, , requests] = certificate.curves;
    assert.deepEqual(
      requests?.points.map(({ offered }) => offered),
      requests?.limit.because === 'server' ? [100] : [100, 200],
    );
    const trials = certificate.curves.flatMap(({ points }) => points);
    assert.ok(
      steps.length > trials.length - 1 && /tokens\/s, polling off: token times p99/.test(steps[1] ?? ''),
      steps[1],
    );
    for (const { timestamp_error_us: error, lateness_ms: lateness, tokens_per_s } of trials) {
      // The clocks of both processes have one zero: no token is recorded before it was written.
      assert.ok(error.p50 > -20 && error.p50 < 100_000, `${error.p50} us`);
      assert.ok(lateness.p99 >= 0 && tokens_per_s > 0);
    }
    await storeCertificate(certificate);
    assert.deepEqual(storedCertificate('plain'), certificate);
    assert.ok(readdirSync(certificateFolder()).some((name) => name.endsWith('.html')));
    const { json, page } = await writeCertificate(join(folder, 'out'), certificate);
    assert.deepEqual(JSON.parse(readFileSync(json, 'utf8')), certificate);
    assert.match(readFileSync(page, 'utf8'), /This client times/);

    // A run on this machine goes by it.
    const out = join(folder, 'run');
    const { result } = startCli(['run', 'chat', '--limit', '30', '--speed', '20', '--out', out, '--quiet'], {
      XDG_STATE_HOME: join(folder, 'state'),
    });
    const { code, stderr } = await result;
    assert.equal(code, 0, stderr);
    assert.ok(readJson(out, 'run.json')['certificate'] !== undefined, 'run.json has it');
    assert.match(readFileSync(join(out, 'report.html'), 'utf8'), /tokens\/s, [\d,.]+ requests\/s and/);
  });

  it('does not begin where nothing of it could be kept, or no trial could be made, and says what to set', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const cases: readonly [env: Record<string, string>, said: RegExp][] = [
      [{ XDG_STATE_HOME: file }, /^error: .*file.*; set XDG_STATE_HOME to a folder that can be written to$/m],
      [{ TMPDIR: file }, /^error: .*file.*: cannot be written: .*; set TMPDIR to a folder with room$/m],
    ];
    for (const [env, said] of cases) {
      const { code, stdout, stderr } = await startCli(['calibrate', '--quick'], { XDG_STATE_HOME: folder, ...env })
        .result;
      assert.match(stderr, said);
      assert.doesNotMatch(stderr, /--out/);
      assert.deepEqual([code, stdout], [2, '']);
    }
  });

  it('is stopped by a signal, and leaves no process and nothing written', async () => {
    const state = join(folder, 'none');
    const { child, result } = startCli(['calibrate', '--quick'], { XDG_STATE_HOME: state });
    let said = '';
    child.stderr?.on('data', (text: Buffer) => (said += text.toString()));
    await until('it begins', () => said.includes('half a minute'));
    child.kill('SIGINT');
    const { code, stdout } = await result;
    assert.equal(code, 130);
    assert.equal(stdout, '');
    assert.ok(!existsSync(state));
  });
});

describe('the server of the calibration', () => {
  it('writes what is asked, and tells when', async () => {
    const server = await startTruthServer(new AbortController().signal);
    try {
      await server.begin(5);
      const answer = await fetch(`${server.url}/v1/completions`, {
        method: 'POST',
        headers: { 'x-request-id': 'run-1' },
        body: JSON.stringify({ prompt: [1], max_tokens: 4, stream: true }),
      });
      const text = await answer.text();
      const texts = [...text.matchAll(/"text":" (\d{19})"/g)].map(([, ns]) => Number(ns) / 1000);
      const writtenUs = (await server.truth()).get('run-1') ?? new Float64Array();
      assert.deepEqual([...writtenUs], texts);
      assert.equal(texts.length, 4);
      // A server that is late catches up, so that tokens may be closer than a period.
      assert.ok(texts.every((us, i) => us > (texts[i - 1] ?? 0)));
      assert.match(text, /"finish_reason":"length".*\n\ndata: \[DONE\]/s);
      await server.begin(5);
      assert.equal((await server.truth()).size, 0, 'forgotten');
    } finally {
      await server.close();
    }
  });

  it('is not started once it is to stop', async () => {
    const stop = new AbortController();
    const starting = startTruthServer(stop.signal);
    stop.abort(new Error('interrupted'));
    await assert.rejects(starting, UserError);
  });
});
