import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isInShard } from '../../src/core/shard.ts';
import type { Request } from '../../src/core/request.ts';

const request = (over: Partial<Request>): Request => ({
  id: 'r',
  traceRow: 2,
  dueUs: 0,
  inputTokens: 1,
  outputTokens: 1,
  ...over,
});
const anyRequests = fc.array(
  fc.oneof(
    fc.constant(request({})),
    fc.nat(20).map((session) => request({ session: `s${session}` })),
    fc.nat(20).map((tree) => request({ session: `t${tree}`, tree })),
  ),
  { maxLength: 100 },
);

describe('shards of a plan', () => {
  it('have each request once, and all turns of a session together', () => {
    fc.assert(
      fc.property(anyRequests, fc.integer({ min: 1, max: 7 }), (requests, of) => {
        const bySession = new Map<string, number>();
        for (const [position, each] of requests.entries()) {
          const shards = Array.from({ length: of }, (_, index) => index).filter((index) =>
            isInShard({ index, of }, each, position),
          );
          assert.equal(shards.length, 1);
          const [shard = -1] = shards;
          if (each.session !== undefined) assert.equal(bySession.get(each.session) ?? shard, shard);
          if (each.session !== undefined) bySession.set(each.session, shard);
        }
      }),
    );
  });

  it('are about as large as one another', () => {
    for (const shards of [2, 3, 8]) {
      const sizes = Array.from({ length: shards }, () => 0);
      for (let session = 0; session < 1000 * shards; session++)
        for (let index = 0; index < shards; index++)
          if (isInShard({ index, of: shards }, request({ session: `session-${session}` }), session))
            sizes[index] = (sizes[index] ?? 0) + 1;
      for (const size of sizes) assert.ok(size > 850 && size < 1150, sizes.join());
    }
  });
});
