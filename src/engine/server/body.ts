import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendError } from './api-error.ts';

/** Prompts as token ids take some 6 bytes a token: far above any model's context. */
const BODY_LIMIT_BYTES = 64 * 1024 ** 2;

/**
 * Hands over the whole body as text. One that is larger than the limit is answered with 413, and the rest of it thrown
 * away; nothing is handed over then, or if the client goes away first.
 */
export function readBody(req: IncomingMessage, res: ServerResponse, done: (text: string) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const collect = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes <= BODY_LIMIT_BYTES) {
      chunks.push(chunk);
      return;
    }
    req.off('data', collect).off('end', finish).resume();
    res.setHeader('connection', 'close');
    sendError(res, 413, `The body is larger than ${BODY_LIMIT_BYTES} bytes.`);
  };
  const finish = (): void => done(Buffer.concat(chunks).toString());
  req.on('data', collect).on('end', finish);
}
