import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readRecords } from '../../../src/runs/records.ts';
import { goodputSchema, type GoodputReport } from '../../../src/schema/goodput.ts';
import { trafficPosition } from '../../../workloads/index.ts';
import { cli, startCli, temporaryFolder } from '../../cli.ts';
import { readRunFile } from '../../written-files.ts';

const folder = temporaryFolder();
const V1 = 'reference:vllm-v1,model=llama-3.1-8b,gpu=h100-sxm';

/** 300 requests, ten a second, of 100 to 300 tokens in and 8 out. */
const trace = join(folder, 'trace.csv');
const rows = Array.from({ length: 300 }, (_, i) => `${(i + (i % 7) / 10) / 10},${100 + ((i * 37) % 200)},8`);
writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);

const TRAFFIC = ['goodput', trace, '--of', 'traffic', '--target', V1];
const VIRTUAL_FREE = [...TRAFFIC, '--clock', 'virtual', '--slo', 'ttft=100ms,tpot=20ms'];
const budgeted = (options: readonly string[]): string[] =>
  options.includes('--budget') ? [...options] : [...options, '--budget', '6000req'];
const VIRTUAL = [...VIRTUAL_FREE, ...budgeted([])];
/** No rate misses so wide a limit: the load is the same however busy the machine is. */
const REAL = [...TRAFFIC, '--slo', 'ttft=20s', '--rate', '300', '--budget', '2400req'];

const bytes = (name: string): string => readFileSync(join(folder, name, 'goodput.json'), 'utf8');
const reportOf = (name: string): GoodputReport => goodputSchema.parse(JSON.parse(bytes(name)));

/** Sends a signal a while after the search has said something; its exit code, null where it was killed. */
async function interrupted(args: readonly string[], said: string, afterMs: number, signal: 'SIGINT' | 'SIGKILL') {
  const { child, result } = startCli(args);
  child.stderr?.on('data', (text: Buffer) => {
    if (text.toString().includes(said)) void sleep(afterMs).then(() => child.kill(signal));
  });
  return result;
}

/** Positions of the requests that have a record. */
async function positionsIn(dir: string): Promise<number[]> {
  const positions: number[] = [];
  for await (const batch of readRecords(dir))
    positions.push(...batch.map(({ request_id }) => trafficPosition(request_id)));
  return positions.sort((a, b) => a - b);
}

describe('the goodput of traffic', { concurrency: 2 }, () => {
  it('is the same to the byte in virtual time, wherever Ctrl-C or a kill has interrupted it', async () => {
    const whole = await cli(...VIRTUAL, '--out', join(folder, 'whole'));
    assert.equal(whole.code, 0, whole.stderr);
    const out = join(folder, 'stopped');
    for (const [said, afterMs, signal] of [
      ['segment 1:', 0, 'SIGKILL'],
      ['segment 2:', 13, 'SIGINT'],
      ['segment 6:', 47, 'SIGKILL'],
      ['segment 11:', 5, 'SIGINT'],
    ] as const)
      await interrupted([...VIRTUAL, '--out', out], said, afterMs, signal);
    // Between the end of its run and goodput.json.
    const { child, result } = startCli([...VIRTUAL, '--out', out]);
    while (!existsSync(join(out, 'traffic', 'summary.json')) && child.exitCode === null) await sleep(2);
    child.kill('SIGKILL');
    await result;
    for (const _ of ['goes on', 'again, where it has ended']) {
      const { code, stderr } = await cli(...VIRTUAL, '--out', out);
      assert.equal(code, 0, stderr);
      assert.equal(bytes('stopped'), bytes('whole'));
      assert.deepEqual(readdirSync(out).toSorted(), ['goodput.html', 'goodput.json', 'goodput.md', 'traffic']);
    }
  });

  it('is searched for again in virtual time where another share, more precision or more budget is asked for', async () => {
    const others = [
      ['--precision', '20%'],
      ['--precision', '6%'],
      ['--at', '0.8', '--precision', '6%', '--budget', '1500req'],
      ['--at', '0.8', '--precision', '6%'],
    ];
    for (const other of others) {
      const { code, stderr } = await cli(...VIRTUAL_FREE, ...budgeted(other), '--out', join(folder, 'other'));
      assert.equal(code, 0, stderr);
    }
    const { code } = await cli(...VIRTUAL_FREE, ...budgeted(others.at(-1) ?? []), '--out', join(folder, 'alone'));
    assert.equal(code, 0);
    assert.equal(bytes('other'), bytes('alone'));
  });

  it('goes on behind the segments of before on the wall clock, and makes none of them again', async () => {
    const out = join(folder, 'real');
    const args = [...REAL, '--out', out];
    const first = await interrupted(args, 'segment 3:', 300, 'SIGINT');
    assert.equal(first.code, 130, first.stderr);
    assert.match(first.stderr, new RegExp(`stopping: with --out ${out} the same command goes on from here`));
    await interrupted(args, 'segment 5:', 600, 'SIGKILL');
    assert.equal(readRunFile(join(out, 'traffic')).status, 'interrupted');
    const made = statSync(join(out, 'traffic', 'run.json')).mtimeMs;
    const last = await cli(...args);
    assert.equal(last.code, 0, last.stderr);

    const names = readdirSync(out).filter((name) => name.startsWith('traffic'));
    assert.deepEqual(names.toSorted(), ['traffic', 'traffic-2', 'traffic-3']);
    assert.equal(statSync(join(out, 'traffic', 'run.json')).mtimeMs, made);
    const runs = await Promise.all(names.map((name) => positionsIn(join(out, name))));
    // Each begins behind the one before, and leaves out nothing.
    const all = runs.flat();
    assert.deepEqual(all, [...all.keys()]);
    const { probes, requests_used, state } = reportOf('real');
    assert.equal(requests_used, all.length);
    for (const [i, name] of names.entries())
      assert.equal(
        probes.filter(({ dir }) => dir === name).reduce((sum, each) => sum + each.requests_used, 0),
        runs[i]?.length,
      );
    // Whether the client kept up is for the machine to say.
    assert.ok(state === 'budget' || state === 'not_valid', state);

    const before = bytes('real');
    assert.equal((await cli(...args)).code, 0);
    assert.equal(bytes('real'), before);
    assert.deepEqual(readdirSync(out).filter((name) => name.startsWith('traffic')).length, 3);
  });
});
