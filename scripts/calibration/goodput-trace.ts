// How many requests `goodput --of trace` needs on the whole Azure conversation trace, with the four systems of
// ../shared/statistics, from 2.5 times too low and too high, and whether the goodput of a fine search lies in its bracket.
// Usage: node scripts/calibration/goodput-trace.ts [--systems v1,v0]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { goodputSchema } from '../../src/schema/goodput.ts';
import { AZURE } from './cases.ts';
import { TRAFFIC_SYSTEMS, type TrafficSystem } from './simulated-traffic.ts';

const { values } = parseArgs({ options: { systems: { type: 'string', default: '' } } });
const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');

/** The goodput of the trace itself, by bisection to 0.2 % of runs that are not cut. */
const fine = (system: TrafficSystem): number => searched(system, system.goodputRps.trace, '0.2%').low;

console.log('| system | first rate | bracket | fine search | inside | traces | s |\n|' + ' --- |'.repeat(7));
for (const system of TRAFFIC_SYSTEMS) {
  if (!values.systems.split(',').some((part) => system.name.includes(part))) continue;
  const truth = fine(system);
  for (const times of [1 / 2.5, 2.5]) {
    const { low, high, traces, seconds } = searched(system, truth * times, '5%');
    console.log(
      `| ${system.name} | ${(truth * times).toFixed(2)} | ${low.toFixed(2)}-${high.toFixed(2)} | ${truth.toFixed(2)} | ${low <= truth && truth < high ? 'yes' : 'no'} | ${traces.toFixed(2)} | ${seconds.toFixed(1)} |`,
    );
  }
}

function searched({ system, slo, clip }: TrafficSystem, rate: number, precision: string) {
  const out = mkdtempSync(join(tmpdir(), 'reprise-goodput-'));
  const begin = performance.now();
  try {
    const options = ['--target', `reference:${system}`, '--clock', 'virtual', '--rate', String(rate)];
    const limits = ['--slo', `ttft=${slo.ttft}ms,tpot=${slo.tpot}ms`, '--precision', precision];
    const clips = clip === null ? [] : ['--clip-input', String(clip[0]), '--clip-output', String(clip[1])];
    const args = ['goodput', AZURE, ...options, ...limits, ...clips, '--out', join(out, 'search'), '--json', '--quiet'];
    const json = execFileSync(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
    const { bracket_rps, traces_used } = goodputSchema.parse(JSON.parse(json.toString()));
    const [low, high] = [bracket_rps[0] ?? 0, bracket_rps[1] ?? Infinity];
    return { low, high, traces: traces_used, seconds: (performance.now() - begin) / 1000 };
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}
