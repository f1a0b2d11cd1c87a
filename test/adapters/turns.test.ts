import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { makeCodec, type CodecOptions, type Deployment } from '../../adapters/index.ts';
import { isInShard } from '../../src/core/shard.ts';
import type { Request } from '../../src/core/request.ts';
import { promptMaker } from '../../workloads/index.ts';

const prefill = (endpoint: number) => ({ endpoint, host: 'p', port: 8000 + endpoint, bootstrapPort: null });
const DEPLOYMENTS: readonly Deployment[] = [
  { kind: 'replicas', router: 'round-robin', endpoints: [0, 1, 2] },
  {
    kind: 'disaggregated',
    router: 'round-robin',
    handover: 'vllm',
    prefill: [prefill(0), prefill(1)],
    decode: [2, 3, 4],
  },
  {
    kind: 'disaggregated',
    router: 'round-robin',
    handover: 'sglang',
    prefill: [prefill(0), prefill(1)],
    decode: [2, 3],
  },
];

const codecOf = (deployment: Deployment) => {
  const options: CodecOptions = { endpoint: 'completions', model: 'tiny', runId: 'run', deployment };
  return makeCodec('vllm', options, promptMaker({ seed: 1, blockTokens: null }));
};
const request = (i: number): Request => ({ id: `r${i}`, traceRow: i + 2, dueUs: i, inputTokens: 4, outputTokens: 1 });

describe('servers that take turns', () => {
  it('take the same requests of a plan, however many clients send it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...DEPLOYMENTS),
        fc.integer({ min: 2, max: 5 }),
        fc.nat(40),
        (deployment, workers, requests) => {
          const endpoints = (calls: readonly { readonly endpoint: number }[]): string =>
            calls.map(({ endpoint }) => endpoint).join();
          const one = codecOf(deployment);
          const alone = Array.from({ length: requests }, (_, i) => endpoints(one.open(request(i))));
          const together: string[] = [];
          for (let index = 0; index < workers; index++) {
            const codec = codecOf(deployment);
            for (let i = 0; i < requests; i++)
              if (isInShard({ index, of: workers }, request(i), i)) together[i] = endpoints(codec.open(request(i), i));
          }
          assert.deepEqual(together, alone);
        },
      ),
      { numRuns: 30 },
    );
  });
});
