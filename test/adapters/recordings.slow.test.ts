import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ADAPTERS, makeCodec } from '../../adapters/index.ts';
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
  const prompts = promptMaker({ seed: 1, blockTokens: null });
  const codec = makeCodec(adapter, { endpoint, model: 'm', runId: 'r' }, prompts);
  const seen: number[] = [];
  const texts: number[] = [];
  const decoder = codec.decoder(
    { id: 'r', traceRow: 1, dueUs: 0, inputTokens: 1, outputTokens: 1e6 },
    {
      tokens(n, hasText = n > 0) {
        seen.push(n);
        texts.push(hasText ? 1 : 0);
      },
    },
  );
  // Copies, so that a decoder that keeps the socket's buffer would be caught.
  for (const piece of [Buffer.from(body.subarray(0, at)), Buffer.from(body.subarray(at))]) {
    decoder.push(piece);
    piece.fill(0);
  }
  const fault = decoder.end()?.message ?? null;
  const events = {
    times: Float64Array.from(seen.keys()),
    counts: Uint32Array.from(seen),
    texts: Uint8Array.from(texts),
    events: seen.length,
  };
  const { times, source } = settleTokenTimes(events, 1e6, 0, decoder.response(200));
  return [times.length, source, fault];
}

/** The server's own count, in the last usage of the reply. */
function countIn(body: string): number {
  return Number([...body.matchAll(/"completion_tokens":\s*(\d+)/g)].at(-1)?.[1]);
}

/** Every 200 of a folder, by every codec, cut everywhere. */
function testReplies(folder: string, names: readonly string[]): void {
  for (const name of names) {
    const raw = readFileSync(`${folder}/${name}`);
    const head = raw.indexOf('\r\n\r\n') + 4;
    if (!raw.subarray(0, head).toString().startsWith('HTTP/1.1 200')) continue;
    const body = raw.subarray(head);
    const endpoint = name.includes('chat') ? 'chat' : 'completions';
    const source = body.includes('"token_ids":[') ? 'token_ids' : 'usage';
    for (const adapter of Object.keys(ADAPTERS).filter((each) => ADAPTERS[each]?.endpoints.includes(endpoint)))
      it(`${name}: the server's own count by codec ${adapter}, cut at every byte`, () => {
        for (let at = 0; at <= body.length; at++)
          assert.deepEqual(
            count(adapter, body, endpoint, at),
            [countIn(body.toString()), source, null],
            `cut at ${at}`,
          );
      });
  }
}

function repliesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.txt')) : [];
}

const given = shared('streams');
describe('recorded replies of real servers', { skip: given.skip }, () => {
  const names = repliesIn(given.path);
  it('are there', () => assert.ok(names.length >= 8, `${names.length} recordings`));
  testReplies(given.path, names);
});

const kept = join(import.meta.dirname, '..', 'fixtures', 'streams');
describe('replies kept by scripts/conformance.ts --record', () => {
  const names = repliesIn(kept);
  it('are there', () => assert.ok(names.length >= 4, `${names.length} recordings`));
  testReplies(kept, names);
});
