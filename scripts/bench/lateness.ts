// How late requests leave, at 50 to 5,000 a second with short answers: polling, and not polling, beside a dispatcher that
// does nothing but poll and send (bare-dispatcher.ts), each in turn in every round, against ../shared/bench/tick_server.
// Lateness in ms, the rate that was delivered, CPU of the client in cores. Ratios are those of a round.
// Usage: node scripts/bench/lateness.ts [--rounds 1] [--seconds 60] [REQUESTS_PER_S...]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { build, evenly, listening, median, REPRISE, writeTrace } from './ticks.ts';

const PORT = 18_433;
const TICK_MS = 5;
const TOKENS = 4;
const RATES = ['50', '200', '500', '1000', '2000', '5000'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '1' }, seconds: { type: 'string', default: '60' } },
});
const seconds = Number(values.seconds);
const folder = mkdtempSync(join(tmpdir(), 'reprise-lateness-'));

interface Measured {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly note: string;
}

const quantiles = z.object({ p50: z.number(), p99: z.number(), max: z.number() });
const bareSays = quantiles.extend({ cpu_s: z.number() });
const summarySays = z.object({
  requests: z.object({ ok: z.number(), scheduled: z.number() }),
  validity: z.object({ lateness_ms: quantiles }),
});
const manifestSays = z.object({
  client: z.object({ cpu_s: z.number(), duration_s: z.number(), core_wait_s: z.number().nullable() }),
});

function ours(ratePerS: number, poll: 'on' | 'off'): Measured {
  const out = join(folder, 'run');
  rmSync(out, { recursive: true, force: true });
  const trace = writeTrace(join(folder, 'trace.csv'), evenly(ratePerS * seconds, ratePerS), TOKENS);
  const target = ['--target', `http://127.0.0.1:${PORT}`, '--adapter', 'openai', '--model', 'tiny', '--poll', poll];
  execFileSync(process.execPath, [REPRISE, 'run', trace, ...target, '--out', out, '--quiet'], { stdio: 'ignore' });
  const { requests, validity } = summarySays.parse(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')));
  const { client } = manifestSays.parse(JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')));
  const cores = (client.cpu_s / client.duration_s).toFixed(2);
  const waited = (100 * (client.core_wait_s ?? Number.NaN)) / client.duration_s;
  const note = `${requests.ok} of ${requests.scheduled} ok, ${cores} cores, waited for a core ${waited.toFixed(1)} %`;
  return { ...validity.lateness_ms, note };
}

function bare(ratePerS: number): Measured {
  const args = [PORT, ratePerS, seconds, TOKENS].map(String);
  const script = join(import.meta.dirname, 'bare-dispatcher.ts');
  const { cpu_s, ...late } = bareSays.parse(
    JSON.parse(execFileSync(process.execPath, [script, ...args], { encoding: 'utf8' })),
  );
  return { ...late, note: `${(cpu_s / seconds).toFixed(2)} cores` };
}

const server = await listening(build('tick_server', folder), [PORT, TICK_MS]);
try {
  console.log(
    `${cpus().length} cores, load ${(loadavg()[0] ?? 0).toFixed(1)}, Node ${process.version}, ${seconds} s each`,
  );
  for (const rate of (positionals.length === 0 ? RATES : positionals).map(Number)) {
    const found: Record<string, Measured[]> = { bare: [], 'poll on': [], 'poll off': [] };
    for (let round = 1; round <= Number(values.rounds); round++)
      for (const [name, list] of Object.entries(found)) {
        const measured = name === 'bare' ? bare(rate) : ours(rate, name === 'poll on' ? 'on' : 'off');
        list.push(measured);
        const { p50, p99, max, note } = measured;
        const late = `p50 ${p50.toFixed(3)}, p99 ${p99.toFixed(3)}, most ${max.toFixed(2)} ms`;
        console.log(`  ${rate}/s, ${name}: ${late} (${note}; load ${(loadavg()[0] ?? 0).toFixed(1)})`);
      }
    for (const [name, list] of Object.entries(found)) {
      const ratio = median(list.map(({ p99 }, i) => p99 / (found['bare']?.[i]?.p99 ?? Number.NaN)));
      const beside = name === 'bare' ? '' : `, ${ratio.toFixed(1)} x bare`;
      console.log(`${rate}/s, ${name}: lateness p99 ${median(list.map(({ p99 }) => p99)).toFixed(3)} ms${beside}`);
    }
  }
} finally {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}
