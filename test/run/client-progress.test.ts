import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { PROGRESS_BYTES, SharedProgress, totalProgress, type ClientProgress } from '../../src/run/client-progress.ts';

const anyProgress: fc.Arbitrary<ClientProgress> = fc.record(
  {
    due: fc.nat(),
    sent: fc.nat(),
    ok: fc.nat(),
    failed: fc.nat(),
    tokens: fc.nat(2 ** 40),
    inFlight: fc.nat(),
    held: fc.nat(),
  },
  { noNullPrototype: true },
);

it('progress is read as another thread wrote it, and that of several clients adds up', () => {
  fc.assert(
    fc.property(fc.array(anyProgress, { minLength: 1, maxLength: 8 }), (clients) => {
      const read = clients.map((progress) => {
        const memory = new SharedArrayBuffer(PROGRESS_BYTES);
        new SharedProgress(memory).write(progress);
        return new SharedProgress(memory).read();
      });
      assert.deepEqual(read, clients);
      const total = totalProgress(read);
      for (const field of ['due', 'sent', 'ok', 'failed', 'tokens', 'inFlight', 'held'] as const)
        assert.equal(
          total[field],
          clients.reduce((sum, client) => sum + client[field], 0),
        );
    }),
  );
});
