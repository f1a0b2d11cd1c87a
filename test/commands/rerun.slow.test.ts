import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { stringify } from 'yaml';
import type { Manifest } from '../../src/schema/manifest.ts';
import { sealed } from '../../src/runs/seal.ts';
import { cli, startCli, temporaryFolder } from '../cli.ts';
import { maxTokens, serve, streamTokens, type TestServer } from '../servers.ts';
import { readRunFile, readSummary } from '../written-files.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const trace = at('trace.csv');
writeFileSync(trace, 'arrival_s,input_tokens,output_tokens\n0,40,3\n0.01,50,2\n0.02,60,2\n');

/** What two runs of the same options have in common in run.json. */
function unchanging(name: string): Partial<Manifest> {
  const {
    run_id: _id,
    pid: _pid,
    started_at: _from,
    ended_at: _to,
    salt: _salt,
    seal: _seal,
    ...rest
  } = readRunFile(at(name));
  return rest;
}

async function done(...args: string[]): Promise<string> {
  const { code, stderr } = await cli(...args);
  assert.equal(code, 0, stderr);
  return stderr;
}

describe('a run in virtual time', { concurrency: 2 }, () => {
  const flags = ['--clock', 'virtual', '--limit', '30', '--slo', 'ttft=100ms,tpot=12ms', '--on-bad-row', 'skip'];
  before(() => done('run', 'chat', ...flags, '--out', at('first')));

  it('again is the same run, by the directory or a file in it', async () => {
    const stderr = await done('rerun', join(at('first'), 'report.html'), '--out', at('again'));
    assert.match(
      stderr,
      /^repeats .*first: reprise run chat --limit 30 --on-bad-row skip --clock virtual --slo \S+\n--limit 30: .*\n$/,
    );
    assert.equal(readSummary(at('again')).records_sha256, readSummary(at('first')).records_sha256);
    assert.deepEqual(unchanging('again'), unchanging('first'));
  });

  it('is the same by its flags, by a config file of its options in YAML or JSON, and by its recorded line', async () => {
    const { options, command } = readRunFile(at('first'));
    writeFileSync(at('run.yaml'), stringify(options));
    writeFileSync(at('run.json'), JSON.stringify(options));
    await done('run', '--config', at('run.yaml'), '--out', at('yaml'), '--quiet');
    await done('run', '--config', at('run.json'), '--out', at('json'), '--quiet');
    await done(...command.slice(1), '--out', at('line'));
    for (const name of ['yaml', 'json', 'line']) assert.deepEqual(unchanging(name), unchanging('first'));
  });

  it('again with another option keeps the others; the config file yields to the line', async () => {
    writeFileSync(at('other.yaml'), 'limit: 20\nslo: ttft=1s\n');
    await done('rerun', at('first'), '--config', at('other.yaml'), '--slo', 'ttft=2s', '--quiet', '--out', at('other'));
    assert.deepEqual(readRunFile(at('other')).options, {
      ...readRunFile(at('first')).options,
      limit: 20,
      slo: 'ttft=2s',
    });
  });

  it('says where the trace is another than it was, and finds it from another folder', async () => {
    const copy = at('copy.csv');
    copyFileSync(trace, copy);
    await done('run', copy, '--clock', 'virtual', '--out', at('of-copy'));
    const manifest = readRunFile(at('of-copy'));
    // As from the folder of the trace.
    writeFileSync(
      join(at('of-copy'), 'run.json'),
      JSON.stringify(sealed({ ...manifest, options: { ...manifest.options, workload: 'copy.csv' } })),
    );
    assert.doesNotMatch(await done('rerun', at('of-copy'), '--out', at('of-copy-2')), /warning/);
    writeFileSync(copy, `${readFileSync(copy, 'utf8')}0.03,70,2\n`);
    const stderr = await done('rerun', at('of-copy'), '--out', at('of-copy-3'));
    assert.match(stderr, /warning: copy\.csv: the trace has changed since that run/);
    const chosen = await done('rerun', at('of-copy'), '--limit', '1', '--out', at('of-copy-4'));
    assert.doesNotMatch(chosen, /warning: copy/);
  });

  it('again without some of its options, and with one that takes the place of another', async () => {
    const { options } = readRunFile(at('first'));
    const without = await done('rerun', at('first'), '--no-slo', '--no-on-bad-row', '--rate', '3', '--out', at('rate'));
    assert.match(without, /^without its --on-bad-row, --slo$/m);
    assert.deepEqual(readRunFile(at('rate')).options, { rate: 3, workload: 'chat', limit: 30, clock: 'virtual' });
    const other = await done('rerun', at('rate'), '--speed', '2', '--out', at('speed'));
    assert.match(other, /^without its --rate$/m);
    assert.deepEqual(readRunFile(at('speed')).options, { speed: 2, workload: 'chat', limit: 30, clock: 'virtual' });
    assert.equal(options?.['slo'], 'ttft=100ms,tpot=12ms');
    const { code, stderr } = await cli('rerun', at('rate'), '--rate', '2', '--speed', '2', '--out', at('never'));
    assert.equal(code, 2);
    assert.match(stderr, /--rate 2 and --speed 2 both scale time/);
  });

  it('that has no options says what to do', async () => {
    const manifest = readRunFile(at('first'));
    const cases = [
      { command: ['reprise', 'run', 'a b'], says: /an older Reprise .*: reprise run 'a b'$/m },
      { command: [], says: /a program made this run.*run the program again$/m },
    ];
    for (const { command, says } of cases) {
      const dir = at(`old-${command.length}`);
      mkdirSync(dir);
      writeFileSync(join(dir, 'run.json'), JSON.stringify(sealed({ ...manifest, command, options: undefined })));
      const { code, stderr } = await cli('rerun', dir, '--out', at('never'));
      assert.deepEqual([code, existsSync(at('never'))], [2, false]);
      assert.match(stderr, says);
    }
  });

  it('opens its report in $BROWSER, and is done where that cannot open it', async () => {
    const browser = at('browser.sh');
    writeFileSync(browser, `#!/bin/sh\necho "$@" > "${at('opened')}"\n`);
    chmodSync(browser, 0o755);
    const report = join(at('first'), 'report.html');
    const open = async (name: string): Promise<string> => {
      const { code, stderr } = await startCli(['report', at('first'), '--open'], { BROWSER: name }).result;
      assert.equal(code, 0, stderr);
      return stderr;
    };
    assert.equal(await open(`${browser} --new`), '');
    assert.equal(readFileSync(at('opened'), 'utf8'), `--new ${report}\n`);
    assert.equal(await open('false'), `warning: --open: false ended with 1; the report is ${report}\n`);
    assert.match(await open('no-such-browser'), /^warning: --open: .*ENOENT; the report is /);
  });
});

