import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cli, readJson, startCli, temporaryFolder } from '../cli.ts';
import { runs, until } from '../processes.ts';
import { freePort } from '../servers.ts';

const folder = temporaryFolder();
const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
const path = join(folder, 'trace.csv');
const rows = Array.from({ length: 600 }, (_, i) => `${(i * 0.1).toFixed(1)},64,5`);
writeFileSync(path, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);

const engine = (port: number): string => `"${process.execPath}" "${CLI}" engine serve --port ${port}`;

/** Kills this process as `kill -9` does, and waits for all of these to end: as many as the log has said. */
async function killed(child: ReturnType<typeof spawn>, pids: readonly number[]): Promise<void> {
  assert.ok(pids.length > 0 && pids.every(runs), `${pids.join()} run`);
  child.kill('SIGKILL');
  await until('what was started has ended', () => !pids.some(runs), 15_000);
}

function pidsIn(log: string): number[] {
  return existsSync(log) ? [...readFileSync(log, 'utf8').matchAll(/^pid (\d+)$/gm)].map(([, pid]) => Number(pid)) : [];
}

const IGNORES_TERM = `trap "" TERM; echo pid $$; while true; do sleep 1; done`;
/** What makes a daemon of itself: in a session of its own, with a parent that has ended. */
const DAEMONS = `(setsid sh -c '${IGNORES_TERM}' &); (setsid sh -c 'echo pid $$; exec sleep 300' &)`;

/** Of a server that ignores SIGTERM, in a process that its shell forks beside others. */
const stubborn = (port: number): string =>
  `sh -c '${IGNORES_TERM}' & ${DAEMONS}; (echo pid $$; sleep 300) & ${engine(port)} & echo pid $!; wait`;

const forked = (port: number): string =>
  `echo pid $$; ${DAEMONS}; (echo pid $$; sleep 300) & ${engine(port)} & echo pid $!; wait`;
/** Lines of them with a process. */
const PIDS = 5;

describe('a client that is killed takes with it', { concurrency: 2 }, () => {
  it('the server of --start and all that it has started; its report says so', async () => {
    const port = await freePort();
    const out = join(folder, 'run');
    const start = `HF_TOKEN=hf_0123456789abcdef true; ${stubborn(port)}`;
    const { child } = startCli(['run', path, '--target', `http://127.0.0.1:${port}`, '--start', start, '--out', out]);
    await until('the run has begun', () => existsSync(join(out, 'run.json')));
    const { started } = readJson(out, 'run.json');
    assert.ok(typeof started === 'object' && started !== null && 'pid' in started && 'command' in started);
    assert.match(String(started.command), /^HF_TOKEN=\*\*\* true; sh -c/);
    const pids = pidsIn(join(out, 'server.log'));
    assert.equal(pids.length, PIDS);
    await killed(child, [...pids, Number(started.pid)]);
    const report = await cli('report', out);
    assert.equal(report.code, 0, report.stderr);
    const { status, reason } = readJson(out, 'run.json');
    assert.equal(status, 'interrupted');
    assert.match(
      String(reason),
      new RegExp(
        `^the client was killed, or could not write any more; what it had started \\(HF_TOKEN=.*; process ${started.pid}\\) has ended$`,
      ),
    );
  });

  it('a server that does not answer yet', async () => {
    const out = join(folder, 'mute');
    const start = 'echo pid $$; sleep 300 & echo pid $!; wait';
    const { child } = startCli(['run', path, '--target', 'http://127.0.0.1:9', '--start', start, '--out', out]);
    const log = `${out}.server.log`;
    await until('it has been started', () => pidsIn(log).length === 2);
    await killed(child, pidsIn(log));
  });

  it('the reference engine, which stands in run.json too', async () => {
    const out = join(folder, 'engine');
    const { child } = startCli(['run', path, '--target', 'reference:vllm-v1', '--out', out]);
    await until('the run has begun', () => existsSync(join(out, 'run.json')));
    const { started } = readJson(out, 'run.json');
    assert.ok(typeof started === 'object' && started !== null && 'pid' in started && 'command' in started);
    assert.match(String(started.command), /^reprise engine serve --system vllm-v1/);
    await killed(child, [Number(started.pid)]);
  });

  it('the server of the run of ab that goes on', async () => {
    const port = await freePort();
    const out = join(folder, 'ab');
    const url = `http://127.0.0.1:${port}`;
    const sides = ['base', 'new'].flatMap((side) => [`--${side}`, url, `--${side}-start`, forked(port)]);
    const { child } = startCli(['ab', path, ...sides, '--repeats', '2', '--out', out]);
    const log = join(out, 'base', '1', 'server.log');
    await until('its first run has begun', () => pidsIn(log).length === PIDS);
    await killed(child, pidsIn(log));
  });

  it('the server that a program has opened, however that ends', async () => {
    const index = join(import.meta.dirname, '..', '..', 'src', 'index.ts');
    for (const end of ['setInterval(() => 0, 1000)', 'process.exit(3)', 'throw new Error("a fault")']) {
      const port = await freePort();
      const cwd = mkdtempSync(join(folder, 'program-'));
      const target = JSON.stringify({ target: `http://127.0.0.1:${port}`, start: forked(port) });
      const text = `import { openTarget } from '${index}'; await openTarget(${target}); console.log('open'); ${end};`;
      writeFileSync(join(cwd, 'program.mts'), text);
      const child = spawn(process.execPath, ['program.mts'], { stdio: ['ignore', 'pipe', 'ignore'], cwd });
      await once(child.stdout, 'data');
      const [log = ''] = readdirSync(join(cwd, 'runs'));
      const pids = pidsIn(join(cwd, 'runs', log));
      assert.equal(pids.length, PIDS);
      if (end.startsWith('set')) await killed(child, pids);
      else await until('what was started has ended', () => !pids.some(runs), 15_000);
    }
  });
});

describe('a watcher', () => {
  it('is gone with the run, and Ctrl-C of all the terminal group does not end it', async () => {
    const port = await freePort();
    const out = join(folder, 'watched');
    const args = ['run', path, '--limit', '30', '--target', `http://127.0.0.1:${port}`, '--start', engine(port)];
    const { result } = startCli([...args, '--out', out]);
    const watchers = (): string[] =>
      readdirSync('/proc').filter((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`reprise-watcher\0${startedPid(out)}\0`);
        } catch {
          return false;
        }
      });
    await until('the run has begun', () => existsSync(join(out, 'run.json')));
    const [watcher] = watchers();
    assert.equal(watchers().length, 1);
    process.kill(Number(watcher), 'SIGINT');
    assert.equal((await result).code, 0);
    assert.deepEqual(watchers(), []);
    assert.equal(runs(startedPid(out)), false);
  });
});

function startedPid(dir: string): number {
  const { started } = readJson(dir, 'run.json');
  return typeof started === 'object' && started !== null && 'pid' in started ? Number(started.pid) : 0;
}
