/**
 * What is used of `node:http`. An import of it asks all its names for their values, and so loads Node's own `WebSocket`
 * and `fetch` with it: 40 ms of CPU in every process.
 */
export const { createServer, STATUS_CODES, validateHeaderName, validateHeaderValue } =
  process.getBuiltinModule('node:http');
