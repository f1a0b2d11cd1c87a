import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf, UserError } from '../../core/errors.ts';
import { sendError } from './api-error.ts';
import { limitConnections } from './connection-limit.ts';
import type { Routes } from './routes.ts';

/** Where to listen. */
export interface Address {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

/** A server of these routes and no others. */
export function httpServer(routes: Routes, maxConnections: number): Server {
  const server = createServer({ noDelay: true });
  limitConnections(server, maxConnections, (req, res) => {
    const path = pathOf(req);
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (route === undefined) {
      sendError(res, 404, `There is no ${path}; there are ${Object.keys(routes).join(', ')}.`);
      return;
    }
    const [method, handler] = route;
    if (req.method === method) handler(req, res);
    else sendError(res.setHeader('allow', method), 405, `${path} takes ${method}, not ${req.method}.`);
  });
  // A replay opens its connections ahead and may leave one idle for long: it is the client who closes.
  server.keepAliveTimeout = 0;
  server.headersTimeout = 0;
  server.requestTimeout = 0;
  return server;
}

function pathOf(req: IncomingMessage): string {
  return (req.url ?? '/').split('?', 1)[0] ?? '/';
}

/** Connections of a replay's first second may all come at once. */
const BACKLOG = 4096;

/** Resolves with where it listens; throws a UserError when it cannot. */
export function listen(server: Server, { host, port }: Address, option: string): Promise<Address> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new UserError(
          `cannot listen on ${host}:${port}: ${messageOf(error)}; choose another ${option} (0: any that is free) or --host`,
          {
            cause: error,
          },
        ),
      ),
    );
    server.listen({ port, host, backlog: BACKLOG }, () => resolve({ host, port: portOf(server) }));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return isInternet(address) ? address.port : 0;
}

export function urlOf({ host, port }: Address): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Ends open connections too. */
export function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function isInternet(address: AddressInfo | string | null): address is AddressInfo {
  return address !== null && typeof address !== 'string';
}
