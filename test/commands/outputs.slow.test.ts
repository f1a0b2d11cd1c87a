import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { cli, temporaryFolder, type CliResult } from '../cli.ts';
import { serve, type TestServer } from '../servers.ts';

const folder = temporaryFolder();
const trace = join(folder, 'trace.csv');
const TEXT = `arrival_s,input_tokens,output_tokens\n${Array.from({ length: 5 }, (_, i) => `${i / 10},20,5`).join('\n')}\n`;
writeFileSync(trace, TEXT);
symlinkSync('loop', join(folder, 'loop'));
const SLO = ['--slo', 'ttft=1s,tpot=100ms'];

let server: TestServer;
let target: string[];
const run = join(folder, 'run');
before(async () => {
  server = await serve((_index, _request, response) => void response.end());
  target = ['--target', server.url.href];
  const { code, stderr } = await cli('run', trace, '--clock', 'virtual', '--out', run);
  assert.equal(code, 0, stderr);
});

/** A mistake of the user: exit 2, one message, and the server has heard nothing. */
function refused({ code, stderr }: CliResult, message: RegExp, name: string): void {
  assert.equal(code, 2, `${name}: ${stderr}`);
  assert.match(stderr, message, name);
  assert.doesNotMatch(stderr, /\n {4}at /, name);
  assert.equal(server.seen.length, 0, name);
}

describe('a place that cannot be is refused before anything is sent or started, by', { concurrency: 2 }, () => {
  const places = [trace, join(folder, 'loop'), join(trace, 'x'), join(folder, 'n'.repeat(300)), '/proc/x/y'];
  const commands: Readonly<Record<string, () => string[]>> = {
    run: () => ['run', trace, ...target, '--start', `touch ${folder}/started`, '--out'],
    rerun: () => ['rerun', run, ...target, '--clock', 'real', '--out'],
    goodput: () => ['goodput', trace, ...target, ...SLO, '--out'],
    goodputs: () => ['goodput', trace, ...target, ...target, ...SLO, '--out'],
    sweep: () => ['sweep', trace, ...target, ...SLO, '--rates', '1', '--out'],
    ab: () => ['ab', trace, '--base', server.url.href, '--new', server.url.href, '--out'],
    nightly: () => ['nightly', trace, ...target, ...SLO, '--baseline'],
    probe: () => ['probe', server.url.href, '--out'],
    compare: () => ['compare', run, run, '--out'],
    place: () => ['place', 'chat', '--model', 'opt-13b', '--gpu', 'a100-sxm-80g', '--gpus', '2', ...SLO, '--out'],
    report: () => ['report', run, '--export', 'junit', '--out'],
    'run --trace-iterations': () => ['run', trace, '--out', join(folder, 'never'), '--trace-iterations'],
    'engine serve': () => ['engine', 'serve', '--port', '0', '--trace-iterations'],
  };
  for (const [i, name] of Object.keys(commands).entries())
    it(name, async () => {
      for (const place of name === 'run' ? places : [places[i % places.length] ?? '']) {
        const result = await cli(...(commands[name]?.() ?? []), place);
        refused(result, /error: .*(trace\.csv|loop|nnn|\/proc\/x)/, `${name} ${place.slice(0, 60)}`);
      }
      assert.equal(readFileSync(trace, 'utf8'), TEXT);
      assert.equal(existsSync(join(folder, 'started')), false);
    });
});

describe('a file that Reprise has not written stays, by', { concurrency: 2 }, () => {
  const kept = async (file: string, ...args: string[]): Promise<void> => {
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, 'mine');
    refused(await cli(...args), new RegExp(file.split('/').at(-1) ?? ''), args.join(' '));
    assert.equal(readFileSync(file, 'utf8'), 'mine');
  };
  it('probe --out', () =>
    kept(join(folder, 'probe.json'), 'probe', server.url.href, '--out', join(folder, 'probe.json')));
  for (const name of ['comparison.json', 'comparison.md', 'comparison.html'])
    it(`compare --out, ${name}`, () => {
      const dir = join(folder, `compared-${name}`);
      return kept(join(dir, name), 'compare', run, run, '--out', dir);
    });
  it('a search that goes on in a folder', async () => {
    const dir = join(folder, 'search');
    mkdirSync(join(dir, 'probes'), { recursive: true });
    await kept(join(dir, 'goodput.html'), 'goodput', trace, ...target, ...SLO, '--out', dir);
    mkdirSync(join(dir, 'runs'));
    await kept(join(dir, 'sweep.md'), 'sweep', trace, ...target, ...SLO, '--rates', '1', '--out', dir);
  });
  it('nightly --baseline', () => {
    const nights = join(folder, 'nights');
    const args = ['nightly', trace, ...target, ...SLO, '--baseline', nights, '--branch', 'main'];
    return kept(join(nights, 'main', 'trend.html'), ...args);
  });
  it('--trace-iterations, the trace itself for one', async () => {
    const args = ['run', trace, '--clock', 'virtual', '--out', join(folder, 'never')];
    refused(await cli(...args, '--trace-iterations', trace), /trace\.csv is there/, 'trace');
    assert.equal(readFileSync(trace, 'utf8'), TEXT);
  });
  it('report --export', async () => {
    const out = join(folder, 'exports');
    const names = ['llmd', 'aiperf', 'vllm', 'junit', 'github', 'bmf', 'csv', 'step-summary'];
    const exporting = ['report', run, '--export', names.join(','), '--out', out];
    for (let time = 0; time < 2; time++) {
      const { code, stderr } = await cli(...exporting);
      assert.equal(code, 0, stderr);
    }
    for (const name of ['bmf.json', join('aiperf', 'profile_export.jsonl')]) {
      writeFileSync(join(out, name), 'mine');
      refused(await cli(...exporting), new RegExp(`${name}: is there, and not as`), name);
      assert.equal(readFileSync(join(out, name), 'utf8'), 'mine');
      rmSync(join(out, name));
    }
  });
  it('the log of a server that does not start', async () => {
    const out = join(folder, 'logged');
    writeFileSync(`${out}.server.log`, 'mine');
    const free = ['--target', 'http://127.0.0.1:9', '--start', 'echo theirs; exit 1'];
    assert.equal((await cli('run', trace, ...free, '--out', out)).code, 3);
    assert.equal(readFileSync(`${out}.server.log`, 'utf8'), 'mine');
    assert.equal(readFileSync(`${out}.server-2.log`, 'utf8'), 'theirs\n');
  });
});
