import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { UserError } from '../../src/core/errors.ts';
import { openResults } from '../../src/results/open-results.ts';
import { temporaryFolder } from '../cli.ts';
import {
  aiperfLines,
  aiperfSummary,
  guidellmReport,
  python,
  seenRequests,
  sglangResult,
  vllmAggregates,
  vllmResult,
} from './foreign-files.ts';

const folder = temporaryFolder();
const path = join(folder, 'result.json');

/** Reads a text to the last record. */
async function read(text: string): Promise<void> {
  writeFileSync(path, text);
  const { run } = await openResults(path, null);
  for await (const batch of run.records()) assert.ok(batch.length > 0);
}

async function refused(value: unknown, message: RegExp): Promise<void> {
  const text = typeof value === 'string' ? value : python(value);
  await assert.rejects(read(text), (error) => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, message);
    assert.ok(error.message.startsWith(path), error.message);
    return true;
  });
}

const seen = seenRequests(3);

it('a damaged file is refused by its key and value, and what was expected', async () => {
  await refused(vllmResult(seen, { ttfts: [0.1, 'soon', 0.1] }), /: ttfts\[1\] is "soon": expected a number; give /);
  await refused(
    vllmResult(seen, { itls: [[0.1], [-1], []] }),
    /: itls\[1\]\[0\] is -1: expected a number of 0 or more/,
  );
  await refused(
    vllmResult(seen, { output_lens: [1, 2] }),
    /: output_lens has 2 entries and input_lens 3: expected one/,
  );
  await refused(vllmResult(seen, { input_lens: undefined }), /: input_lens is missing: expected a list/);
  await refused(vllmResult([]), /: no request in it/);
  await refused(vllmResult(seen, { start_times: [0.5, 1, 1e300] }), /: start_times\[2\] is 1e\+300: expected/);
  await refused(
    sglangResult(seen, { output_lens: [1, 2, 1e12] }),
    /output_lens\[2\] is 1000000000000: expected at most/,
  );
  await refused(guidellmReport(), /: benchmarks is \[\]: expected at least one/);
  await refused(guidellmReport({ requests: { successful: [] } }), /: no request in it/);
  const [line] = aiperfLines(seen, () => ({ metadata: { request_start_ns: 'now' } }));
  await refused(line, /, line 1: metadata.request_start_ns is "now": expected nanoseconds since 1970/);
});

it('a file without requests is refused with what to add', async () => {
  await refused(vllmAggregates(seen), /run vllm bench serve with --save-result --save-detailed$/);
  await refused(sglangResult(seen, { ttfts: undefined, itls: undefined }), /run bench_serving with --output-details$/);
  await refused(aiperfSummary(), /AIPerf's aggregates, without requests, and result.jsonl is not beside it/);
  await refused({ duration: 1, completed: 1, request_throughput: 1, total_input_tokens: 1 }, /generates no tokens/);
});

it('other files are refused with what is read', async () => {
  await refused('', /: empty/);
  await refused('a,b\n1,2\n', /: not JSON /);
  await refused('[1]', /\[0\]: no result: a number/);
  await refused('[]', /: no result: an empty list/);
  await refused([{ benchmark: {}, metric: {} }], /PyTorch's benchmark records, .* give the result itself/);
  await refused('3', /: no result: a number/);
  await refused({ some: 1, thing: 2 }, /: no result that is known here: its keys are some, thing; what is read: vllm/);
  await refused({ run_id: 'x', plan_sha256: 'y' }, /: a file of a run of Reprise; name its directory/);
  await refused(python(vllmResult(seen)).slice(0, 400), /: is cut short /);
  await refused(`${python(aiperfLines(seen)[0])}\n{"metadata": {`, /, line 2: is cut short /);
});
