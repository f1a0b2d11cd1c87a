// Prefill and decode servers driven by the client, on the reference engine. Usage:
//   node scripts/bench/handover.ts clocks [RUNS]        the system in virtual time, and its two ports over HTTP
//   node scripts/bench/handover.ts routers DIR [ROUNDS] the two ports, and the routers (installed into DIR) in front of them
// clocks: 500 requests at 2,000 output tokens/s, TTFT, TPOT and phases; fails where P50 or P90 are apart.
// routers: 200 requests alternating; fails where the median TTFT is 2 ms longer without the router, or counts differ.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { RequestRecord } from '../../src/core/record.ts';
import { readRecords } from '../../src/runs/records.ts';
import { installRouters, PD_ROUTERS, withRouter } from '../pd-routers.ts';
import { sharedPrefixTrace } from './shared-prefix-trace.ts';

/** Agreement of the clocks: within 5 % or 5 ms. */
const SHARE = 0.05;
const NEAR_MS = 5;
const LONGER_MS = 2;
const SUM_WITHIN_US = 1000;
const SYSTEM = 'vllm-pd,prefill=1,decode=1';
const PHASES = ['prefill_queue_us', 'prefill_us', 'transfer_us', 'decode_queue_us', 'decode_us'] as const;
const CALLS = ['prefill_call_us', 'handover_us', 'first_decode_us'] as const;

type Figure = (record: RequestRecord) => number | null;
const FIGURES: Readonly<Record<string, Figure>> = {
  TTFT: ({ token_times_us }) => token_times_us[0] ?? null,
  TPOT: ({ token_times_us }) =>
    token_times_us.length < 2
      ? null
      : ((token_times_us.at(-1) ?? 0) - (token_times_us[0] ?? 0)) / (token_times_us.length - 1),
  ...Object.fromEntries(PHASES.map((phase): [string, Figure] => [phase, (record) => record[phase]])),
};

const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
const folder = mkdtempSync(join(tmpdir(), 'reprise-handover-'));
let runs = 0;
let isApart = false;

try {
  const [what, ...rest] = process.argv.slice(2);
  if (what === 'clocks') await clocks(Number(rest[0] ?? 3));
  else if (what === 'routers' && rest[0] !== undefined) await routers(rest[0], Number(rest[1] ?? 3));
  else throw new Error('say clocks [RUNS], or routers DIR [ROUNDS]');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = isApart ? 1 : 0;

async function clocks(count: number): Promise<void> {
  const trace = join(folder, 'clocks.rtrace.jsonl');
  writeFileSync(trace, sharedPrefixTrace(500, 10, 200));
  const virtual = await run(trace, `reference:${SYSTEM}`, '--clock', 'virtual');
  const overHttp: RequestRecord[][] = [];
  for (let i = 0; i < count; i++)
    await withPorts(async (target) => {
      overHttp.push(await run(trace, target));
    });
  for (const [name, of] of Object.entries(FIGURES))
    for (const p of [0.5, 0.9]) {
      const within = quantileMs(virtual, of, p);
      const over = overHttp.map((records) => quantileMs(records, of, p));
      const apart = Math.abs(median(over) - within);
      const isFar = !(apart <= Math.max(SHARE * within, NEAR_MS));
      isApart ||= isFar;
      console.log(
        `${name} p${100 * p}: ${within.toFixed(2)} ms in virtual time, ${over.map((ms) => ms.toFixed(2)).join(', ')} over HTTP${isFar ? ': APART' : ''}`,
      );
    }
}

async function routers(dir: string, rounds: number): Promise<void> {
  installRouters(dir);
  const trace = join(folder, 'routers.rtrace.jsonl');
  writeFileSync(trace, sharedPrefixTrace(200, 8, 60));
  for (const router of PD_ROUTERS)
    await withRouter(router, dir, async (routerUrl, { prefill, decode }) => {
      const [direct, routed]: [number[], number[]] = [[], []];
      let worstSumUs = 0;
      let differing = 0;
      for (let round = 0; round < rounds; round++) {
        const own = await run(trace, `prefill=${prefill},decode=${decode}`, '--salt', `d${round}`);
        const theirs = await run(trace, routerUrl, '--adapter', router.dialect, '--salt', `r${round}`);
        direct.push(quantileMs(own, FIGURES['TTFT'], 0.5));
        routed.push(quantileMs(theirs, FIGURES['TTFT'], 0.5));
        const counts = new Map(theirs.map(({ request_id, output_tokens }) => [request_id, output_tokens]));
        differing += own.filter(({ request_id, output_tokens }) => counts.get(request_id) !== output_tokens).length;
        for (const record of own) {
          const sum = CALLS.reduce((total, call) => total + (record[call] ?? Number.NaN), 0);
          const ttftUs = (record.token_times_us[0] ?? Number.NaN) - ((record.sent_us ?? 0) - record.due_us);
          worstSumUs = Math.max(worstSumUs, Math.abs(sum - ttftUs));
        }
      }
      const longerMs = median(direct) - median(routed);
      const isBad = !(longerMs <= LONGER_MS && differing === 0 && worstSumUs <= SUM_WITHIN_US);
      isApart ||= isBad;
      const list = (all: readonly number[]): string => all.map((ms) => ms.toFixed(2)).join(', ');
      console.log(
        `${router.name}: median TTFT ${list(direct)} ms direct, ${list(routed)} through it: ${longerMs.toFixed(2)} ms longer; token counts that differ ${differing}; phases add up to TTFT within ${worstSumUs} us; load ${loadavg()[0]?.toFixed(1)}${isBad ? ': FAILS' : ''}`,
      );
    });
}

/** Starts the system with a port for prefills and one for decodes. */
async function withPorts(use: (target: string) => Promise<void>): Promise<void> {
  const engine = spawn(
    process.execPath,
    [CLI, 'engine', 'serve', '--system', SYSTEM, '--port', '0', '--decode-port', '0'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    const [line] = await once(createInterface(engine.stdout), 'line');
    const [, prefill, decode] = /on (\S+), for decodes on (\S+)$/.exec(String(line)) ?? [];
    await use(`prefill=${prefill},decode=${decode}`);
  } finally {
    engine.kill('SIGTERM');
  }
}

async function run(trace: string, target: string, ...options: readonly string[]): Promise<RequestRecord[]> {
  const out = join(folder, `run-${runs++}`);
  execFileSync(process.execPath, [CLI, 'run', trace, '--target', target, '--quiet', ...options, '--out', out]);
  const { validity } = z
    .object({ validity: z.object({ valid: z.boolean() }) })
    .parse(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')));
  if (!validity.valid) console.log(`not valid: ${target}`);
  const records: RequestRecord[] = [];
  for await (const batch of readRecords(out)) records.push(...batch);
  return records;
}

function quantileMs(records: readonly RequestRecord[], of: Figure | undefined, p: number): number {
  const values = records.map((record) => of?.(record) ?? null).filter((us) => us !== null);
  return (values.toSorted((a, b) => a - b)[Math.ceil(p * values.length) - 1] ?? Number.NaN) / 1000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
