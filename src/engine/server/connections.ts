import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { machineUs } from '../../core/wall-clock.ts';

/** What a server lets its clients hold open. */
export interface ConnectionLimits {
  /** Connections that may be open at a time. */
  readonly open: number;
  /** The headers of a request, and then its body, have to come within this time each. */
  readonly requestMs: number;
  /** A connection may be without a request for so long: a replay opens its connections ahead of time. */
  readonly idleMs: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = { open: 16_384, requestMs: 60_000, idleMs: 600_000 };

/** A connection above the limit is closed when it has sent no request within this time. */
const REFUSAL_MS = 5000;
/** Connections are looked at so many times within the shorter of the limits, but not more often than that. */
const LOOKS = 10;
const LOOK_AT_MOST_EVERY_MS = 50;

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

interface Connection {
  /** Responses that have not ended, and the request that came last. */
  answering: number;
  request: IncomingMessage | null;
  /** When the last request came, or the last response ended; later bytes are of another request. */
  sinceMs: number;
  bytesRead: number;
  /** When it was seen that such a request has begun. */
  headersSinceMs: number | null;
}

/**
 * Calls `handler` for requests of the first `open` connections at a time, and `refuse` for those of any other, even if a
 * place has become free meanwhile. Connections that are idle for too long, or on which half a request came, are closed.
 */
export function limitConnections(
  server: Server,
  limits: ConnectionLimits,
  { handler, refuse }: { readonly handler: Handler; readonly refuse: Handler },
): void {
  const connections = new Map<Socket, Connection>();
  server.on('connection', (socket: Socket) => {
    if (connections.size >= limits.open) {
      socket.setTimeout(REFUSAL_MS, () => socket.destroy());
      return;
    }
    connections.set(socket, {
      answering: 0,
      request: null,
      sinceMs: nowMs(),
      bytesRead: 0,
      headersSinceMs: null,
    });
    socket.once('close', () => connections.delete(socket));
  });
  server.on('request', (req: IncomingMessage, res: ServerResponse) => {
    const { socket } = req;
    const connection = connections.get(socket);
    if (connection === undefined) {
      refuse(req, res);
      return;
    }
    connection.answering++;
    connection.request = req;
    connection.sinceMs = nowMs();
    connection.headersSinceMs = null;
    res.once('close', () => {
      connection.answering--;
      connection.sinceMs = nowMs();
      connection.bytesRead = socket.bytesRead;
    });
    handler(req, res);
  });
  const everyMs = Math.max(LOOK_AT_MOST_EVERY_MS, Math.min(limits.requestMs, limits.idleMs) / LOOKS);
  const look = setInterval(() => {
    for (const [socket, connection] of connections) if (isOver(socket, connection, limits)) socket.destroy();
  }, everyMs).unref();
  server.once('close', () => clearInterval(look));
}

function isOver(socket: Socket, connection: Connection, { requestMs, idleMs }: ConnectionLimits): boolean {
  const { answering, request, sinceMs, bytesRead } = connection;
  if (answering > 0) return request?.complete === false && nowMs() - sinceMs > requestMs;
  if (socket.bytesRead === bytesRead) return nowMs() - sinceMs > idleMs;
  connection.headersSinceMs ??= nowMs();
  return nowMs() - connection.headersSinceMs > requestMs;
}

function nowMs(): number {
  return machineUs() / 1000;
}
