// What the workloads of DistServe's own simulator cost here, in CPU seconds beside its own (../shared/oracles), summed
// over its files: start-up, simulation alone, and whole runs with records, the last two warm.
// Usage: node scripts/bench/oracles.ts
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';

const empty = process.cpuUsage();
const { run: runProgram } = await import('../../src/index.ts');
const { countedSimulation, cpuSince, readTrace } = await import('./counted-simulation.ts');
const startUpS = cpuSince(empty);

const ORACLES = join(import.meta.dirname, '..', '..', '..', 'shared', 'oracles', 'simdistserve');
const SYSTEMS: Readonly<Record<string, string>> = {
  distserve: 'simdistserve,model=opt-13b,gpu=a100-sxm-80g,prefill=1,decode=1',
  vllm: 'simdistserve-vllm,model=opt-13b,gpu=a100-sxm-80g,instances=1',
};
/** CPU of simdistserve for one of its files: both ends of what the oracle page gives. */
const THEIRS_S = { from: 1.2, to: 2.2 };
/** How many times less it shall be here. */
const LIMITS = { simulation: 100, runs: 12 };

interface Workload {
  readonly path: string;
  readonly system: string;
}

const workloads: Workload[] = [];
for (const name of readdirSync(ORACLES)) {
  const [, trace = '', kind = ''] = /^(.*)\.(distserve|vllm)\.csv$/.exec(name) ?? [];
  const system = SYSTEMS[kind];
  if (system !== undefined) workloads.push({ path: join(ORACLES, `${trace}.trace.csv`), system });
}

const folder = mkdtempSync(join(tmpdir(), 'reprise-oracles-'));
let runs = 0;
/** CPU of a run until its records are on disk, and of all of it. */
async function run({ path, system }: Workload): Promise<{ recordsS: number; allS: number }> {
  const dir = join(folder, String(runs++));
  const begin = process.cpuUsage();
  let recordsS = Number.NaN;
  const endless = { timeout: '1000000s', ttftTimeout: '1000000s' };
  const { summary } = await runProgram(
    { workload: path, target: `reference:${system}`, clock: 'virtual', ...endless, out: dir },
    {
      nowIso: () => {
        // Asked at the start, and for the last time when the records are closed.
        recordsS = cpuSince(begin);
        return new Date().toISOString();
      },
    },
  );
  const allS = cpuSince(begin);
  if (summary.requests.ok !== summary.requests.scheduled) throw new Error(`${path}: not every request was answered`);
  rmSync(dir, { recursive: true });
  return { recordsS, allS };
}

try {
  let [coldS, warmS, tokens] = [0, 0, 0];
  const traces = await Promise.all(workloads.map(({ path }) => readTrace(path)));
  for (const pass of ['cold', 'warm'] as const)
    for (const [i, { system }] of workloads.entries()) {
      const trace = traces[i];
      if (trace === undefined) continue;
      const begin = process.cpuUsage();
      const simulated = await countedSimulation(system, trace);
      if (pass === 'cold') coldS += cpuSince(begin);
      else {
        warmS += cpuSince(begin);
        tokens += simulated.tokens;
      }
    }
  let [recordsS, allS] = [0, 0];
  for (const pass of ['cold', 'warm'] as const)
    for (const workload of workloads) {
      const cost = await run(workload);
      if (pass === 'cold') continue;
      recordsS += cost.recordsS;
      allS += cost.allS;
    }

  const [fromS, toS] = [THEIRS_S.from * workloads.length, THEIRS_S.to * workloads.length];
  const row = (what: string, seconds: number, limit?: number): void => {
    const verdict =
      limit === undefined ? '' : fromS / seconds >= limit ? `at least ${limit}: held` : `at least ${limit}: MISSED`;
    const ratio = `${(fromS / seconds).toFixed(0)}-${(toS / seconds).toFixed(0)}`;
    console.log(`${what.padEnd(46)}${seconds.toFixed(3).padStart(8)}${ratio.padStart(12)}  ${verdict}`);
  };
  console.log(
    `${workloads.length} workloads, ${tokens} tokens; simdistserve: ${fromS.toFixed(1)}-${toS.toFixed(1)} s of CPU; load average ${loadavg()[0]?.toFixed(2)}\n`,
  );
  console.log(`${''.padEnd(46)}${'CPU s'.padStart(8)}${'times less'.padStart(12)}`);
  console.log(`${'start-up: all modules loaded, once'.padEnd(46)}${startUpS.toFixed(3).padStart(8)}`);
  row('simulation, first pass', coldS);
  row('simulation, warm', warmS, LIMITS.simulation);
  row('runs, warm: simulation and records', recordsS, LIMITS.runs);
  row('the same with summary and HTML report', allS);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
