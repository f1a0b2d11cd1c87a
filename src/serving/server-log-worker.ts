import { readFileSync, writeSync } from 'node:fs';
import { z } from 'zod';
import { keyHider } from '../core/key-hider.ts';

/*
 * The process of `openServerLog`: copies its standard input to its standard output with keys hidden, until the last writer
 * is gone. It gets the keys as JSON on descriptor 3.
 */

/** A key in any coding, wrapped over lines, is shorter. */
const HELD = 4096;
/** A line that is not continued by then is written as it is. */
const IDLE_MS = 300;

const { hide } = keyHider(z.array(z.string()).parse(JSON.parse(readFileSync(3, 'utf8'))));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

let held = '';
let timer: NodeJS.Timeout | undefined;
// Each byte a character: what is no UTF-8 stays as it is.
process.stdin.setEncoding('latin1');
process.stdin.on('data', (text: string) => {
  clearTimeout(timer);
  held = hide(held + text);
  write(held.length - HELD);
  timer = setTimeout(() => write(held.length), IDLE_MS);
});
process.stdin.on('end', () => {
  clearTimeout(timer);
  write(held.length);
});

function write(length: number): void {
  if (length <= 0) return;
  const bytes = Buffer.from(held.slice(0, length), 'latin1');
  held = held.slice(length);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at);
  } catch {
    // On a full disk the log has a gap; a pipe that no one reads would end the server.
  }
}
