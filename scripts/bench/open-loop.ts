// How true TTFT is in an open loop: Poisson arrivals at 35 requests/s, some 180 in flight, of 257 tokens each, from a
// tick_server (../shared/bench) that writes to all of them at once every 20 ms. By the records, against the first event's
// own time. Usage: node scripts/bench/open-loop.ts [--rounds 3] [--seconds 30] [on|off|auto...]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { randomStream, uniform } from '../../src/core/random.ts';
import { buildInStep, listening, median, writeTrace } from './ticks.ts';

const PORT = 18_435;
const TICK_MS = 20;
const RATE_PER_S = 35;
const TOKENS = 257;
const SEED = 1;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' }, seconds: { type: 'string', default: '30' } },
});
const folder = mkdtempSync(join(tmpdir(), 'reprise-open-loop-'));
const quantiles = z.object({ mean: z.number(), p99: z.number() });
const says = z.object({ p99: z.number(), ttft_true: quantiles, ttft_said: quantiles, ttft_error: quantiles });

function poisson(endS: number): number[] {
  const random = randomStream(SEED, 'arrivals');
  const arrivals: number[] = [];
  for (let s = 0; s < endS; s -= Math.log1p(-uniform(random)) / RATE_PER_S) arrivals.push(s);
  return arrivals;
}

const server = await listening(buildInStep(folder), [PORT, TICK_MS]);
try {
  console.log(`${cpus().length} cores, load ${(loadavg()[0] ?? 0).toFixed(1)}, Node ${process.version}`);
  const trace = writeTrace(join(folder, 'trace.csv'), poisson(Number(values.seconds)), TOKENS);
  for (const poll of positionals.length === 0 ? ['off', 'on'] : positionals) {
    const rounds: z.infer<typeof says>[] = [];
    for (let round = 1; round <= Number(values.rounds); round++) {
      const args = [join(import.meta.dirname, 'token-error.ts'), trace, `http://127.0.0.1:${PORT}`, poll];
      const found = says.parse(JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })));
      rounds.push(found);
      const { ttft_true, ttft_said, ttft_error } = found;
      console.log(
        `  poll ${poll}, round ${round}: TTFT mean ${ms(ttft_said.mean)} where it was ${ms(ttft_true.mean)}, p99 ${ms(ttft_said.p99)} where it was ${ms(ttft_true.p99)}; off by ${ms(ttft_error.mean)} on the mean, p99 ${ms(ttft_error.p99)}; tokens late by p99 ${ms(found.p99)} ms (load ${(loadavg()[0] ?? 0).toFixed(1)})`,
      );
    }
    const middle = (of: (found: z.infer<typeof says>) => number): string => ms(median(rounds.map(of)));
    console.log(
      `poll ${poll}: TTFT mean ${middle((each) => each.ttft_said.mean - each.ttft_true.mean)} ms high, p99 ${middle((each) => each.ttft_said.p99 - each.ttft_true.p99)} ms high; a request ${middle((each) => each.ttft_error.p99)} ms at p99`,
    );
  }
} finally {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}

function ms(us: number): string {
  return (us / 1000).toFixed(2);
}
