// Whether a run beside a process that takes 8 of every 20 ms of its core is called valid: without one, with one on the
// client's core, and with one on every core. Usage: node scripts/neighbour.ts
// Client and engine run at real-time priority, so that whatever else the machine does is no neighbour too. It needs
// taskset, and chrt as root; it says so where they are refused. Exit code 1: a verdict is wrong.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { summarySchema, type Summary } from '../src/schema/summary.ts';

const REQUESTS = 120;
const EVERY_S = 0.05;
const CORES = availableParallelism();
const CLIENT_CORE = CORES - 1;
/** Arguments of taskset: in turns among equals, and above them. */
const MEASURED = ['chrt', '-r', '10', process.execPath];
const ABOVE = ['chrt', '-f', '20', process.execPath];
const CLI = join(import.meta.dirname, '..', 'src', 'cli.ts');
const NEIGHBOUR = `const never = new Int32Array(new SharedArrayBuffer(4));
for (;;) {
  const endMs = performance.now() + 8;
  while (performance.now() < endMs);
  Atomics.wait(never, 0, 0, 12);
}`;

export interface Beside {
  /** Cores with a neighbour each. */
  readonly neighbours: readonly number[];
  /** Whether the client stays on its core, with the server on the others. */
  readonly isPinned: boolean;
}
const ALONE: Beside = { neighbours: [], isPinned: false };
export const ON_CLIENT_CORE: Beside = { neighbours: [CLIENT_CORE], isPinned: true };
const ON_EVERY_CORE: Beside = { neighbours: Array.from({ length: CORES }, (_, core) => core), isPinned: false };

/** Why no neighbour can be started here; null if one can. */
export function refusal(): string | null {
  const { error, status, stderr } = spawnSync('taskset', ['-c', String(CLIENT_CORE), 'chrt', '-f', '10', 'true']);
  if (error !== undefined) return `taskset is missing (${error.message})`;
  return status === 0 ? null : `chrt -f is refused: ${stderr.toString().trim()}`;
}

/** The summary of a run of 120 requests against the bundled engine in a process of its own. */
export async function runBeside({ neighbours, isPinned }: Beside): Promise<Summary> {
  const folder = mkdtempSync(join(tmpdir(), 'reprise-neighbour-'));
  const [trace, out] = [join(folder, 'trace.csv'), join(folder, 'run')];
  const rows = Array.from({ length: REQUESTS }, (_, i) => `${(i * EVERY_S).toFixed(3)},500,40`);
  writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);
  const serverCores = isPinned && CORES > 1 ? `0-${CLIENT_CORE - 1}` : `0-${CLIENT_CORE}`;
  const clientCores = isPinned ? String(CLIENT_CORE) : `0-${CLIENT_CORE}`;
  const started: ChildProcess[] = [];
  try {
    const serve = ['-c', serverCores, ...MEASURED, CLI, 'engine', 'serve', '--port', '0', '--quiet'];
    const server = spawn('taskset', serve, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    started.push(server);
    const [message] = await once(server, 'message');
    const { url } = z.object({ url: z.string() }).parse(message);
    for (const core of neighbours) {
      started.push(spawn('taskset', ['-c', String(core), ...ABOVE, '-e', NEIGHBOUR], { stdio: 'inherit' }));
    }
    const run = ['-c', clientCores, ...MEASURED, CLI, 'run', trace, '--target', url, '--out', out, '--quiet'];
    const client = spawn('taskset', run, { stdio: ['ignore', 'ignore', 'inherit'] });
    started.push(client);
    const [code] = await once(client, 'exit');
    if (code !== 0) throw new Error(`reprise run ended with ${String(code)}`);
    return summarySchema.parse(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')));
  } finally {
    for (const child of started) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

function print(what: string, { validity, service_latency_ms, latency_ms }: Summary): void {
  const share = (of: number | null): string => (of === null ? 'not known' : `${(of * 100).toFixed(1)} %`);
  const { ttft, itl } = latency_ms;
  console.log(
    `${what}: ${validity.valid ? 'valid' : 'not valid'}; TTFT p50 ${ttft.p50} ms (from sending ${service_latency_ms.ttft.p50}), ITL p99 ${itl.p99} ms, lateness p90 ${validity.lateness_ms?.p90} p99 ${validity.lateness_ms?.p99} ms, waited for a core ${share(validity.core_wait_share)}, stood still ${share(validity.stalled_share)}`,
  );
  for (const reason of validity.reasons) console.log(`  ${reason}`);
}

if (import.meta.main) {
  const refused = refusal();
  if (refused !== null) {
    console.error(`no neighbour can be started: ${refused}`);
    process.exit(2);
  }
  console.log(`load ${(loadavg()[0] ?? 0).toFixed(1)} on ${CORES} cores`);
  const cases = [
    ['alone', ALONE, true],
    ["a neighbour on the client's core", ON_CLIENT_CORE, false],
    ['one on every core', ON_EVERY_CORE, false],
  ] as const;
  for (const [what, beside, isValid] of cases) {
    const summary = await runBeside(beside);
    print(what, summary);
    if (summary.validity.valid !== isValid) process.exitCode = 1;
  }
}
