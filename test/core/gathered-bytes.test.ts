import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { GatheredBytes } from '../../src/core/gathered-bytes.ts';
import { collectGarbage } from '../../src/core/collect-garbage.ts';

describe('bytes that come in pieces', () => {
  it('are those of the pieces, which may change afterwards, and are gathered anew once taken', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), fc.option(fc.uint8Array()), (pieces, last) => {
        const gathered = new GatheredBytes();
        for (let time = 0; time < 2; time++) {
          for (const piece of pieces) {
            const sent = piece.slice();
            gathered.push(sent);
            sent.fill(7);
          }
          const all = Buffer.concat(pieces);
          assert.equal(gathered.length, all.length);
          assert.deepEqual(gathered.take(last ?? undefined), Buffer.concat([all, last ?? new Uint8Array()]));
          assert.equal(gathered.length, 0);
        }
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('take the memory of bytes, however small the pieces are', () => {
    const used = (): number => {
      collectGarbage();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const before = used();
    const gathered = new GatheredBytes();
    const slab = Buffer.alloc(2 ** 16);
    for (let i = 0; i < 600_000; i++) gathered.push(slab.subarray(i % 1000, (i % 1000) + 1));
    // A list of such pieces takes 80 MB.
    assert.ok(used() - before < 10e6, `${used() - before}`);
    assert.equal(gathered.take().length, 600_000);
  });
});
