// What a token costs the client, beside the floor (../shared/bench/epoll_limit: C, one system call and one clock reading a
// read, nothing parsed), beside SGLang's Rust client where it is at hand, and by undici in place of our own reader: each
// in turn in every round, on the same streams. CPU of all threads while all streams flow, records written, not polling;
// then how late the recorded times are, against what the server wrote. Ratios are those of a round; medians of rounds.
// Usage: node scripts/bench/client-cost.ts [--rounds 3] [--rust _bench.cpython-311-x86_64-linux-gnu.so [--python python3.11]] [SCENARIO...]
// The Rust client is in the wheel sglang 0.5.23 (see ../shared/bench/rust_client.py) and needs Python 3.11, and nothing else.
import { execFileSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { readClientSamples } from '../../src/runs/client-file.ts';
import { build, buildInStep, end, evenly, listening, median, REPRISE, writeTrace } from './ticks.ts';

const bench = join(import.meta.dirname, '..', '..', '..', 'shared', 'bench');
const PORT = 18_431;
/** In-flight requests below this share of the most are a beginning or an end. */
const STEADY = 0.95;

interface Scenario {
  readonly streams: number;
  readonly tickMs: number;
  /** Of a request. */
  readonly tokens: number;
  /** In one event. Absent: 1. */
  readonly tokensAnEvent?: number;
  /** In one write of the server. Absent: 1. */
  readonly eventsAWrite?: number;
  /** Whether the server writes to all streams at once. */
  readonly isInStep?: boolean;
  /** Requests that come and go, in place of one for each stream. */
  readonly turnover?: { readonly ratePerS: number; readonly requests: number };
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  '1000x50': { streams: 1000, tickMs: 20, tokens: 400 },
  '1000x20': { streams: 1000, tickMs: 50, tokens: 160 },
  '200x50': { streams: 200, tickMs: 20, tokens: 400 },
  '16-tokens-an-event': { streams: 200, tickMs: 20, tokens: 6400, tokensAnEvent: 16 },
  '16-events-a-read': { streams: 200, tickMs: 20, tokens: 6400, eventsAWrite: 16 },
  'in-step': { streams: 1000, tickMs: 50, tokens: 160, isInStep: true },
  turnover: { streams: 1000, tickMs: 20, tokens: 400, turnover: { ratePerS: 125, requests: 3000 } },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    rust: { type: 'string' },
    python: { type: 'string', default: 'python3' },
  },
});
const rounds = Number(values.rounds);
const folder = mkdtempSync(join(tmpdir(), 'reprise-bench-'));
const tickServer = build('tick_server', folder);
const inStepServer = buildInStep(folder);
const epollLimit = build('epoll_limit', folder);

interface Measured {
  /** Us a token. */
  readonly cpu: number;
  readonly note: string;
}

const floorSays = z.object({ cpu_us_per_event: z.number() });
const rustSays = z.object({ us_per_token: z.number() });
const summarySays = z.object({
  requests: z.object({ ok: z.number() }),
  validity: z.object({ reading_us_per_token: z.number(), lateness_ms: z.object({ p99: z.number() }) }),
});
const errorSays = z.object({ p50: z.number(), p90: z.number(), p99: z.number() });

function floor({ streams, tokens, tokensAnEvent = 1 }: Scenario): Measured {
  const said = execFileSync(epollLimit, [PORT, streams, tokens].map(String), { encoding: 'utf8' });
  return { cpu: floorSays.parse(JSON.parse(said)).cpu_us_per_event / tokensAnEvent, note: '' };
}

