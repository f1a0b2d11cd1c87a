import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { CODECS } from '../../adapters/index.ts';
import { promptMaker } from '../../workloads/index.ts';
import { settleTokenTimes } from '../../src/replay/token-times.ts';
import { shared } from '../shared.ts';

/** Token counts after settling, and how they were known, for a body cut at `at`. */
function count(
  adapter: string,
  body: Buffer,
  endpoint: 'chat' | 'completions',
  at: number,
): [tokens: number, source: string | null, fault: string | null] {
  const codec = CODECS[adapter]?.({ endpoint, model: 'm', runId: 'r' }, promptMaker({ seed: 1, blockTokens: null }));
  assert.ok(codec);
  const seen: number[] = [];
  const decoder = codec.decoder(
    { id: 'r', traceRow: 1, dueUs: 0, inputTokens: 1, outputTokens: 1e6 },
    { tokens: (n) => seen.push(n) },
  );
  // Copies, so that a decoder that keeps the socket's buffer would be caught.
  for (const piece of [Buffer.from(body.subarray(0, at)), Buffer.from(body.subarray(at))]) {
    decoder.push(piece);
    piece.fill(0);
  }
  const fault = decoder.end()?.message ?? null;
  const events = { times: Float64Array.from(seen.keys()), counts: Uint16Array.from(seen), events: seen.length };
  const { times, source } = settleTokenTimes(events, 0, decoder.answer(200));
  return [times.length, source, fault];
}

/** What the server itself says in the last usage of the reply. */
function saidBy(body: string): number {
  return Number([...body.matchAll(/"completion_tokens":\s*(\d+)/g)].at(-1)?.[1]);
}

const folder = shared('streams');
describe('recorded replies of real servers', { skip: folder.skip }, () => {
  const names = existsSync(folder.path) ? readdirSync(folder.path).filter((name) => name.endsWith('.txt')) : [];
  it('are there', () => assert.ok(names.length >= 8, `${names.length} recordings`));
  for (const name of names) {
    const raw = readFileSync(`${folder.path}/${name}`);
    const head = raw.indexOf('\r\n\r\n') + 4;
    if (!raw.subarray(0, head).toString().startsWith('HTTP/1.1 200')) continue;
    for (const adapter of Object.keys(CODECS))
      it(`${name}: the server's own count by codec ${adapter}, cut at every byte`, () => {
        const body = raw.subarray(head);
        const endpoint = name.includes('chat') ? 'chat' : 'completions';
        const source = name.includes('tokenids') ? 'token_ids' : 'usage';
        for (let at = 0; at <= body.length; at++)
          assert.deepEqual(count(adapter, body, endpoint, at), [saidBy(body.toString()), source, null], `cut at ${at}`);
      });
  }
});
