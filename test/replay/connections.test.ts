import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { setImmediate as afterPoll } from 'node:timers/promises';
import fc from 'fast-check';
import { UserError } from '../../src/core/errors.ts';
import { Connections, type ConnectionMode } from '../../src/replay/connections.ts';
import { Descriptors } from '../../src/replay/descriptors.ts';
import type { HttpClient, OnOpened, Opened } from '../../src/replay/http-client.ts';
import { LocalPorts, type LocalEnd } from '../../src/replay/local-ports.ts';

/** Those that are kept for files. */
const SPARE = 64;
const LOOPBACK = new URL('http://127.0.0.1:8000');
const ELSEWHERE = new URL('http://10.1.2.3:8000');

function errorOf(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code });
}

interface Fake {
  readonly connections: Connections<Opened>;
  /** Opens a connection for a call: what came of it. */
  readonly call: () => Promise<Error | Socket>;
  readonly froms: LocalEnd[];
  readonly sockets: Socket[];
}

/** Sockets that are none; the system answers an attempt to open one as `system` says, null: it is open. */
function fake(
  system: (attempt: number, from: LocalEnd) => Error | null,
  options: { readonly origin?: URL; readonly limit?: number; readonly mode?: ConnectionMode } = {},
): Fake {
  const { origin = LOOPBACK, limit = Infinity, mode = 'reuse' } = options;
  const froms: LocalEnd[] = [];
  const sockets: Socket[] = [];
  let open: (callback: OnOpened<Opened>) => void = () => assert.fail('no client');
  const http = {
    open: (from: LocalEnd, callback: OnOpened<Opened>) => {
      const error = system(froms.length, from);
      froms.push(from);
      setImmediate(() => {
        if (error !== null) {
          callback(error, null);
          return;
        }
        const socket = new Socket();
        sockets.push(socket);
        callback(null, { socket });
      });
    },
    client: (opener: typeof open): HttpClient => {
      open = opener;
      return { dispatch: () => undefined, destroy: async () => undefined };
    },
  };
  const connections = new Connections(
    http,
    () => 0,
    mode,
    new Descriptors(undefined, 1, limit),
    new LocalPorts(origin),
  );
  const call = (): Promise<Error | Socket> => {
    connections.take();
    return new Promise((resolve) =>
      open((error, opened) => resolve(error ?? opened?.socket ?? assert.fail('neither'))),
    );
  };
  return { connections, call, froms, sockets };
}

describe('connections at the limits of the machine', () => {
  it('none is opened where the system forbids as many, and the message says how many files are needed', async () => {
    const { connections, froms } = fake(() => null, { limit: 200 });
    await assert.rejects(connections.open(200 - SPARE + 1), (thrown) => {
      assert.ok(thrown instanceof UserError);
      assert.match(thrown.message, /137 connections .* 200 open files; .*ulimit -n 201/);
      return true;
    });
    assert.equal(froms.length, 0);
    await connections.open(200 - SPARE);
    assert.equal(froms.length, 200 - SPARE);
    await connections.close();
  });

  it('files keep their descriptors: a connection beyond the limit is refused in words, until one has closed', async () => {
    const { call, sockets } = fake(() => null, { limit: SPARE + 3, mode: 'per-request' });
    for (let i = 0; i < 3; i++) assert.ok((await call()) instanceof Socket);
    const refused = await call();
    assert.ok(refused instanceof UserError);
    assert.match(refused.message, /needs 4 connections .*ulimit -n 68/);
    sockets[1]?.destroy();
    await afterPoll();
    assert.ok((await call()) instanceof Socket);
    for (const socket of sockets) socket.destroy();
  });

  it('says what to raise where the system has no descriptor left', async () => {
    for (const [code, says] of [
      ['EMFILE', /this process no open file .*ulimit -n/],
      ['ENFILE', /fs\.file-max/],
    ] as const) {
      const refused = await fake(() => errorOf(code), { mode: 'per-request' }).call();
      assert.ok(refused instanceof UserError);
      assert.match(refused.message, says);
    }
  });

  it('to a server on loopback comes from other addresses once ports run out, each local end once', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.boolean(), { maxLength: 25 }),
        async (own, more, taken) => {
          let ownLeft = own;
          let others = 0;
          const used = new Set<string>();
          const { call, froms, sockets } = fake(
            (_attempt, { localAddress, localPort }) => {
              if (localAddress === undefined) return ownLeft-- > 0 ? null : errorOf('EADDRNOTAVAIL');
              const end = `${localAddress}:${localPort}`;
              assert.match(localAddress, /^127\.0\.0\.(?:[2-9]|\d\d+)$/);
              assert.ok(localPort !== undefined && localPort >= 1024 && localPort < 65_536 && !used.has(end), end);
              used.add(end);
              return taken[others++] === true ? errorOf('EADDRINUSE') : null; // by another program
            },
            { mode: 'per-request' },
          );
          for (let i = 0; i < own + more; i++) assert.ok((await call()) instanceof Socket);
          assert.equal(sockets.length, own + more);
          assert.equal(froms.filter(({ localAddress }) => localAddress === undefined).length, own + 1);
          for (const socket of sockets) socket.destroy();
        },
      ),
      { numRuns: 20 },
    ));

  it('gets past the ports of other clients that came along the same way, however many', async () => {
    for (const others of [1, 40, 5000, 64_512, 200_000]) {
      const { call, froms, sockets } = fake(
        (attempt, { localAddress = '', localPort = 0 }) => {
          if (attempt === 0) return null;
          const place = (Number(localAddress.split('.')[3]) - 2) * 64_512 + localPort - 1024;
          return attempt === 1 || place < others ? errorOf('EADDRNOTAVAIL') : null;
        },
        { mode: 'per-request' },
      );
      for (let i = 0; i < 20; i++) assert.ok((await call()) instanceof Socket, `${others} others, connection ${i}`);
      assert.ok(froms.length < 20 + 32);
      for (const socket of sockets) socket.destroy();
    }
  });

  it('elsewhere, and where loopback has no other address, says how to get more ports', async () => {
    for (const origin of [ELSEWHERE, LOOPBACK]) {
      const { call, sockets } = fake((attempt) => (attempt === 0 ? null : errorOf('EADDRNOTAVAIL')), {
        origin,
        mode: 'per-request',
      });
      assert.ok((await call()) instanceof Socket);
      const refused = await call();
      assert.ok(refused instanceof UserError);
      assert.match(refused.message, /no local port .*ip_local_port_range.*--connections reuse/);
      for (const socket of sockets) socket.destroy();
    }
  });

  it('knows ports that were used up before its first connection, to an address of IPv4', async () => {
    const error = Object.assign(errorOf('EADDRNOTAVAIL'), { address: '10.1.2.3' });
    const refused = await fake(() => error, { origin: ELSEWHERE, mode: 'per-request' }).call();
    assert.ok(refused instanceof UserError);
    assert.match(refused.message, /no local port/);
  });

  it('an address that was never there is no lack of ports, and other errors stay as they are', async () => {
    for (const code of ['EADDRNOTAVAIL', 'ECONNREFUSED']) {
      const refused = await fake(() => errorOf(code), { mode: 'per-request' }).call();
      assert.ok(refused instanceof Error && !(refused instanceof UserError));
      assert.equal(refused.message, `connect ${code}`);
    }
    const { call, sockets } = fake((attempt) => (attempt === 0 ? null : errorOf('ECONNREFUSED')), {
      mode: 'per-request',
    });
    assert.ok((await call()) instanceof Socket);
    assert.ok(!((await call()) instanceof UserError));
    for (const socket of sockets) socket.destroy();
  });
});
