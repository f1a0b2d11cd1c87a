import type { Readable } from 'node:stream';
import { GatheredBytes } from '../core/gathered-bytes.ts';

/** More than any page that is read here; the rest of a larger one is not read. */
export const MAX_BYTES = 16 * 1024 ** 2;

/**
 * Given each chunk as it comes: in how many milliseconds the body is over if no more of it comes. Null: at its own end.
 */
export type Patience = (chunk: Buffer) => number | null;

/**
 * Reads a body to its end, or to where `patience` ends it: servers and proxies keep connections open behind answers
 * that are long whole. Its connection is closed then. Throws what the body throws.
 */
export async function readBody(body: Readable, patience: Patience): Promise<Buffer> {
  const bytes = new GatheredBytes();
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
      bytes.push(chunk);
      const restMs = patience(chunk);
      if (restMs === 0 || bytes.length > MAX_BYTES) break;
      if (restMs !== null) timer = setTimeout(end, restMs);
    }
  } catch (thrown) {
    if (!isOver) throw thrown;
  } finally {
    clearTimeout(timer);
  }
  return bytes.take();
}

const QUOTE = 34;
const BACKSLASH = 92;
const OPEN: ReadonlySet<number> = new Set([91, 123]);
const CLOSE: ReadonlySet<number> = new Set([93, 125]);
const SPACES: ReadonlySet<number> = new Set([9, 10, 13, 32]);

/** Ends a body that is one JSON object or list with its last byte. Each byte is looked at once, and parsed once. */
export function untilJson(): Patience {
  const text = new GatheredBytes();
  let depth = 0;
  let isInString = false;
  let isEscaped = false;
  let isJson = true;
  let isOver = false;
  const look = (byte: number): void => {
    if (isInString) {
      if (!isEscaped && byte === QUOTE) isInString = false;
      isEscaped = !isEscaped && byte === BACKSLASH;
    } else if (SPACES.has(byte)) return;
    else if (isOver || (depth === 0 && !OPEN.has(byte))) isJson = false;
    else if (byte === QUOTE) isInString = true;
    else if (OPEN.has(byte)) depth++;
    else if (CLOSE.has(byte) && --depth === 0) isOver = true;
  };
  return (chunk) => {
    if (!isJson || isOver) return null;
    text.push(chunk);
    for (const byte of chunk) look(byte);
    return isJson && isOver && parses(text.take()) ? 0 : null;
  };
}

function parses(text: Buffer): boolean {
  try {
    JSON.parse(text.toString('latin1'));
    return true;
  } catch {
    return false;
  }
}
