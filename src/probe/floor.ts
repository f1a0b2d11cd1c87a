import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { Client } from '../core/undici.ts';
import { machineUs } from '../core/wall-clock.ts';
import { pagePaths, type ServerAccess } from '../replay/transport.ts';
import type { ProbeFloor } from '../schema/probe.ts';
import { latencyOf } from './latency.ts';
import { foundIn, part } from './part.ts';

const HANDSHAKES = 50;
const ROUND_TRIPS = 50;
/** Of all handshakes, or all round trips, together. */
const LIMIT_MS = 5000;
/** Of one handshake. */
const HANDSHAKE_MS = 1000;
const CLOCK_READINGS = 20_000;
/** Records hold whole microseconds. */
const RECORD_STEP_MS = 0.001;

/** Pages that cost a server least; the first that there is. */
const PAGES = ['/health', '/v1/models'];

/** What network, clock and client alone add to every latency. */
export async function measureFloor(access: ServerAccess): Promise<ProbeFloor> {
  const clockStepUs = clockStep();
  const client = await clientHandshakes();
  const server = foundIn(await part(access, 2 * LIMIT_MS, ({ url, stop }) => handshakes(url, stop))) ?? NONE;
  const trips = foundIn(await part(access, 2 * LIMIT_MS, roundTrips));
  const shaken = latencyOf(server.ms);
  return {
    clock_step_us: clockStepUs,
    client_handshake_ms: latencyOf(client.ms),
    handshake_ms: shaken,
    handshake_failures: server.failed,
    round_trip_ms: trips === null ? null : latencyOf(trips.ms),
    page: trips?.page ?? null,
    resolution_ms: shaken === null ? null : Math.max(shaken.p99 - shaken.p50, clockStepUs / 1000, RECORD_STEP_MS),
  };
}

/** The smallest difference of two readings, in microseconds. */
function clockStep(): number {
  let stepUs = Infinity;
  let before = machineUs();
  for (let i = 0; i < CLOCK_READINGS; i++) {
    const now = machineUs();
    if (now > before) stepUs = Math.min(stepUs, now - before);
    before = now;
  }
  return stepUs;
}

interface Handshakes {
  readonly ms: number[];
  readonly failed: number;
}

const NONE: Handshakes = { ms: [], failed: 0 };

/** With a listener of this process: what the kernel and this event loop take, without a network. */
async function clientHandshakes(): Promise<Handshakes> {
  const listener = createServer((socket) => socket.destroy());
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  try {
    if (typeof address !== 'object' || address === null) return NONE;
    return await handshakes(new URL(`http://127.0.0.1:${address.port}`));
  } finally {
    listener.close();
  }
}

/** Fresh TCP handshakes with a server, one after another; its name is resolved once. */
async function handshakes(url: URL, stop?: AbortSignal): Promise<Handshakes> {
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  const address = await listeningAddress(url.hostname.replaceAll(/^\[|\]$/g, ''), port);
  const ms: number[] = [];
  let failed = 0;
  const endUs = machineUs() + LIMIT_MS * 1000;
  for (let i = 0; i < HANDSHAKES && machineUs() < endUs; i++) {
    if (stop?.aborted === true) break;
    const tookMs = await handshake(address, port);
    if (tookMs === null) failed++;
    else ms.push(tookMs);
  }
  return { ms, failed };
}

/** `localhost` is two addresses, and a server may listen on the second alone. */
async function listeningAddress(hostname: string, port: number): Promise<string> {
  const addresses = await lookup(hostname, { all: true });
  for (const { address } of addresses) if ((await handshake(address, port)) !== null) return address;
  return addresses[0]?.address ?? hostname;
}

/** Milliseconds from the call to the connection; null: there was none. */
async function handshake(host: string, port: number): Promise<number | null> {
  const startUs = machineUs();
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(HANDSHAKE_MS) });
    return (machineUs() - startUs) / 1000;
  } catch {
    return null;
  } finally {
    // What it still has to say is of no use.
    socket.on('error', () => undefined).destroy();
  }
}

/** GETs of a cheap page on an open connection, one after another; null where there is none. */
async function roundTrips(access: ServerAccess): Promise<{ readonly page: string; readonly ms: number[] } | null> {
  const { url, headers, insecure, stop } = access;
  const client = new Client(url.origin, { connect: { rejectUnauthorized: !insecure } });
  const get = async (path: string): Promise<number> => {
    const { statusCode, body } = await client.request({
      method: 'GET',
      path,
      headers: { ...headers },
      signal: stop ?? null,
    });
    await body.dump();
    return statusCode;
  };
  try {
    for (const page of PAGES)
      for (const path of pagePaths(access, page)) {
        const status = await get(path);
        if (status < 200 || status >= 300) continue;
        const ms: number[] = [];
        const endUs = machineUs() + LIMIT_MS * 1000;
        for (let i = 0; i < ROUND_TRIPS && machineUs() < endUs; i++) {
          const startUs = machineUs();
          await get(path);
          ms.push((machineUs() - startUs) / 1000);
        }
        return { page, ms };
      }
    return null;
  } finally {
    await client.destroy();
  }
}
