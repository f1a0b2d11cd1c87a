import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { sendError } from './api-error.ts';

/** How long a connection too many may take to say what it wants before it is closed. */
const PATIENCE_MS = 5000;

/**
 * Lets `max` connections be open on `server` and calls `serve` for their requests. One too many is answered with 503
 * and closed, also when others have gone meanwhile.
 */
export function limitConnections(
  server: Server,
  max: number,
  serve: (req: IncomingMessage, res: ServerResponse) => void,
): void {
  const tooMany = new WeakSet<Socket>();
  let open = 0;
  server.on('connection', (socket: Socket) => {
    if (open >= max) {
      tooMany.add(socket);
      socket.setTimeout(PATIENCE_MS, () => socket.destroy());
      return;
    }
    open++;
    socket.once('close', () => open--);
  });
  server.on('request', (req: IncomingMessage, res: ServerResponse) => {
    if (!tooMany.has(req.socket)) {
      serve(req, res);
      return;
    }
    req.resume();
    res.setHeader('connection', 'close');
    sendError(res, 503, `${max} connections are open, which is all that are allowed (--max-connections).`);
  });
}
