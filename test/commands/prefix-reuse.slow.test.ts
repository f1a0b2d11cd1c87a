import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { SILENT } from '../../src/core/log.ts';
import { synthesize, writeTrace } from '../../workloads/index.ts';
import { cli, temporaryFolder } from '../cli.ts';
import { readSummary } from '../written-files.ts';

const folder = temporaryFolder();

for (const [history, target] of [
  ['trace', 'vllm-v1'],
  ['live', 'vllm-v1'],
  ['trace', 'sglang'],
] as const)
  it(`with memory for all of it, ${target} finds what prompts repeat of ${history === 'live' ? 'the run' : 'the trace'}, within a point`, async () => {
    const path = join(folder, `${history}-${target}.rtrace.jsonl`);
    const parts = {
      arrivals: 'poisson:rate=0.5',
      turns: 'geometric:mean=5',
      think: 'exponential:mean=8s',
      input: 'lognormal:median=300,sigma=0.7,max=2000',
      output: 'geometric:mean=60',
      branchChance: 0.2,
      prefixes: 'groups:count=4,tokens=512',
    };
    const { source } = await synthesize({ seed: 2, durationS: 60, requests: null, make: { parts } });
    await writeTrace(source, { format: 'synth' }, { out: path, to: null, log: SILENT });
    const out = join(folder, `${history}-${target}`);
    const given = ['--clock', 'virtual', '--sessions', 'think', '--history', history, '--out', out, '--quiet'];
    const { code, stderr } = await cli(
      'run',
      path,
      '--target',
      `reference:${target},model=llama-3.1-8b,gpu=h100-sxm`,
      ...given,
    );
    assert.equal(code, 0, stderr);
    const { workload, delivered } = readSummary(out);
    const [limit, found] = [workload?.prefix_reuse ?? Number.NaN, delivered?.prefix_reuse ?? Number.NaN];
    assert.ok(limit > 0.5 && Math.abs(found - limit) < 0.01, `${found} of ${limit}`);
  });
