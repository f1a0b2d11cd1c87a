import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import type { Request } from '../../../src/core/request.ts';
import { traffic } from '../../../workloads/transforms/traffic.ts';
import { UNHEARD } from '../../../workloads/transforms/transform.ts';

/** Rows a second or so apart, some of which share prefix blocks. */
function source(lengths: readonly number[]): Parameters<typeof traffic>[0] {
  const rows: Request[] = lengths.map((length, i) => ({
    id: `${i}`,
    traceRow: i + 2,
    dueUs: i * 1_000_000 + length,
    inputTokens: length,
    outputTokens: 1 + (length % 7),
    blocks: [1, 2 + (length % 3), 10 + i],
  }));
  return {
    name: 'rows',
    format: 'test',
    path: '',
    transforms: [],
    blockTokens: 16,
    open: async function* () {
      yield rows;
    },
  };
}

async function rowsOf(lengths: readonly number[], args: Parameters<typeof traffic>[1]): Promise<Request[]> {
  const all: Request[] = [];
  for await (const batch of traffic(source(lengths), args, UNHEARD).open()) all.push(...batch);
  return all;
}

it('traffic from a position on is the rest of the same traffic: draws, times, ids and prefix blocks', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 2, maxLength: 30 }),
      fc.constantFrom('trace', 'poisson'),
      fc.integer({ min: 0, max: 80 }),
      fc.integer(),
      async (lengths, arrivals, from, seed) => {
        const args = { arrivals, requests: 80, seed };
        const whole = await rowsOf(lengths, args);
        assert.equal(whole.length, 80);
        assert.deepEqual(await rowsOf(lengths, { ...args, from }), whole.slice(from));
      },
    ),
    { numRuns: 60 },
  );
});
