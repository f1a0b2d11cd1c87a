// How many tokens/s one and two workers of the client carry before the p99 of their token times leaves 1 ms: streams are
// added step by step, against a server on the same cores that writes 16 events at a time and knows when it did. Each step is
// measured with 1 and with 2 workers in turn, so that what else the machine does falls on both. Of each: tokens/s of the
// time in which all streams flow, error of the token times in it, CPU of client and server; a step at which the server wrote
// less than 95 % of what it was to is said to be the server's.
// Usage: node scripts/bench/workers.ts [--rounds 3] [--seconds 6] [--streams 200,400,600,800,1000,1200,1600]
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { z } from 'zod';
import { readClientSamples } from '../../src/runs/client-file.ts';
import { readRecords } from '../../src/runs/records.ts';
import { readManifest } from '../../src/runs/read-manifest.ts';

const PORT = 18_432;
const TICK_MS = 20;
const EVENTS = 16;
const LIMIT_US = 1000;
/** The server delivered what it was to. */
const DELIVERED = 0.95;
const WORKERS = [1, 2] as const;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '6' },
    streams: { type: 'string', default: '200,400,600,800,1000,1200,1600' },
  },
});
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
const root = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'reprise-workers-'));
const url = `http://127.0.0.1:${PORT}`;

interface Measured {
  readonly tokensPerS: number;
  readonly isWhole: boolean;
  readonly p50: number;
  readonly p99: number;
  /** Cores in use. */
  readonly client: number;
  readonly server: number;
}

const ask = async (path: string): Promise<unknown> => (await fetch(url + path)).json();

async function measure(streams: number, workers: number): Promise<Measured> {
  const tokens = Math.round((seconds * 1000) / TICK_MS) * EVENTS;
  const trace = join(folder, 'trace.csv');
  // They begin within a second.
  const rows = Array.from({ length: streams }, (_, i) => `${(i / streams).toFixed(6)},16,${tokens}`);
  writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);
  const out = join(folder, 'run');
  rmSync(out, { recursive: true, force: true });
  const options = ['--adapter', 'openai', '--model', 'tiny', '--poll', 'off', '--workers', String(workers), '--quiet'];
  const cpuBefore = z.number().parse(await ask('/cpu'));
  const cli = [join(root, 'src', 'cli.ts'), 'run', trace, '--target', url, ...options, '--out', out];
  await promisify(execFile)(process.execPath, cli);
  const serverS = z.number().parse(await ask('/cpu')) - cpuBefore;
  const written = z.record(z.string(), z.array(z.number())).parse(await ask('/written'));
  const zeroUs = readManifest(out).client?.machine_zero_us ?? Number.NaN;
  const answers: { readonly writtenUs: readonly number[]; readonly recordedUs: Float64Array }[] = [];
  for await (const batch of readRecords(out))
    for (const { request_id, due_us, token_times_us } of batch) {
      if (token_times_us.length !== tokens)
        throw new Error(`${request_id}: ${token_times_us.length} of ${tokens} tokens`);
      const recordedUs = Float64Array.from(token_times_us, (sinceUs) => zeroUs + due_us + sinceUs);
      answers.push({ writtenUs: written[`run-${request_id}`] ?? [], recordedUs });
    }
  const fromUs = answers.reduce((us, { writtenUs: [first = Number.NaN] }) => Math.max(us, first), 0);
  const toUs = answers.reduce((us, { writtenUs }) => Math.min(us, writtenUs.at(-1) ?? Number.NaN), Infinity);
  const errors = new Float64Array(answers.length * tokens);
  let steady = 0;
  for (const { writtenUs, recordedUs } of answers)
    for (const [token, us] of recordedUs.entries()) {
      const atUs = writtenUs[Math.floor(token / EVENTS)] ?? Number.NaN;
      if (atUs >= fromUs && atUs <= toUs) errors[steady++] = us - atUs;
    }
  const sorted = errors.subarray(0, steady).sort();
  const at = (q: number): number => sorted[Math.ceil(q * steady) - 1] ?? Number.NaN;
  const tokensPerS = (steady * 1e6) / (toUs - fromUs);
  const samples = (await readClientSamples(out)) ?? [];
  const most = Math.max(...samples.map(({ in_flight }) => in_flight));
  const busy = samples.filter(({ in_flight }) => in_flight >= 0.95 * most);
  return {
    tokensPerS,
    isWhole: tokensPerS >= (DELIVERED * streams * EVENTS * 1000) / TICK_MS,
    p50: at(0.5),
    p99: at(0.99),
    client: busy.reduce((sum, { cpu_us }) => sum + cpu_us, 0) / busy.length / 1e6,
    server: serverS / seconds,
  };
}

function median(list: readonly number[]): number {
  const sorted = [...list].sort((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? Number.NaN) + (sorted[sorted.length >> 1] ?? Number.NaN)) / 2;
}

const server = spawn(process.execPath, [
  join(import.meta.dirname, 'burst-server.ts'),
  ...[PORT, TICK_MS, EVENTS].map(String),
]);
const load = (): string => (loadavg()[0] ?? 0).toFixed(1);
try {
  while ((await ask('/cpu').catch(() => null)) === null) await sleep(100);
  console.log(`${cpus().length} cores, load ${load()}, Node ${process.version}; ${rounds} rounds of ${seconds} s`);
  const carried = new Map<number, number>(WORKERS.map((workers) => [workers, 0]));
  for (const streams of values.streams.split(',').map(Number)) {
    const found = new Map<number, Measured[]>(WORKERS.map((workers) => [workers, []]));
    for (let round = 0; round < rounds; round++)
      for (const workers of WORKERS) found.get(workers)?.push(await measure(streams, workers));
    for (const workers of WORKERS) {
      const each = found.get(workers) ?? [];
      const of = (field: Exclude<keyof Measured, 'isWhole'>): number => median(each.map((one) => one[field]));
      const isWhole = each.filter((one) => one.isWhole).length > rounds / 2;
      if (isWhole && of('p99') < LIMIT_US) carried.set(workers, Math.max(carried.get(workers) ?? 0, of('tokensPerS')));
      console.log(
        `${streams} streams, ${workers} workers: ${Math.round(of('tokensPerS') / 1000)}k tokens/s${isWhole ? '' : ' (the server wrote less than it was to)'}, error p50 ${Math.round(of('p50'))} us, p99 ${Math.round(of('p99'))} us; cores: client ${of('client').toFixed(2)}, server ${of('server').toFixed(2)}; load ${load()}`,
      );
    }
  }
  const [one = 0, two = 0] = WORKERS.map((workers) => carried.get(workers));
  console.log(
    `within 1 ms: ${Math.round(one / 1000)}k tokens/s by one worker, ${Math.round(two / 1000)}k by two: ${one === 0 ? 'the ratio is not known' : `${(two / one).toFixed(2)} times`}`,
  );
} finally {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}
