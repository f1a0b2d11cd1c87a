// Writes a run of many requests, made as they are read, for vLLM and for AIPerf; prints the sizes of the files.
// Usage: node --max-old-space-size=24 test/results/write-large.ts FOLDER REQUESTS
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { RecordBatch } from '../../src/core/record.ts';
import { summarise } from '../../src/metrics/summarise.ts';
import { countedRun } from '../../src/results/counted-run.ts';
import { writeAiperf } from '../../src/results/writers/aiperf.ts';
import { writeVllm } from '../../src/results/writers/vllm.ts';
import { exampleManifest, inBatches } from '../reports/example-run.ts';
import { exampleRecord } from '../runs/example-records.ts';

const [folder = '', count = '0'] = process.argv.slice(2);
const TOKENS = 400;
const BATCH = 500;

async function* records(): AsyncGenerator<RecordBatch> {
  for (let from = 0; from < Number(count); from += BATCH)
    yield Array.from({ length: BATCH }, (_, i) => {
      const dueUs = (from + BATCH - i) * 1000;
      return exampleRecord({
        request_id: `r${from + i}`,
        due_us: dueUs,
        sent_us: dueUs,
        token_times_us: Float64Array.from({ length: TOKENS }, (__, token) => 100_000 + token * 20_011),
      });
    });
}

const few = [exampleRecord()];
const manifest = exampleManifest(few, { requests: 1, slo: null });
const run = countedRun(manifest, await summarise(inBatches(few), manifest), records);
await writeVllm(run, join(folder, 'vllm.json'));
const [, lines = ''] = await writeAiperf(run, join(folder, 'aiperf'));
console.log(statSync(join(folder, 'vllm.json')).size, statSync(lines).size);
