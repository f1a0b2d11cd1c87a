// What a change costs: the same measurements in another checkout (with its node_modules) and in this one, by turns, so
// that a busy machine slows both. Medians, their ratio, and whether it keeps to its limit; exits with 1 when one does
// not. Give it an idle machine (the same code differs by a fifth from round to round on a busy one): a round of all four
// takes two minutes.
// Usage: node scripts/bench/old-new.ts OLD_CHECKOUT [ROUNDS [simulation|place|client|timestamps]...]
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { placeExample, placeSha256 } from '../place-example.ts';

const CHECKOUTS = ['old', 'new'] as const;
const STREAMS = 500;
const TOKENS = 200;
const TICK_MS = 50;
/** Not that of client-cost.ts. */
const PORT = 18_432;

interface Measured {
  readonly value: number;
  /** What must be the same in every round of both checkouts. */
  readonly result?: string;
  readonly note?: string;
}

interface Part {
  readonly name: string;
  readonly what: string;
  readonly digits: number;
  /** Of new to old. */
  readonly limit: number;
  /** In the checkout `root`; `out` is a folder of its own that is not there yet. */
  readonly measure: (root: string, out: string) => Measured | Promise<Measured>;
}

const here = join(import.meta.dirname, '..', '..');
const bench = join(here, '..', 'shared', 'bench');
const azure = join(here, '..', 'shared', 'traces', 'AzureLLMInferenceTrace_conv.csv');
const folder = mkdtempSync(join(tmpdir(), 'reprise-old-new-'));

const PARTS: readonly Part[] = [
  { name: 'simulation', what: 'user CPU, s', digits: 2, limit: 1.15, measure: simulation },
  { name: 'place', what: 'user CPU, s', digits: 2, limit: 1.15, measure: place },
  { name: 'client', what: 'CPU us a token', digits: 2, limit: 1.05, measure: client },
  { name: 'timestamps', what: 'error p99, us', digits: 0, limit: 1.1, measure: timestamps },
];

function simulation(root: string): Measured {
  const { userS, stdout } = userCpu(root, [join(root, 'scripts', 'bench', 'simulation-cost.ts'), azure]);
  return { value: userS, result: found(/\d+ requests \(\d+ refused\), \d+ tokens/, stdout) };
}

function place(root: string, out: string): Measured {
  const { userS } = userCpu(root, [cliOf(root), ...placeExample(azure, out)]);
  return { value: userS, result: `place.json ${placeSha256(out).slice(0, 12)}` };
}

const summarySays = z.object({
  requests: z.object({ ok: z.number() }),
  validity: z.object({
    valid: z.boolean(),
    client_cpu_us_per_token: z.number(),
    spin_share: z.number(),
    core_wait_share: z.number().nullable(),
  }),
});

