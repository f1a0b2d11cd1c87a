// The figures of the README, measured now on this machine (about four minutes): node scripts/bench/figures.ts
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { goodputSchema } from '../../src/schema/goodput.ts';

const root = join(import.meta.dirname, '..', '..');
const azure = join(root, '..', 'shared', 'traces', 'AzureLLMInferenceTrace_conv.csv');
const folder = mkdtempSync(join(tmpdir(), 'reprise-figures-'));

const SLO = 'ttft=500ms,tpot=50ms';
const stats = z.object({ p50: z.number(), p90: z.number() });
const summarySchema = z.object({
  records_sha256: z.string().nullable(),
  requests: z.object({ scheduled: z.number(), ok: z.number() }),
  latency_ms: z.object({ ttft: stats, tpot: stats }),
  validity: z.object({ valid: z.boolean(), lateness_ms: z.object({ p50: z.number(), p99: z.number() }).nullable() }),
});
type Summary = z.infer<typeof summarySchema>;

let runs = 0;

/** Runs the program, and returns how long it took, in seconds. */
function timed(args: readonly string[]): number {
  const start = performance.now();
  execFileSync(process.execPath, [join(root, 'src', 'cli.ts'), ...args, '--quiet']);
  return (performance.now() - start) / 1000;
}

function run(...args: readonly string[]): { summary: Summary; seconds: number } {
  const out = join(folder, `run-${runs++}`);
  const seconds = timed(['run', azure, '--slo', SLO, ...args, '--out', out]);
  return { summary: summarySchema.parse(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'))), seconds };
}

try {
  const target = (gpu: string): string[] => ['--target', `reference:vllm-v1,model=llama-3.1-8b,gpu=${gpu}`];
  const whole = [1, 2].map(() => run('--clock', 'virtual'));
  const hashes = new Set(whole.map(({ summary }) => summary.records_sha256));
  const seconds = whole.map((one) => one.seconds.toFixed(1)).join(' and ');
  console.log(
    `whole Azure conversation trace, virtual time, with records and report: ${seconds} s, ${hashes.size === 1 ? 'one' : 'TWO'} records_sha256`,
  );

  const search = join(folder, 'goodput');
  const searchS = timed(['goodput', azure, '--slo', SLO, ...target('h100-sxm'), '--clock', 'virtual', '--out', search]);
  const { bracket_rps, traces_used } = goodputSchema.parse(
    JSON.parse(readFileSync(join(search, 'goodput.json'), 'utf8')),
  );
  console.log(
    `its goodput on h100-sxm, virtual time: ${bracket_rps.join(' to ')} requests/s by ${traces_used.toFixed(2)} traces in ${searchS.toFixed(1)} s`,
  );

  for (const [gpu, speed] of [
    ['h100-sxm', '1'],
    ['a100-sxm-80g', '3'],
  ] as const) {
    const minute = ['--window', '600s..660s', '--speed', speed, ...target(gpu)];
    const real = run(...minute).summary;
    const virtual = run(...minute, '--clock', 'virtual').summary;
    const { valid, lateness_ms: lateness } = real.validity;
    console.log(
      `one minute at speed ${speed} on ${gpu}: ${real.requests.ok} of ${real.requests.scheduled} ok, ${valid ? 'valid' : 'NOT valid'}, lateness p50 ${lateness?.p50} p99 ${lateness?.p99} ms`,
    );
    for (const metric of ['ttft', 'tpot'] as const)
      for (const q of ['p50', 'p90'] as const) {
        const [over, within] = [real.latency_ms[metric][q], virtual.latency_ms[metric][q]];
        console.log(
          `  ${metric} ${q}: ${over.toFixed(2)} ms over HTTP, ${within.toFixed(2)} ms in virtual time: ${(over - within).toFixed(2)} ms, ${((100 * (over - within)) / within).toFixed(1)} %`,
        );
      }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
