import assert from 'node:assert/strict';
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { compareRuns } from '../../src/compare/compare.ts';
import { loadRuns, type LoadedRun } from '../../src/compare/load-runs.ts';
import { cli } from '../cli.ts';
import { ab, folder, NOISY, PLAIN, readComparison, runsOf, trace } from './ab-runs.ts';

describe('ab in virtual time', { concurrency: 2 }, () => {
  it('one system twice: A B B A, seeds of their own, nothing worse, and what compare says of its folders', async () => {
    const { code, stdout, stderr } = await ab('same', NOISY, NOISY, '--repeats', '3', '--slo', 'ttft=100ms,tpot=12ms');
    assert.equal(code, 0, stderr);
    const runs = runsOf('same', 3);
    assert.deepEqual(
      runs.map(({ at }) => at),
      ['base/1', 'new/1', 'new/2', 'base/2', 'base/3', 'new/3'],
    );
    assert.deepEqual(
      runs.map(({ manifest }) => manifest.target.facts['seed']),
      [1, 2, 4, 3, 5, 6],
    );
    assert.match(stderr, /^3 of 6: new, repeat 2$/m);
    const comparison = readComparison('same');
    assert.deepEqual([comparison.order, comparison.provisional], ['paired', false]);
    assert.deepEqual([comparison.base.name, comparison.new.name], ['base', 'new']);
    assert.ok(['same', 'undecided'].includes(comparison.verdict), comparison.verdict);
    assert.ok(!comparison.doubts.some(({ blocks }) => blocks), JSON.stringify(comparison.doubts));
    const again = await cli('compare', join(folder, 'same', 'base'), join(folder, 'same', 'new'));
    assert.equal(stdout, `${again.stdout}comparison: ${join(folder, 'same', 'comparison.html')}\n`);
    // As if the machine grew slower from run to run.
    const places = new Map(runs.map(({ manifest }, place) => [manifest.started_at, place]));
    const drifting = async (side: string): Promise<LoadedRun[]> =>
      (await loadRuns(join(folder, 'same', side), null)).map((run) => {
        const { summary, manifest } = run;
        const { latency_ms } = summary;
        const p50 = (latency_ms.ttft.p50 ?? 0) * 1.05 ** (places.get(manifest.started_at) ?? 0);
        return { ...run, summary: { ...summary, latency_ms: { ...latency_ms, ttft: { ...latency_ms.ttft, p50 } } } };
      });
    const [base, now] = [await drifting('base'), await drifting('new')];
    const { doubts } = compareRuns(base, now, { margin: 0.02, names: ['base', 'new'] });
    const [drift, ...others] = doubts.filter((doubt) => doubt.code === 'drift');
    assert.deepEqual([drift?.blocks, others], [false, []]);
    assert.match(drift?.text ?? '', /^TTFT p50 grew by [45]\.\d % a run over the 6 runs; A B B A keeps that out/);
    // One run twice would seem to show that runs do not vary.
    for (const copy of ['1', '2'])
      cpSync(join(folder, 'same', 'base', '1'), join(folder, 'copies', copy), { recursive: true });
    const copies = await cli('compare', join(folder, 'copies'), join(folder, 'same', 'new'));
    assert.equal(copies.code, 2);
    assert.match(copies.stderr, /copies.1 and .*copies.2 are one run, a link or a copy of it/);
  });

  it('what these runs cannot tell is 4, and what --undecided says', async () => {
    const wild = `${PLAIN},noise=0.03,run_noise=0.3`;
    const codes: (number | null)[] = [];
    // The second and the third find the runs of the first.
    for (const as of [[], ['--undecided', 'pass'], ['--undecided', 'fail']]) {
      const { code } = await ab('wild', wild, wild, '--repeats', '2', '--quiet', '--gate', 'tpot.p50<=+1%', ...as);
      codes.push(code);
    }
    assert.deepEqual(codes, [4, 0, 1]);
  });

  it('without noise one run of each is exact', async () => {
    const { code, stderr } = await ab('exact', PLAIN, `${PLAIN},token_budget=512`);
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /runs repeat to the bit: one of each is exact\n1 of 2: base, repeat 1\n2 of 2: new, repeat 1\n$/,
    );
    assert.deepEqual([readComparison('exact').order, readComparison('exact').provisional], ['exact', false]);
  });

  it('refuses what it cannot do before a run is made', async () => {
    for (const [name, message, ...given] of [
      ['once', /--repeats: got 1, expected a whole number from 2 \(one run shows nothing/, '--repeats', '1'],
      ['many', /--repeats: got 1000000000, expected a whole number from 2 .* to 1000/, '--repeats', '1e9'],
      ['started', /--base-start: .* is started by reprise itself/, '--base-start', 'true'],
      ['ready', /--new-ready: there is nothing to wait for without --new-start/, '--new-ready', 'http://127.0.0.1:1'],
      ['gate', /--gate: "ttft" is not judged here/, '--gate', 'ttft<=+5%'],
      ['margin', /--margin: "2" is not a share/, '--margin', '2'],
      ['salt', /unknown option --salt/, '--salt', 'x'],
    ] as const) {
      const { code, stderr } = await ab(name, NOISY, NOISY, ...given);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
      assert.equal(existsSync(join(folder, name)), false);
    }
    const unknown = await ab('unknown', NOISY, 'reference:vlm-v1');
    assert.match(unknown.stderr, /--new: reference engine: system "vlm-v1" is not known/);
    const one = await cli('ab', trace, '--base', NOISY);
    assert.match(one.stderr, /name two targets, --base and --new/);
  });
});
