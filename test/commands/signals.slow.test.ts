import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from '../cli.ts';
import { freePort, maxTokens, serve, streamTokens } from '../servers.ts';
import { readRunFile, readSummary } from '../written-files.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Everything has ended so long after the signal: a shared machine's bound, 10 s hold on a quiet one. */
const END_WITHIN_MS = 30_000;
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

const folder = temporaryFolder();

function trace(name: string, requests: number, everyS: number): string {
  const path = join(folder, `${name}.csv`);
  const rows = Array.from({ length: requests }, (_, i) => `${(i * everyS).toFixed(3)},20,5`);
  writeFileSync(path, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);
  return path;
}

/** Processes whose environment holds `mark`: whatever was started from the marked one, orphans too. */
function marked(mark: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      if (!/^\d+$/.test(pid) || !readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark)) return [];
      return [`${pid}: ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`];
    } catch {
      return []; // it has ended meanwhile
    }
  });
}

interface Started {
  /** Of npm. */
  readonly pid: number;
  output(): string;
  /** Waits a moment; fails if npm has ended. */
  goesOn(): Promise<void>;
  /** Sends a signal: the exit code of npm, and the processes that still run long after it. */
  end(send: () => void): Promise<{ code: number; left: string[] }>;
}

/** Starts npm; what it starts finds the programs of `bin` first. */
function npm(args: readonly string[], options: { bin?: string; cwd?: string; detached?: boolean } = {}): Started {
  const mark = randomUUID();
  const path = process.env['PATH'] ?? '';
  const real = path.split(delimiter).find((dir) => existsSync(join(dir, 'npm'))) ?? '';
  const child = spawn(join(real, 'npm'), args, {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, PATH: `${options.bin ?? real}${delimiter}${path}`, SIGNAL_TEST: mark },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: options.detached ?? false,
  });
  const { pid } = child;
  assert.ok(pid !== undefined);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
  const ended = new Promise<number>((resolve) =>
    child.on('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))),
  );
  return {
    pid,
    output: () => output,
    goesOn: async () => {
      assert.equal(child.exitCode, null, output);
      await sleep(20);
    },
    end: async (send) => {
      assert.ok(marked(mark).length >= 2, 'npm and what it has started');
      const fromMs = performance.now();
      send();
      while (marked(mark).length > 0 && performance.now() - fromMs < END_WITHIN_MS) await sleep(50);
      const left = marked(mark);
      for (const line of left) process.kill(Number.parseInt(line, 10), 'SIGKILL');
      return { code: await ended, left };
    },
  };
}

const kill = (pid: number, signal: NodeJS.Signals) => () => void process.kill(pid, signal);
const reprise = (...args: readonly string[]): string[] => ['run', '-s', 'reprise', '--', ...args];
const skip = existsSync('/proc/self/environ') ? false : 'no /proc here';

/** Resolves in the middle of the replay of a run. */
async function replaying(out: string, run: Started): Promise<void> {
  while (!existsSync(join(out, 'run.json'))) await run.goesOn();
  await sleep(1500);
}

describe('the documented commands end with npm', { skip, concurrency: 2 }, () => {
  for (const signal of SIGNALS) {
    const code = EXIT_CODES[signal];

    it(`${signal} to npm run -s reprise -- run: what there is is summarised`, async () => {
      const out = join(folder, `run-${signal}`);
      const run = npm(reprise('run', trace(`run-${signal}`, 5000, 0.02), '--out', out));
      await replaying(out, run);
      assert.deepEqual(await run.end(kill(run.pid, signal)), { code, left: [] }, run.output());
      assert.deepEqual([readRunFile(out).status, readRunFile(out).reason], ['interrupted', `interrupted by ${signal}`]);
      assert.equal(readSummary(out).requests.scheduled, 5000);
    });

    it(`${signal} to npm start`, async () => {
      const out = join(folder, `start-${signal}`);
      const run = npm(['start', '--', '--out', out]);
      await replaying(out, run);
      assert.deepEqual(await run.end(kill(run.pid, signal)), { code, left: [] }, run.output());
      assert.equal(readRunFile(out).status, 'interrupted');
      assert.ok(existsSync(join(out, 'report.html')));
    });

    it(`${signal} to npm run -s reprise -- engine serve`, async () => {
      const engine = npm(reprise('engine', 'serve', '--port', '0'));
      while (!engine.output().includes('listening')) await engine.goesOn();
      assert.deepEqual(await engine.end(kill(engine.pid, signal)), { code, left: [] }, engine.output());
    });

    it(`${signal} while the server answers nothing yet: no run directory`, async () => {
      const silent = createServer();
      const asked = once(silent, 'request');
      await once(silent.listen(0, '127.0.0.1'), 'listening');
      const out = join(folder, `silent-${signal}`);
      const target = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
      const run = npm(reprise('run', trace(`silent-${signal}`, 10, 0.1), '--target', target, '--out', out));
      await asked;
      assert.deepEqual(await run.end(kill(run.pid, signal)), { code, left: [] }, run.output());
      assert.match(run.output(), /error: interrupted by SIG\w+ before the replay began: there is no run directory/);
      assert.equal(existsSync(out), false);
      silent.closeAllConnections();
      silent.close();
    });

    it(`${signal} while npm ci sets up`, async () => {
      const [clone, bin] = [join(folder, `clone-${signal}`), join(folder, `bin-${signal}`)];
      for (const dir of [join(clone, 'scripts'), bin]) mkdirSync(dir, { recursive: true });
      for (const file of ['package.json', 'package-lock.json', 'scripts/setup.cjs'])
        copyFileSync(join(ROOT, file), join(clone, file));
      const installing = join(clone, 'installing');
      // As npm does, it passes no signal on to what it runs while it installs.
      writeFileSync(join(bin, 'npm'), `#!/bin/sh\nsleep 60 &\necho > "${installing}"\nwait\n`, { mode: 0o755 });
      const setup = npm(reprise('run'), { bin, cwd: clone });
      while (!existsSync(installing)) await setup.goesOn();
      assert.deepEqual(await setup.end(kill(setup.pid, signal)), { code, left: [] }, setup.output());
    });
  }

  it('a server of --start that ignores SIGTERM is killed', async () => {
    const port = await freePort();
    const out = join(folder, 'stubborn');
    const command = `trap '' TERM; "${process.execPath}" "${join(ROOT, 'src', 'cli.ts')}" engine serve --port ${port} & while :; do sleep 0.1; done`;
    const path = trace('stubborn', 5000, 0.02);
    const run = npm(reprise('run', path, '--target', `http://127.0.0.1:${port}`, '--start', command, '--out', out));
    await replaying(out, run);
    assert.deepEqual(await run.end(kill(run.pid, 'SIGTERM')), { code: 143, left: [] }, run.output());
    assert.equal(readRunFile(out).status, 'interrupted');
  });

  it('Ctrl-C, which reaches npm and the client, is one signal: what is in flight may end', async () => {
    const server = await serve((_index, _request, response, body) => void streamTokens(response, maxTokens(body), 150));
    const out = join(folder, 'ctrl-c');
    const path = trace('ctrl-c', 5000, 0.02);
    const run = npm(reprise('run', path, '--target', server.url.href, '--out', out), { detached: true });
    while (server.seen.length < 60) await run.goesOn();
    const group = kill(-run.pid, 'SIGINT');
    assert.deepEqual(await run.end(group), { code: 130, left: [] }, run.output());
    const { ok = 0, cut = 0 } = readSummary(out).requests.by_outcome;
    assert.equal(cut, 0, run.output());
    assert.ok(ok > 20);
    await server.close();
  });
});