function rust({ streams, tokens }: Scenario, lib: string): Measured {
  const args = [join(bench, 'rust_client.py'), lib, ...[PORT, streams, tokens].map(String)];
  const said = execFileSync(values.python, args, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return { cpu: rustSays.parse(JSON.parse(said.trim().split('\n').at(-1) ?? '')).us_per_token, note: '' };
}

async function ours(scenario: Scenario, path: string): Promise<Measured> {
  const out = join(folder, 'run');
  rmSync(out, { recursive: true, force: true });
  const target = ['--target', `http://127.0.0.1:${PORT}`, '--adapter', 'openai', '--model', 'tiny', '--poll', 'off'];
  const cli = [REPRISE, 'run', traceOf(scenario), ...target, '--out', out, '--quiet'];
  execFileSync(process.execPath, cli, { env: { ...process.env, REPRISE_HTTP: path }, stdio: 'ignore' });
  const { requests, validity } = summarySays.parse(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')));
  const late = `lateness p99 ${validity.lateness_ms.p99.toFixed(2)} ms`;
  return {
    cpu: await steadyCpu(out),
    note: `${validity.reading_us_per_token.toFixed(2)} for reading, ${requests.ok} ok, ${late}`,
  };
}

/** CPU us a token over the seconds in which nearly as many requests are in flight as ever. */
async function steadyCpu(out: string): Promise<number> {
  const samples = (await readClientSamples(out)) ?? [];
  const most = Math.max(...samples.map((sample) => sample.in_flight));
  const from = samples.findIndex((sample) => sample.in_flight >= STEADY * most);
  const to = samples.findLastIndex((sample) => sample.in_flight >= STEADY * most);
  const tokens = (samples[to]?.tokens ?? 0) - (samples[from]?.tokens ?? 0);
  return samples.slice(from + 1, to + 1).reduce((sum, { cpu_us }) => sum + cpu_us, 0) / tokens;
}

function traceOf({ streams, tokens, turnover }: Scenario): string {
  const { ratePerS = streams, requests = streams } = turnover ?? {};
  return writeTrace(join(folder, 'trace.csv'), evenly(requests, ratePerS), tokens);
}

/** How late tokens are recorded, in us. */
function lateTokens(scenario: Scenario, path: string, poll: 'on' | 'off'): z.infer<typeof errorSays> {
  const args = [join(import.meta.dirname, 'token-error.ts'), traceOf(scenario), `http://127.0.0.1:${PORT}`, poll];
  const env = { ...process.env, REPRISE_HTTP: path };
  return errorSays.parse(JSON.parse(execFileSync(process.execPath, args, { env, encoding: 'utf8' })));
}

function serve({ tickMs, tokensAnEvent = 1, eventsAWrite, isInStep = false }: Scenario): Promise<ChildProcess> {
  if (eventsAWrite === undefined) return listening(isInStep ? inStepServer : tickServer, [PORT, tickMs, tokensAnEvent]);
  return listening(process.execPath, [join(import.meta.dirname, 'burst-server.ts'), PORT, tickMs, eventsAWrite]);
}

async function measure(name: string, scenario: Scenario): Promise<void> {
  const server = await serve(scenario);
  const lib = values.rust;
  const hasRust = lib !== undefined && scenario.turnover === undefined;
  const readers: Readonly<Record<string, () => Measured | Promise<Measured>>> = {
    floor: () => floor(scenario),
    ...(hasRust ? { rust: () => rust(scenario, lib) } : {}),
    undici: () => ours(scenario, 'undici'),
    plain: () => ours(scenario, 'plain'),
  };
  const costs = new Map<string, number[]>();
  const ratios = new Map<string, number[]>();
  const errors = new Map<string, z.infer<typeof errorSays>[]>();
  const add = <T>(to: Map<string, T[]>, key: string, value: T): void =>
    void to.set(key, [...(to.get(key) ?? []), value]);
  try {
    for (let round = 1; round <= rounds; round++) {
      const now = new Map<string, number>();
      for (const [reader, read] of Object.entries(readers)) {
        const { cpu, note } = await read();
        now.set(reader, cpu);
        add(costs, reader, cpu);
        console.log(`  round ${round}: ${reader} ${cpu.toFixed(2)}${note === '' ? '' : ` (${note})`}`);
      }
      for (const [reader, cpu] of now)
        for (const beside of ['floor', 'rust'])
          if (now.has(beside)) add(ratios, `${reader} ${beside}`, cpu / (now.get(beside) ?? Number.NaN));
      if (
        scenario.tokensAnEvent !== undefined ||
        scenario.eventsAWrite !== undefined ||
        scenario.turnover !== undefined
      )
        continue;
      for (const path of ['undici', 'plain']) add(errors, path, lateTokens(scenario, path, 'off'));
      add(errors, 'plain, polling', lateTokens(scenario, 'plain', 'on'));
    }
  } finally {
    await end(server);
  }
  for (const [reader, list] of costs) {
    const beside = ['floor', 'rust'].flatMap((other) => {
      const of = ratios.get(`${reader} ${other}`);
      return of === undefined || other === reader ? [] : [`${median(of).toFixed(2)} x ${other}`];
    });
    console.log(`${name}: ${[`${reader} ${median(list).toFixed(2)} us a token`, ...beside].join(', ')}`);
  }
  for (const [path, list] of errors) {
    const at = (q: 'p50' | 'p90' | 'p99'): string => `${q} ${Math.round(median(list.map((each) => each[q])))} us`;
    console.log(`${name}: token times late by ${at('p50')}, ${at('p90')}, ${at('p99')} (${path})`);
  }
}

try {
  console.log(
    `${cpus().length} cores, load ${(loadavg()[0] ?? 0).toFixed(1)}, Node ${process.version}; ${rounds} rounds`,
  );
  for (const name of positionals.length === 0 ? Object.keys(SCENARIOS) : positionals) {
    const scenario = SCENARIOS[name];
    if (scenario === undefined) throw new Error(`${name} is none of ${Object.keys(SCENARIOS).join(', ')}`);
    await measure(name, scenario);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