/** As client-cost.ts has it, without the floor: the other checkout stands in its place. */
async function client(root: string, out: string): Promise<Measured> {
  const server = spawn(tickServer(), [String(PORT), String(TICK_MS)], { stdio: 'inherit' });
  try {
    await new Promise((listening) => setTimeout(listening, 300));
    const args = [cliOf(root), 'run', ticksTrace(), '--target', `http://127.0.0.1:${PORT}`, '--out', out, '--quiet'];
    execFileSync(process.execPath, args, { cwd: root });
    const { requests, validity } = summarySays.parse(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')));
    const share = (of: number | null): string => (of === null ? 'not measured' : `${(of * 100).toFixed(1)} %`);
    return {
      value: validity.client_cpu_us_per_token,
      result: `${requests.ok} of ${STREAMS} ok`,
      note: `polled for ${share(validity.spin_share)}, waited for a core ${share(validity.core_wait_share)}, ${validity.valid ? 'valid' : 'NOT valid'}`,
    };
  } finally {
    server.kill();
  }
}

/** By each checkout's own script, which reads its own records: only what it prints has to stay as it is. */
function timestamps(root: string): Measured {
  const script = join(root, 'scripts', 'bench', 'timestamps.ts');
  const stdout = execFileSync(process.execPath, [script, '500', '400', '1'], { cwd: root, encoding: 'utf8' });
  const steady = found(/while all are open.*/, stdout);
  return { value: Number(/p99 (-?\d+) us/.exec(steady)?.[1]), note: steady };
}

/** Runs a script of a checkout; user CPU seconds of that process and its threads, as bash's own `time` says. */
function userCpu(root: string, args: readonly string[]): { userS: number; stdout: string } {
  const file = join(folder, 'user-cpu');
  // What the script itself has to say on stderr goes past the file.
  const timed = 'TIMEFORMAT=%3U; { time "$@" 2>&3; } 3>&2 2>"$0"';
  const stdout = execFileSync('bash', ['-c', timed, file, process.execPath, ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' }, // a decimal point
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { userS: Number(readFileSync(file, 'utf8')), stdout };
}

function tickServer(): string {
  const binary = join(folder, 'tick_server');
  execFileSync('cc', ['-O2', '-o', binary, join(bench, 'tick_server.c')]);
  return binary;
}

function ticksTrace(): string {
  const path = join(folder, 'ticks.csv');
  const rows = Array.from({ length: STREAMS }, (_, i) => `${(i / STREAMS).toFixed(6)},16,${TOKENS}`);
  writeFileSync(path, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);
  return path;
}

function cliOf(root: string): string {
  return join(root, 'src', 'cli.ts');
}

function found(pattern: RegExp, text: string): string {
  const [match] = pattern.exec(text) ?? [];
  if (match === undefined) throw new Error(`${String(pattern)} is not in what was printed:\n${text}`);
  return match;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = Math.floor(sorted.length / 2);
  const lower = sorted.length % 2 === 0 ? upper - 1 : upper;
  return ((sorted[lower] ?? Number.NaN) + (sorted[upper] ?? Number.NaN)) / 2;
}

/** Whether the new checkout keeps to the limit of this part, and gives what the old one gives. */
async function compare({ name, what, digits, limit, measure }: Part, old: string, rounds: number): Promise<boolean> {
  console.log(`${name}: ${what}`);
  const values: Record<(typeof CHECKOUTS)[number], number[]> = { old: [], new: [] };
  const results = new Set<string | undefined>();
  for (let round = 1; round <= rounds; round++)
    for (const which of CHECKOUTS) {
      const { value, result, note } = await measure(
        which === 'old' ? old : here,
        join(folder, `${name}-${which}-${round}`),
      );
      if (!Number.isFinite(value)) throw new Error(`${name} of the ${which} checkout: nothing measured`);
      values[which].push(value);
      results.add(result);
      const rest = [result, note].filter((each) => each !== undefined).join('; ');
      console.log(`  round ${round}, ${which}: ${value.toFixed(digits)}${rest === '' ? '' : ` (${rest})`}`);
    }
  const [before, after] = [median(values.old), median(values.new)];
  const isHeld = after / before <= limit;
  const isSame = results.size === 1;
  const least = CHECKOUTS.map((which) => Math.min(...values[which]).toFixed(digits)).join(' and ');
  console.log(
    `  median ${before.toFixed(digits)} old, ${after.toFixed(digits)} new (least ${least}): ratio ${(after / before).toFixed(3)}, at most ${limit}: ${isHeld ? 'held' : 'MISSED'}${isSame ? '' : '; the results DIFFER'}`,
  );
  return isHeld && isSame;
}

const [oldCheckout, roundsText = '5', ...asked] = process.argv.slice(2);
const rounds = Number(roundsText);
const unknown = asked.filter((name) => !PARTS.some((part) => part.name === name));
try {
  if (oldCheckout === undefined || !Number.isInteger(rounds) || rounds < 1 || unknown.length > 0)
    throw new Error(`usage: old-new.ts OLD_CHECKOUT [ROUNDS [${PARTS.map(({ name }) => name).join('|')}]...]`);
  const old = resolve(oldCheckout);
  console.log(`old ${old}, new ${here}; rounds: ${rounds}; load average ${loadavg()[0]?.toFixed(2)}`);
  for (const part of PARTS)
    if (asked.length === 0 || asked.includes(part.name)) if (!(await compare(part, old, rounds))) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
