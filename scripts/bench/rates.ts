// How fast each stage takes a long trace, one after another on the same requests: rows of the trace read a second, CPU of
// simulating a request, records written a second, and the time of the report. The median of the rounds, beside the machine.
// Usage: node scripts/bench/rates.ts [REQUESTS [ROUNDS]]
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecordBatch } from '../../src/core/record.ts';
import { openBlockingRecordStore } from '../../src/runs/record-store.ts';
import { readRecords } from '../../src/runs/records.ts';
import { createRunDirectory } from '../../src/runs/run-directory.ts';
import { countedSimulation, cpuSince, readTrace } from './counted-simulation.ts';
import { writeLongTrace } from './long-trace.ts';
import { measured, medianText } from './measured-command.ts';

const requests = Number(process.argv[2] ?? 1_000_000);
const rounds = Number(process.argv[3] ?? 3);
const SYSTEM = 'vllm-v1,model=llama-3.1-8b,gpu=h100-sxm';
/** Records in memory that are written again and again. */
const RECORDS = 10_000;

const folder = mkdtempSync(join(tmpdir(), 'reprise-rates-'));
const trace = join(folder, 'trace.csv');
const run = join(folder, 'run');
const copy = join(folder, 'copy');

const found = new Map<string, { readonly unit: string; readonly values: number[] }>();
function note(name: string, unit: string, value: number): void {
  const { values } = found.get(name) ?? { values: [] };
  found.set(name, { unit, values: [...values, value] });
}

/** Some records of the run, in memory. */
async function someRecords(): Promise<RecordBatch> {
  const some: RecordBatch[number][] = [];
  for await (const batch of readRecords(run)) {
    some.push(...batch);
    if (some.length >= RECORDS) break;
  }
  return some;
}

/** CPU seconds of writing them until `requests` records are on disk. */
async function written(some: RecordBatch): Promise<number> {
  createRunDirectory(copy);
  const begin = process.cpuUsage();
  const store = openBlockingRecordStore(copy, { worker: 0, journal: false });
  for (let of = 0; of < requests; of += some.length)
    store.finished(some.map((record, i) => ({ ...record, request_id: `${of + i}` })).slice(0, requests - of));
  await store.close();
  const seconds = cpuSince(begin);
  rmSync(copy, { recursive: true });
  return seconds;
}

try {
  writeLongTrace(trace, requests);
  measured(['run', trace, '--clock', 'virtual', '--slo', 'ttft=1s,tpot=50ms', '--quiet', '--out', run]);
  const some = await someRecords();
  for (let round = 0; round < rounds; round++) {
    note(
      'trace rows read',
      'a second of CPU',
      requests / measured(['trace', 'inspect', trace, '--json', '--quiet']).cpuS,
    );
    const report = measured(['report', run]);
    note('report', 's', report.wallS);
    note('report, CPU', 's', report.cpuS);
    note('records written', 'a second of CPU', requests / (await written(some)));
    const read = await readTrace(trace);
    const begin = process.cpuUsage();
    await countedSimulation(SYSTEM, read);
    note('simulation', 'us of CPU a request', (cpuSince(begin) * 1e6) / requests);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(
  `${requests} requests; ${cpus()[0]?.model}, ${cpus().length} cores, load ${(loadavg()[0] ?? 0).toFixed(1)}, Node ${process.version}; ${rounds} rounds`,
);
const longest = Math.max(...[...found.keys()].map((name) => name.length));
for (const [name, { unit, values }] of found)
  console.log(`${name.padEnd(longest)}  ${medianText(values, unit.startsWith('a second') ? 0 : 2)} ${unit}`);