describe('a run against a server', () => {
  const servers: TestServer[] = [];
  const server = async (): Promise<TestServer> => {
    const made = await serve((_index, _request, response, body) => void streamTokens(response, maxTokens(body), 0));
    servers.push(made);
    return made;
  };
  after(() => Promise.all(servers.map(({ close }) => close())));
  const KEY = 'hunter2hunter2';

  it('again has a new salt, and needs again the keys that run.json hides', async () => {
    const [one, other] = [await server(), await server()];
    const keyed = ['--header', `X-Key: ${KEY}`, '--extra-body', `{"api_key":"${KEY}","top_p":0.5}`];
    const url = `${one.url.href}?key=${KEY}`;
    await done('run', trace, '--target', url, ...keyed, '--salt', 'first', '--quiet', '--out', at('keyed'));
    assert.doesNotMatch(readFileSync(join(at('keyed'), 'run.json'), 'utf8'), /hunter2/);

    const sent = one.seen.length;
    const refused = await cli('rerun', at('keyed'), '--out', at('never'));
    assert.equal(refused.code, 2);
    for (const part of ["--header 'X-Key: ***'", `--target '${one.url.href}?key=***'`, '--extra-body'])
      assert.ok(refused.stderr.includes(part), refused.stderr);
    const half = await cli('rerun', at('keyed'), '--target', url, '--header', 'x-other: 1', '--out', at('never'));
    assert.equal(half.code, 2);
    assert.doesNotMatch(half.stderr, /--target|hunter2/);
    assert.ok(half.stderr.includes('--extra-body') && half.stderr.includes("  --header 'X-Key: ***'\n"), half.stderr);
    assert.equal(one.seen.length, sent, 'nothing was sent');

    await done('rerun', at('keyed'), '--target', other.url.href, ...keyed, '--quiet', '--out', at('keyed-again'));
    const { salt, options } = readRunFile(at('keyed-again'));
    assert.notEqual(salt, 'first');
    assert.deepEqual(options, {
      workload: trace,
      target: other.url.href,
      'extra-body': '{"api_key":"***","top_p":0.5}',
      header: ['X-Key: ***'],
    });
    const last = other.seen.findLast(({ path }) => path.endsWith('completions'));
    assert.equal(last?.headers['x-key'], KEY);

    writeFileSync(at('keys.yaml'), stringify({ header: [`x-key: ${KEY}`], target: url, 'extra-body': { top_p: 1 } }));
    const salted = ['--salt', 'given', '--config', at('keys.yaml')];
    await done('rerun', at('keyed'), ...salted, '--quiet', '--out', at('salted'));
    assert.equal(readRunFile(at('salted')).salt, 'given');
    assert.doesNotMatch(readFileSync(join(at('salted'), 'run.json'), 'utf8'), /hunter2/);
  });

  it('can be repeated without it, in virtual time, and gets the usual errors', async () => {
    const target = await server();
    await done('run', trace, '--target', target.url.href, '--header', 'a: b', '--quiet', '--out', at('real'));
    const virtual = ['--target', 'reference', '--clock', 'virtual'];
    await done('rerun', at('real'), ...virtual, '--quiet', '--out', at('virtual'));
    const { stderr, code } = await cli('rerun', at('virtual'), '--target', target.url.href, '--out', at('never'));
    assert.equal(code, 2);
    assert.match(stderr, /error: --clock virtual needs the reference engine.*, or --clock real$/m);
  });

  it('starts its own server, and hands prompts over, not where the target is another', async () => {
    const [own, other] = [await server(), await server()];
    await done('run', trace, '--target', own.url.href, '--quiet', '--out', at('started'));
    const manifest = readRunFile(at('started'));
    const ready = `${own.url.href}v1/models`;
    const options = { ...manifest.options, start: `touch ${at('start')}`, ready, 'start-timeout': '20s' };
    writeFileSync(join(at('started'), 'run.json'), JSON.stringify(sealed({ ...manifest, options })));
    for (const [name, to] of [
      ['elsewhere', ['--target', other.url.href]],
      ['nowhere', ['--target', 'reference', '--clock', 'virtual']],
      ['not-started', ['--no-start', '--no-ready']],
    ] as const)
      assert.match(await done('rerun', at('started'), ...to, '--out', at(name)), /^without its --start, --ready/m);
    const byRole = { handover: 'vllm', adapter: 'disaggregated', target: 'prefill=http://a:1,decode=http://b:1' };
    mkdirSync(at('by-role'));
    const ofRoles = { ...manifest, options: { ...manifest.options, ...byRole } };
    writeFileSync(join(at('by-role'), 'run.json'), JSON.stringify(sealed(ofRoles)));
    const whole = await done('rerun', at('by-role'), '--target', other.url.href, '--out', at('whole'));
    assert.match(whole, /^without its --handover, --adapter$/m);
    const again = await cli('rerun', at('started'), '--target', `${own.url.href}v1`, '--out', at('never'));
    assert.match(again.stderr, /--start: .* answers already/);
    assert.equal(existsSync(at('start')), false);
  });
});
