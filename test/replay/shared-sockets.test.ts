import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Descriptors, DESCRIPTORS_BYTES } from '../../src/replay/descriptors.ts';
import { LocalPorts } from '../../src/replay/local-ports.ts';

const NO_PORT = Object.assign(new Error('no port'), { code: 'EADDRNOTAVAIL' });

describe('the sockets of clients in several threads', () => {
  it('count against one limit of open files', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat(20)), { maxLength: 20 }), fc.nat(200), (taken, more) => {
        const memory = new SharedArrayBuffer(DESCRIPTORS_BYTES);
        const clients = Array.from({ length: 4 }, () => new Descriptors(memory, 4, 456));
        let open = 0;
        for (const [client, count] of taken) for (let i = 0; i < count; i++, open++) clients[client]?.take();
        for (const client of clients) assert.equal(client.problem(more) === null, open + more <= 200);
        if (open > 0) clients[0]?.give();
        assert.equal(clients[3]?.problem(1) === null, Math.max(0, open - 1) + 1 <= 200);
      }),
    );
  });

  it('come from addresses of their own once the system has no port left', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 100 }), (of, connections) => {
        const ends = Array.from({ length: of }, (_, index) => {
          const ports = new LocalPorts(new URL('http://127.0.0.1:8000'), { index, of });
          ports.opened();
          assert.deepEqual(ports.take(), {});
          assert.equal(ports.failed(NO_PORT, 1), 'again');
          return Array.from({ length: connections }, () => JSON.stringify(ports.take()));
        }).flat();
        assert.equal(new Set(ends).size, of * connections);
      }),
    );
  });

  it('come from addresses of their own to a server of this machine before the system has to search for ports', () => {
    for (const [host, isOwn] of [
      ['127.0.0.1', true],
      ['10.0.0.1', false],
      ['localhost', false],
    ] as const)
      for (const clients of [1, 4]) {
        const ports = new LocalPorts(new URL(`http://${host}:8000`), { index: 0, of: clients });
        for (let i = 0; i < 12_000 / clients; i++) {
          assert.deepEqual(ports.take(), {});
          ports.opened();
        }
        ports.closed();
        assert.deepEqual(ports.take(), {});
        ports.opened();
        assert.deepEqual(ports.take(), isOwn ? { localAddress: '127.0.0.2', localPort: 1024 } : {});
      }
  });
});
