import type { IncomingMessage } from 'node:http';

/** Prompts as token ids take some 6 bytes a token: far above any model's context. */
export const BODY_LIMIT_BYTES = 64 * 1024 ** 2;

/**
 * Hands over the whole body as text; null once it is larger than the limit, and the rest is thrown away. Nothing is
 * handed over if the client goes away first.
 */
export function readBody(req: IncomingMessage, done: (text: string | null) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const collect = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes <= BODY_LIMIT_BYTES) {
      chunks.push(chunk);
      return;
    }
    req.off('data', collect).off('end', finish).resume();
    done(null);
  };
  const finish = (): void => done(Buffer.concat(chunks).toString());
  req.on('data', collect).on('end', finish);
}
