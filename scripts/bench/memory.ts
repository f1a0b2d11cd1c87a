// Peak memory (RSS), CPU and time of a run in virtual time and of its report, each a process, for traces of several lengths;
// the median of the rounds. Usage: node scripts/bench/memory.ts [REQUESTS,REQUESTS,... [ROUNDS]]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeLongTrace } from './long-trace.ts';
import { measured, medianText, type Taken } from './measured-command.ts';

const lengths = (process.argv[2] ?? '100000,300000').split(',').map(Number);
const rounds = Number(process.argv[3] ?? 3);
const folder = mkdtempSync(join(tmpdir(), 'reprise-memory-'));
const [trace, out] = [join(folder, 'trace.csv'), join(folder, 'run')];

const found = new Map<string, Taken[]>();
function note(name: string, args: readonly string[]): void {
  found.set(name, [...(found.get(name) ?? []), measured(args)]);
}
try {
  for (let round = 0; round < rounds; round++)
    for (const requests of lengths) {
      writeLongTrace(trace, requests);
      const slo = ['--slo', 'ttft=1s,tpot=50ms'];
      note(`run, ${requests} requests`, ['run', trace, '--clock', 'virtual', ...slo, '--quiet', '--out', out]);
      note(`report, ${requests} requests`, ['report', out]);
      rmSync(out, { recursive: true });
    }
} finally {
  rmSync(folder, { recursive: true });
}
const longest = Math.max(...[...found.keys()].map((name) => name.length));
for (const [name, taken] of found) {
  const of = (key: keyof Taken, digits: number): string =>
    medianText(
      taken.map((each) => each[key]),
      digits,
    );
  console.log(`${name.padEnd(longest)}  ${of('peakMib', 0)} MiB, ${of('cpuS', 1)} s of CPU, ${of('wallS', 1)} s`);
}
