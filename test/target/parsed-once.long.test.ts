import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { z } from 'zod';
import { readJson, startCli, temporaryFolder } from '../cli.ts';

const coverage = z.object({
  result: z.array(
    z.object({
      url: z.string(),
      functions: z.array(z.object({ functionName: z.string(), ranges: z.array(z.object({ count: z.number() })) })),
    }),
  ),
});

const folder = temporaryFolder();
const trace = join(folder, 'trace.csv');
writeFileSync(trace, 'arrival_s,input_tokens,output_tokens\n0,16,2\n0.1,16,2\n');

/** How often a process that loads `src/run` called a function of `file`, by V8's own count of calls. */
function calls(profiles: string, file: string, name: string): number {
  let sum = 0;
  for (const profile of readdirSync(profiles)) {
    const { result } = coverage.parse(readJson(profiles, profile));
    if (!result.some(({ url }) => url.endsWith('/src/run/run.ts'))) continue;
    for (const { functions } of result.filter(({ url }) => url.endsWith(file)))
      for (const { functionName, ranges } of functions) if (functionName === name) sum += ranges[0]?.count ?? 0;
  }
  return sum;
}

for (const clock of ['virtual', 'real'])
  it(`the target string of a run is parsed once (${clock} time)`, async () => {
    const profiles = join(folder, `profiles-${clock}`);
    const args = ['run', trace, '--clock', clock, '--target', 'reference:vllm-v1', '--out', join(folder, clock)];
    const { code, stderr } = await startCli(args, { NODE_V8_COVERAGE: profiles }).result;
    assert.equal(code, 0, stderr);
    assert.equal(calls(profiles, '/src/target/target-spec.ts', 'parseTarget'), 1);
    assert.equal(calls(profiles, '/src/engine/spec.ts', 'readEngineSpec'), 1);
  });
