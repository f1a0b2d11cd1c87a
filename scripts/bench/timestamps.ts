// How true the recorded token times are: every stream's recorded times against /truth of the reference engine, which
// stamps each token right before it writes it: while all streams are open, and over the whole run, in which they begin
// and end. Usage: node scripts/bench/timestamps.ts [streams] [tokens]
// The engine gives 500 streams about 40 tokens/s each, all of them in lock-step.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { readRecords } from '../../src/runs/records.ts';

const root = join(import.meta.dirname, '..', '..');
const streams = Number(process.argv[2] ?? 500);
const tokens = Number(process.argv[3] ?? 400);
const folder = mkdtempSync(join(tmpdir(), 'reprise-timestamps-'));
const out = join(folder, 'run');
const cli = join(root, 'src', 'cli.ts');

const rows = Array.from({ length: streams }, (_, i) => `${((i * 2) / streams).toFixed(6)},100,${tokens}`);
writeFileSync(join(folder, 'trace.csv'), `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);

const engine = spawn(
  process.execPath,
  [
    cli,
    'engine',
    'serve',
    '--port',
    '0',
    '--quiet',
    '--system',
    'vllm-v1,model=llama-3.1-8b,gpu=h200-sxm,max_seqs=1024',
  ],
  {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  },
);
const [started] = await once(engine, 'message');
const { url } = z.object({ url: z.string() }).parse(started);
try {
  execFileSync(process.execPath, [cli, 'run', join(folder, 'trace.csv'), '--target', url, '--out', out, '--quiet']);
  const { run_id, client } = z
    .object({ run_id: z.string(), client: z.object({ machine_zero_us: z.number(), duration_s: z.number() }) })
    .parse(JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')));
  const truth = new Map<string, readonly number[]>();
  for (const line of (await (await fetch(`${url}/truth`)).text()).trim().split('\n')) {
    const { request_id, emitted_us } = z
      .object({ request_id: z.string(), emitted_us: z.array(z.number()) })
      .parse(JSON.parse(line));
    truth.set(request_id, emitted_us);
  }
  const seen: { emittedUs: number; errorUs: number }[] = [];
  let [allFromUs, allToUs] = [0, Number.POSITIVE_INFINITY];
  for await (const batch of readRecords(out))
    for (const record of batch) {
      const emitted = truth.get(`${run_id}-${record.request_id}`) ?? [];
      record.token_times_us.forEach((us, i) => {
        const emittedUs = emitted[i] ?? Number.NaN;
        seen.push({ emittedUs, errorUs: client.machine_zero_us + record.due_us + us - emittedUs });
      });
      allFromUs = Math.max(allFromUs, emitted[0] ?? Number.NaN);
      allToUs = Math.min(allToUs, emitted.at(-1) ?? Number.NaN);
    }
  if (seen.some(({ errorUs }) => Number.isNaN(errorUs))) throw new Error('a recorded token has no true time');
  console.log(`${streams} streams, ${seen.length} tokens; recorded later than written:`);
  const tell = (what: string, seconds: number, tokensSeen: typeof seen): void => {
    const errorsUs = tokensSeen.map(({ errorUs }) => errorUs).sort((a, b) => a - b);
    const at = (q: number): string => `${Math.round(errorsUs[Math.ceil(q * errorsUs.length) - 1] ?? 0)} us`;
    const rate = Math.round(errorsUs.length / seconds);
    console.log(`  ${what} (${rate} tokens/s): p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}, most ${at(1)}`);
  };
  const steady = seen.filter(({ emittedUs }) => emittedUs >= allFromUs && emittedUs <= allToUs);
  tell('while all are open', (allToUs - allFromUs) / 1e6, steady);
  tell('whole run', client.duration_s, seen);
} finally {
  engine.disconnect();
  rmSync(folder, { recursive: true, force: true });
}
