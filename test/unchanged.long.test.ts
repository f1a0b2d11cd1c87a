import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { z } from 'zod';
import { engineCatalogue } from '../src/engine/index.ts';
import { run } from '../src/index.ts';
import { readJson, temporaryFolder } from './cli.ts';
import { shared } from './shared.ts';

const { runs } = z
  .looseObject({
    runs: z.array(
      z.object({
        trace: z.string(),
        limit: z.number(),
        system: z.string(),
        records_sha256: z.string(),
        scheduled: z.number(),
        by_outcome: z.record(z.string(), z.number()),
      }),
    ),
  })
  .parse(readJson(import.meta.dirname, 'fixtures', 'before-joints.json'));
const folder = temporaryFolder();

it('holds every system', () => {
  const held = new Set(runs.map(({ system }) => system));
  assert.deepEqual(
    engineCatalogue().systems.map(({ name }) => name),
    [...held],
  );
});

// By the program itself they gave these hashes. Here they share a process: 16 starts would take longer than the runs.
for (const { trace, limit, system, ...before } of runs) {
  const { path, skip } = shared(`traces/${trace}`);
  it(`${system} answers the first ${limit} requests of ${trace} as before`, { skip }, async () => {
    const out = join(folder, `${system}-${trace}`);
    const { summary } = await run({ workload: path, limit, target: `reference:${system}`, clock: 'virtual', out });
    const { requests, records_sha256 } = summary;
    const { scheduled, by_outcome } = requests;
    assert.deepEqual({ records_sha256, scheduled, by_outcome }, before);
  });
}
