import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { z } from 'zod';
import { placeExample, placeSha256 } from '../scripts/place-example.ts';
import { cli, readJson, temporaryFolder } from './cli.ts';
import { readPlacement } from './written-files.ts';
import { shared } from './shared.ts';

const { place } = z
  .looseObject({ place: z.object({ trace: z.string(), sha256: z.string() }) })
  .parse(readJson(import.meta.dirname, 'fixtures', 'defaults.json'));
const folder = temporaryFolder();
const { path, skip } = shared(`traces/${place.trace}`);

// A file of its own, to run beside the others: it takes half a minute on two cores.
it('the placement search of the README finds what it found before', { skip }, async () => {
  const out = join(folder, 'placement');
  const { code, stdout, stderr } = await cli(...placeExample(path, out));
  assert.equal(code, 0, stderr);
  assert.equal(placeSha256(out), place.sha256);

  // Collocation carries more per GPU with either of the arrivals, so it is the headline.
  assert.match(stdout, /^● 2 collocated \(tp 4\) of vllm-v1 on 8 GPUs carry most per GPU/);
  const { best, contenders, trace_timing } = readPlacement(out);
  assert.deepEqual([best?.per_gpu.kind, best?.in_all.kind, best?.arrivals], ['collocated', 'collocated', 'trace']);
  const disaggregated = contenders.find(({ kind }) => kind === 'disaggregated');
  const [first] = contenders;
  assert.ok(first?.trace && disaggregated?.trace);
  // Where Poisson arrivals have 27.2 and 22.6 requests/s.
  assert.ok(Math.abs(first.trace.goodput_rps / 24.68 - 1) < 0.01, `${first.trace.goodput_rps}`);
  assert.ok(Math.abs(disaggregated.trace.goodput_rps / 20.98 - 1) < 0.01, `${disaggregated.trace.goodput_rps}`);
  assert.deepEqual([trace_timing?.requests, trace_timing?.left_behind], [16_528, 0]);
  assert.ok(trace_timing !== null && trace_timing.simulations < 60, 'the trace is replayed a bounded number of times');
});
