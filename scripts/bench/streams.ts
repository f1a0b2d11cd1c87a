// 20,000 streams of a token a second held for a minute, by one client, against ../shared/bench/tick_server, a process of its
// own: what failed, peak memory of the client, its CPU while all are open, and how late token times are (a second run).
// The server and the client need a file descriptor a stream each: `ulimit -n 21000` first where it is lower.
// Usage: node scripts/bench/streams.ts [--streams 20000] [--seconds 60] [--rate 1000] (of their arrivals; 0: all at once)
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { readClientSamples } from '../../src/runs/client-file.ts';
import { build, evenly, listening, REPRISE, writeTrace } from './ticks.ts';

const PORT = 18_434;
const TICK_MS = 1000;

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '20000' },
    seconds: { type: 'string', default: '60' },
    rate: { type: 'string', default: '1000' },
  },
});
const [streams, seconds, rate] = [values.streams, values.seconds, values.rate].map(Number);
if (streams === undefined || seconds === undefined || rate === undefined) throw new Error('numbers expected');
const folder = mkdtempSync(join(tmpdir(), 'reprise-streams-'));
const summarySays = z.object({
  requests: z.object({
    ok: z.number(),
    scheduled: z.number(),
    failures: z.array(z.object({ outcome: z.string(), error: z.string().nullable(), count: z.number() })),
  }),
  validity: z.object({
    valid: z.boolean(),
    lateness_ms: z.object({ p50: z.number(), p99: z.number(), max: z.number() }),
  }),
});
const errorSays = z.object({ tokens: z.number(), p50: z.number(), p90: z.number(), p99: z.number() });

const server = await listening(build('tick_server', folder), [PORT, TICK_MS]);
try {
  console.log(`${cpus().length} cores, load ${(loadavg()[0] ?? 0).toFixed(1)}, Node ${process.version}`);
  // All of them are open for `seconds` once the last has come.
  const arrivals = rate === 0 ? evenly(streams, Infinity) : evenly(streams, rate);
  const tokens = seconds + Math.ceil(arrivals.at(-1) ?? 0) + 1;
  const trace = writeTrace(join(folder, 'trace.csv'), arrivals, tokens);
  const url = `http://127.0.0.1:${PORT}`;
  const out = join(folder, 'run');
  const target = ['--target', url, '--adapter', 'openai', '--model', 'tiny', '--poll', 'off'];
  // Node allows itself as many open files as the system lets it.
  const ran = spawnSync(process.execPath, [REPRISE, 'run', trace, ...target, '--out', out, '--quiet'], {
    encoding: 'utf8',
  });
  if (ran.stderr !== '') console.log(ran.stderr.trim());
  const { requests, validity } = summarySays.parse(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')));
  const samples = (await readClientSamples(out)) ?? [];
  const most = samples.reduce((max, { in_flight }) => Math.max(max, in_flight), 0);
  const all = samples.filter(({ in_flight }) => in_flight === most);
  const cpuUs = all.slice(1).reduce((sum, { cpu_us }) => sum + cpu_us, 0);
  const peak = samples.reduce((max, { rss_bytes }) => Math.max(max, rss_bytes ?? 0), 0);
  const { p50, p99, max } = validity.lateness_ms;
  console.log(
    `${requests.ok} of ${requests.scheduled} ok; ${most} at once, for ${all.length - 1} s; exit ${ran.status}`,
  );
  for (const { outcome, error, count } of requests.failures) console.log(`  ${count} ${outcome}: ${error}`);
  console.log(`peak memory ${(peak / 1e6).toFixed(0)} MB; ${(cpuUs / 1e6 / (all.length - 1)).toFixed(2)} cores`);
  console.log(
    `lateness p50 ${p50.toFixed(2)}, p99 ${p99.toFixed(2)}, most ${max.toFixed(1)} ms; valid: ${validity.valid}`,
  );
  const errors = errorSays.parse(
    JSON.parse(
      execFileSync(process.execPath, [join(import.meta.dirname, 'token-error.ts'), trace, url, 'off'], {
        encoding: 'utf8',
      }),
    ),
  );
  const at = (q: 'p50' | 'p90' | 'p99'): string => `${q} ${Math.round(errors[q])} us`;
  console.log(`${errors.tokens} token times late by ${at('p50')}, ${at('p90')}, ${at('p99')}`);
} finally {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}
