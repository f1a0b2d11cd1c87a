import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ln } from '../../src/core/portable-math.ts';
import { randomStream, uniform } from '../../src/core/random.ts';
import type { TraceInspection } from '../../src/core/trace-inspection.ts';
import { inspectTrace } from '../../workloads/index.ts';

/** What an inspection finds of rows of a native trace, whose header is `header`. */
export async function inspected(
  rows: readonly object[],
  header: object = { reprise_trace: 1, block_size: 16 },
): Promise<TraceInspection> {
  const dir = mkdtempSync(join(tmpdir(), 'reprise-trace-'));
  try {
    const file = join(dir, 'example.rtrace.jsonl');
    writeFileSync(file, [header, ...rows].map((row) => `${JSON.stringify(row)}\n`).join(''));
    return { ...(await inspectTrace(file)), file: '/traces/example.rtrace.jsonl' };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Chat of many sessions whose prompts grow, half an hour that has all that a page shows. */
export function exampleTrace(sessions = 150): Promise<TraceInspection> {
  const random = randomStream(7, 'example trace');
  const rows: { t_us: number; [field: string]: unknown }[] = [];
  let [id, startUs] = [100, 0];
  for (let session = 0; session < sessions; session++) {
    startUs += Math.round(-ln(1 - uniform(random)) * (session % 50 < 25 ? 4e6 : 20e6));
    let [us, blocks] = [startUs, [1, 2, 3, 4].slice(0, 1 + (random() % 4))];
    for (let turn = 0; turn <= random() % 5; turn++) {
      const fresh = 2 + (random() % 40);
      blocks = [...blocks, ...Array.from({ length: fresh }, () => id++)];
      const output = 5 + (random() % (20 + fresh * 10));
      const e2eUs = 400_000 + output * 20_000;
      rows.push({
        t_us: us,
        input_tokens: blocks.length * 16,
        output_tokens: output,
        blocks,
        session: `s${session}`,
        turn,
        class: session % 3 === 0 ? 'batch' : 'chat',
        model: 'llama',
        source_e2e_us: e2eUs,
      });
      us += e2eUs + 1_000_000 + Math.round(-ln(1 - uniform(random)) * 30e6);
    }
  }
  return inspected(rows.toSorted((a, b) => a.t_us - b.t_us));
}
