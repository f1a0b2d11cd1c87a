import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { engineCatalogue } from '../../src/engine/index.ts';
import { readRecords } from '../../src/runs/records.ts';
import { cli, temporaryFolder } from '../cli.ts';

const folder = temporaryFolder();
const trace = join(folder, 'trace.csv');
/** No system takes the second. */
writeFileSync(trace, 'arrival_s,input_tokens,output_tokens\n0,10,5\n0.1,300000,5\n0.2,20,6\n');

const run = (engine: string, out: string): ReturnType<typeof cli> =>
  cli('run', trace, '--clock', 'virtual', '--target', `reference:${engine}`, '--out', out);

/** What cannot be, and the way out that the message names; unknown names of systems, models and keys: `mistakes.long.test.ts`. */
const MISTAKES: Readonly<Record<string, RegExp>> = {
  'vllm-v1,gpu=h100': /gpu "h100" is not known; did you mean "h100-sxm" or "h100-pcie"\?/,
  'vllm-v1,model=llama-3-70b': /llama-3-70b does not fit: .* share it by tp=2, or take a smaller model or a larger GPU/,
  'vllm-v0,model=opt-175b,gpu=a10': /opt-175b does not fit: .* share it by tp=8,pp=3, or take a smaller model/,
  'sarathi,instances=0': /instances=0 is not a whole number from 1 to 4096/,
  'sglang,router=least': /router "least" is not known; did you mean "least-requests" or "least-tokens"\?/,
  'vllm-v1,cost=rofline': /cost "rofline" is not known, nor a file's name, FILE\.csv; did you mean "roofline"\?/,
  'vllm-v1,cost=times.csv':
    /times\.csv cannot be read: .*; give the path of a table of measured times, or leave it out/,
  'simdistserve,prefill=0': /prefill=0 is not a whole number from 1 to 4096/,
  'simdistserve,prefill.tp=3': /prefill\.tp=3 does not divide opt-13b .*; prefill\.tp can be 1, 2, 4, 5, 8/,
  'simdistserve,instances=2': /"instances" is not an option of simdistserve; known: .*prefill.*, decode/,
  'vllm-v1,prefill=2,decode=2': /"prefill" is not an option of vllm-v1; known: .*instances/,
};

describe('an engine that cannot be', { concurrency: 2 }, () => {
  for (const [engine, message] of Object.entries(MISTAKES))
    it(`${engine}: one message that names the way out, nothing runs and nothing is written`, async () => {
      const out = join(folder, 'never');
      const { code, stdout, stderr } = await run(engine, out);
      assert.match(stderr, message);
      assert.deepEqual([code, stdout], [2, ''], stderr);
      assert.equal(stderr.match(/error:/g)?.length, 1, stderr);
      assert.doesNotMatch(stderr, /^\s+at .*:\d+/m, 'no stack trace');
      assert.equal(existsSync(out), false);
    });
});

describe('a request that can never fit is rejected, and the run goes on', { concurrency: 2 }, () => {
  for (const { name } of engineCatalogue().systems)
    it(name, async () => {
      const out = join(folder, name);
      const { code, stderr } = await run(name, out);
      assert.equal(code, 0, stderr);
      const told: unknown[] = [];
      for await (const batch of readRecords(out))
        for (const { trace_row, outcome, http_status, output_tokens, error } of batch) {
          told[trace_row] = [outcome, http_status, output_tokens];
          if (outcome === 'rejected')
            assert.match(error ?? '', /maximum context length is \d+ tokens: 300000 of the prompt and 5 /);
        }
      const [first, second, third] = told.filter((each) => each !== undefined);
      assert.deepEqual(
        [first, second, third],
        [
          ['ok', 200, 5],
          ['rejected', 400, null],
          ['ok', 200, 6],
        ],
      );
    });
});
