// The same trace in virtual time and over HTTP on the wall clock, for every system: whether the same prompt tokens are
// cached, and how far the latencies and the phases are apart (median of the runs over HTTP). It has 1,000 requests that share prefixes,
// 25 a second, some 2,500 output tokens a second: a run takes 45 s.
// Usage: node scripts/bench/clocks.ts [RUNS [SYSTEM[,key=value...]]...]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { engineCatalogue } from '../../src/engine/index.ts';
import { readRecords } from '../../src/runs/records.ts';
import { sharedPrefixTrace } from './shared-prefix-trace.ts';

const METRICS = ['ttft', 'tpot'] as const;
const QUANTILES = ['p50', 'p90', 'p99'] as const;
const PHASES = ['prefill_queue_us', 'prefill_us', 'transfer_us', 'decode_queue_us', 'decode_us'] as const;
const OF_PHASES = [0.5, 0.9] as const;
/** Agreement: within 5 % or 5 ms. */
const SHARE = 0.05;
const NEAR_MS = 5;

const [runs = '3', ...asked] = process.argv.slice(2);
const systems = asked.length > 0 ? asked : engineCatalogue().systems.map(({ name }) => name);
const folder = mkdtempSync(join(tmpdir(), 'reprise-clocks-'));
const trace = join(folder, 'shared.rtrace.jsonl');
writeFileSync(trace, sharedPrefixTrace(1000, 25, 100));

const quantiles = z.object({ p50: z.number(), p90: z.number(), p99: z.number() });
const summarySchema = z.object({
  latency_ms: z.object({ ttft: quantiles, tpot: quantiles }),
  validity: z.object({ valid: z.boolean() }),
});

interface Run extends z.infer<typeof summarySchema> {
  readonly cached: ReadonlyMap<string, number | null>;
  /** Of each phase that requests have, microseconds in ascending order. */
  readonly phasesUs: Readonly<Record<string, readonly number[]>>;
}

let count = 0;
async function run(system: string, clock: 'virtual' | 'real'): Promise<Run> {
  const out = join(folder, `run-${count++}`);
  const args = ['run', trace, '--target', `reference:${system}`, '--clock', clock, '--out', out, '--quiet'];
  execFileSync(process.execPath, [join(import.meta.dirname, '..', '..', 'src', 'cli.ts'), ...args]);
  const cached = new Map<string, number | null>();
  const phases = PHASES.map((phase): [string, number[]] => [phase, []]);
  for await (const batch of readRecords(out))
    for (const record of batch) {
      cached.set(record.request_id, record.cached_tokens);
      for (const [i, phase] of PHASES.entries()) {
        const us = record[phase];
        if (us !== null) phases[i]?.[1].push(us);
      }
    }
  const phasesUs = Object.fromEntries(phases.map(([phase, all]) => [phase, all.toSorted((a, b) => a - b)]));
  return { ...summarySchema.parse(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'))), cached, phasesUs };
}

function compared(what: string, withinMs: number, overMs: number): string {
  const apartMs = overMs - withinMs;
  const verdict = Math.abs(apartMs) <= Math.max(SHARE * withinMs, NEAR_MS) ? 'agrees' : 'APART';
  return `  ${what}: ${withinMs.toFixed(2)} ms in virtual time, ${overMs.toFixed(2)} ms over HTTP: ${apartMs.toFixed(2)} ms, ${((100 * apartMs) / withinMs).toFixed(1)} %: ${verdict}`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

try {
  for (const system of systems) {
    const virtual = await run(system, 'virtual');
    const real: Run[] = [];
    for (let i = 0; i < Number(runs); i++) real.push(await run(system, 'real'));
    const tokens = [...virtual.cached.values()].reduce((sum: number, each) => sum + (each ?? 0), 0);
    const same = real.map(({ cached }) => [...cached].filter(([id, each]) => virtual.cached.get(id) === each).length);
    const valid = real.filter(({ validity }) => validity.valid).length;
    console.log(
      `${system}: ${tokens} prompt tokens cached in virtual time; the same over HTTP on ${same.join(', ')} of ${virtual.cached.size} requests; ${valid} of ${real.length} runs valid`,
    );
    for (const metric of METRICS)
      for (const quantile of QUANTILES) {
        const within = virtual.latency_ms[metric][quantile];
        const over = median(real.map(({ latency_ms }) => latency_ms[metric][quantile]));
        console.log(compared(`${metric} ${quantile}`, within, over));
      }
    for (const [phase, us] of Object.entries(virtual.phasesUs))
      for (const share of us.length === 0 ? [] : OF_PHASES) {
        const at = (all: readonly number[]): number => (all[Math.ceil(share * all.length) - 1] ?? Number.NaN) / 1000;
        const over = median(real.map(({ phasesUs }) => at(phasesUs[phase] ?? [])));
        console.log(compared(`${phase.replace('_us', '')} p${100 * share}`, at(us), over));
      }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
