import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { z } from 'zod';
import { engineCatalogue } from '../src/engine/index.ts';
import { run } from '../src/index.ts';
import { readJson, temporaryFolder } from './cli.ts';
import { shared } from './shared.ts';

const schema = z.looseObject({
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
});
const read = (name: string) => schema.parse(readJson(import.meta.dirname, 'fixtures', name)).runs;

/** The options with which a system is what it was when the first fixture was made; null: it has been corrected since. */
const AS_BEFORE: Readonly<Record<string, string | null>> = {
  'vllm-v1': 'vllm-v1,version=0.10,async=off',
  // Its prompts begin to move with a decision, and its recomputed token has the price of a decode.
  'vllm-pd': null,
  sglang: 'sglang,version=0.4,async=off',
  // Its transfers go one at a time, and hold the blocks of the prompt.
  distserve: null,
};

const before = read('before-joints.json').flatMap(({ system, ...rest }) => {
  const spec = AS_BEFORE[system] === undefined ? system : AS_BEFORE[system];
  return spec === null ? [] : [{ system: spec, ...rest }];
});
const runs = [...before, ...read('defaults.json')];
const folder = temporaryFolder();

it('holds every system', () => {
  const held = new Set(runs.map(({ system }) => system.split(',')[0]));
  assert.deepEqual(
    engineCatalogue()
      .systems.map(({ name }) => name)
      .filter((name) => !held.has(name)),
    [],
  );
});

// By the program itself they gave these hashes. Here they share a process: a start for each would take longer than the runs.
for (const { trace, limit, system, ...expected } of runs) {
  const { path, skip } = shared(`traces/${trace}`);
  it(`${system} answers the first ${limit} requests of ${trace} as before`, { skip }, async () => {
    const out = join(folder, `${system.replaceAll(',', '-')}-${trace}`);
    const { summary } = await run({ workload: path, limit, target: `reference:${system}`, clock: 'virtual', out });
    const { requests, records_sha256 } = summary;
    const { scheduled, by_outcome } = requests;
    assert.deepEqual({ records_sha256, scheduled, by_outcome }, expected);
  });
}
