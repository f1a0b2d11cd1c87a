import type { Readable } from 'node:stream';

/** More than any page that is read here; the rest of a larger one is not read. */
const MAX_BYTES = 16 * 1024 ** 2;

/**
 * Given each chunk as it comes: in how many milliseconds the body is over if no more of it comes. Null: at its own end.
 */
export type Patience = (chunk: Buffer) => number | null;

/**
 * Reads a body to its end, or to where `patience` ends it: servers and proxies keep connections open behind answers
 * that are long whole. Its connection is closed then. Throws what the body throws.
 */
export async function readBody(body: Readable, patience: Patience): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let isOver = false;
  const end = (): void => {
    isOver = true;
    body.destroy();
  };
  let timer: NodeJS.Timeout | undefined;
  try {
    for await (const chunk of body) {
      if (!Buffer.isBuffer(chunk)) continue;
      clearTimeout(timer);
      chunks.push(chunk);
      bytes += chunk.length;
      const restMs = patience(chunk);
      if (restMs === 0 || bytes > MAX_BYTES) break;
      if (restMs !== null) timer = setTimeout(end, restMs);
    }
  } catch (thrown) {
    if (!isOver) throw thrown;
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks);
}

/** Ends a body that is one JSON value with its last byte. */
export function untilJson(): Patience {
  let text = '';
  return (chunk) => {
    text += chunk.toString('latin1');
    if (!/[}\]]\s*$/.test(text.slice(-64))) return null;
    try {
      JSON.parse(text);
      return 0;
    } catch {
      return null;
    }
  };
}
