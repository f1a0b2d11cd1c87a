// CPU (all threads of the process) that commands take to their end, `engine serve` until it answers: as published (after
// `npm run build`) and from source, alternating; the median of the rounds. A short round before them fills the compile
// cache. On a loaded machine all grow alike: `node -e 0` says how much. Usage: node scripts/bench/start-up.ts [ROUNDS]
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { measured, medianText, PUBLISHED, SOURCE } from './measured-command.ts';

const rounds = Number(process.argv[2] ?? 2);
const folder = mkdtempSync(join(tmpdir(), 'reprise-start-up-'));
const out = join(folder, 'run');
const found = new Map<string, number[]>();

/** What a run replays: its name, and its requests. The short one loads as many modules as the long one. */
const SHORT = ['20 requests', 20] as const;
const LONG = ['1,000 requests', 1000] as const;

/** One round of a form of the program: seconds of CPU by what was done. */
async function once(cli: string, runs: readonly (readonly [string, number])[]): Promise<ReadonlyMap<string, number>> {
  const taken = new Map<string, number>([['node -e 0', measured(['0'], '-e').cpuS]]);
  const command = (name: string, args: readonly string[]): void => void taken.set(name, measured(args, cli).cpuS);
  command('--help', ['--help']);
  command('run --help', ['run', '--help']);
  const server = await serve(cli);
  taken.set('engine serve', server.cpuS);
  try {
    for (const [name, requests] of runs) {
      rmSync(out, { recursive: true, force: true });
      const run = `run of ${name}`;
      command(run, ['run', trace(requests), '--target', server.url, '--poll', 'off', '--quiet', '--out', out]);
      taken.set(`${run}, not polling`, (taken.get(run) ?? 0) - pollingS());
    }
    command('report', ['report', out]);
  } finally {
    await server.close();
  }
  return taken;
}

/** What the run that was just made spent polling, for due times that come. */
function pollingS(): number {
  const { client } = z
    .object({ client: z.object({ polling_s: z.number() }) })
    .parse(JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')));
  return client.polling_s;
}

/** An engine that serves; `cpuS`: seconds of its CPU until it answers. */
async function serve(cli: string): Promise<{ cpuS: number; url: string; close: () => Promise<void> }> {
  const child = spawn(process.execPath, [cli, 'engine', 'serve', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const line = await new Promise<string>((resolve) => child.stdout.once('data', (text) => resolve(String(text))));
  const url = /http:\S+/.exec(line)?.[0] ?? '';
  await (await fetch(new URL('/v1/models', url))).text();
  return {
    cpuS: threadsS(child.pid ?? 0),
    url,
    close: async () => {
      child.kill();
      await closed;
    },
  };
}

/** How long the threads of a process that runs have been on a core, in seconds. */
function threadsS(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  const ns = readdirSync(tasks).map((id) => Number(readFileSync(join(tasks, id, 'schedstat'), 'utf8').split(' ')[0]));
  return ns.reduce((total, each) => total + each, 0) / 1e9;
}

/** 200 requests a second with an answer of one token each. */
function trace(requests: number): string {
  const file = join(folder, `${requests}.csv`);
  const rows = Array.from({ length: requests }, (_, i) => `${(i / 200).toFixed(3)},32,1`);
  writeFileSync(file, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);
  return file;
}

try {
  const forms = [
    ['published', PUBLISHED],
    ['source', SOURCE],
  ] as const;
  for (let round = 0; round <= rounds; round++)
    for (const [form, cli] of forms) {
      if (!existsSync(cli)) continue;
      for (const [name, seconds] of await once(cli, round === 0 ? [SHORT] : [SHORT, LONG])) {
        const key = `${name}, ${form}`;
        if (round > 0) found.set(key, [...(found.get(key) ?? []), seconds]);
      }
    }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(
  `${cpus().length} cores, load ${(loadavg()[0] ?? 0).toFixed(1)}, Node ${process.version}; ${rounds} rounds`,
);
const longest = Math.max(...[...found.keys()].map((name) => name.length));
for (const [name, seconds] of [...found].sort(([a], [b]) => (a < b ? -1 : 1)))
  console.log(`${name.padEnd(longest)}  ${medianText(seconds, 3)} s`);
