// How true the recorded token times are: every stream's recorded times against /truth of the reference engine, a process
// of its own, which stamps each token right before it writes it. While all streams are open, and over the whole run, in
// which they begin and end. Usage: node scripts/bench/timestamps.ts [streams] [tokens] [rounds]
// The engine gives 500 streams about 40 tokens/s each, all of them in lock-step.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { readRecords } from '../../src/runs/records.ts';

const SYSTEM = 'vllm-v1,async=off,model=llama-3.1-8b,gpu=h200-sxm,max_seqs=1024,host_fixed_us=5400';
const streams = Number(process.argv[2] ?? 500);
const tokens = Number(process.argv[3] ?? 400);
const rounds = Number(process.argv[4] ?? 3);
const folder = mkdtempSync(join(tmpdir(), 'reprise-timestamps-'));
const cli = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');

const rows = Array.from({ length: streams }, (_, i) => `${((i * 2) / streams).toFixed(6)},100,${tokens}`);
writeFileSync(join(folder, 'trace.csv'), `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);

const summarySays = z.object({
  validity: z.object({ spin_share: z.number(), core_wait_share: z.number().nullable() }),
});

interface Seen {
  readonly emittedUs: number;
  readonly errorUs: number;
}

async function measure(out: string): Promise<void> {
  const engine = spawn(process.execPath, [cli, 'engine', 'serve', '--port', '0', '--quiet', '--system', SYSTEM], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  try {
    const [started] = await once(engine, 'message');
    const { url } = z.object({ url: z.string() }).parse(started);
    const args = [cli, 'run', join(folder, 'trace.csv'), '--target', url, '--out', out, '--quiet'];
    const client = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    const [code] = await once(client, 'exit');
    if (code !== 0) throw new Error(`reprise run ended with ${String(code)}`);
    report(await seenIn(out, url));
    const { spin_share, core_wait_share } = summarySays.parse(
      JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')),
    ).validity;
    const share = (of: number | null): string => (of === null ? 'not measured' : `${(of * 100).toFixed(1)} %`);
    console.log(`  the client polled for ${share(spin_share)} of the run, waited for a core ${share(core_wait_share)}`);
  } finally {
    engine.disconnect();
  }
}

async function seenIn(out: string, url: string): Promise<{ all: Seen[]; steady: Seen[] }> {
  const { run_id, client } = z
    .object({ run_id: z.string(), client: z.object({ machine_zero_us: z.number() }) })
    .parse(JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')));
  const truth = new Map<string, readonly number[]>();
  for (const line of (await (await fetch(`${url}/truth`)).text()).trim().split('\n')) {
    const { request_id, emitted_us } = z
      .object({ request_id: z.string(), emitted_us: z.array(z.number()) })
      .parse(JSON.parse(line));
    truth.set(request_id, emitted_us);
  }
  const all: Seen[] = [];
  let [allFromUs, allToUs] = [0, Number.POSITIVE_INFINITY];
  for await (const batch of readRecords(out))
    for (const record of batch) {
      const emitted = truth.get(`${run_id}-${record.request_id}`) ?? [];
      record.token_times_us.forEach((us, i) => {
        const emittedUs = emitted[i] ?? Number.NaN;
        all.push({ emittedUs, errorUs: client.machine_zero_us + record.due_us + us - emittedUs });
      });
      allFromUs = Math.max(allFromUs, emitted[0] ?? Number.NaN);
      allToUs = Math.min(allToUs, emitted.at(-1) ?? Number.NaN);
    }
  if (all.some(({ errorUs }) => Number.isNaN(errorUs))) throw new Error('a recorded token has no true time');
  return { all, steady: all.filter(({ emittedUs }) => emittedUs >= allFromUs && emittedUs <= allToUs) };
}

function report({ all, steady }: { readonly all: readonly Seen[]; readonly steady: readonly Seen[] }): void {
  const load = (loadavg()[0] ?? 0).toFixed(1);
  console.log(`${streams} streams, ${all.length} tokens (load ${load}); recorded later than written:`);
  for (const [what, seen] of [
    ['while all are open', steady],
    ['whole run', all],
  ] as const) {
    if (seen.length === 0) continue; // the first had ended before the last began
    const emitted = seen.map(({ emittedUs }) => emittedUs);
    const errorsUs = seen.map(({ errorUs }) => errorUs).sort((a, b) => a - b);
    const at = (q: number): string => `${Math.round(errorsUs[Math.ceil(q * errorsUs.length) - 1] ?? 0)} us`;
    const seconds = (emitted.reduce((a, b) => Math.max(a, b)) - emitted.reduce((a, b) => Math.min(a, b))) / 1e6;
    const rate = Math.round(errorsUs.length / seconds);
    console.log(`  ${what} (${rate} tokens/s): p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}, most ${at(1)}`);
  }
}

try {
  for (let round = 0; round < rounds; round++) await measure(join(folder, `round-${round}`));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
