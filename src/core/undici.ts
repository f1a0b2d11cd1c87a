import { createRequire } from 'node:module';
import type undici from 'undici';

// Part by part: the package's entry loads fetch, caches and mocks too, three times the CPU of all that is used here, in
// every thread that speaks HTTP.
const part = createRequire(import.meta.url);

/** Opens sockets as undici's own clients do. */
export const buildConnector: typeof undici.buildConnector = part('undici/lib/core/connect.js');
/** HTTP over one connection. */
export const Client: typeof undici.Client = part('undici/lib/dispatcher/client.js');
/** HTTP to any server. */
export const Agent: typeof undici.Agent = part('undici/lib/dispatcher/agent.js');

/** What their `request` is, which the package's entry adds to all of them. */
const request: typeof undici.Dispatcher.prototype.request = part('undici/lib/api/api-request.js');
const dispatcher: typeof undici.Dispatcher = part('undici/lib/dispatcher/dispatcher.js');
Object.assign(dispatcher.prototype, { request });
