import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { z } from 'zod';
import type { RequestRecord } from '../../src/core/record.ts';
import { readRecords } from '../../src/runs/records.ts';
import { cli, temporaryFolder } from '../cli.ts';
import { DONE, sse } from '../servers.ts';

const folder = temporaryFolder();
const trace = join(folder, 'trace.csv');
const rows = Array.from({ length: 10 }, (_, i) => `${(i * 0.02).toFixed(2)},${40 + i},${10 + 7 * i}`);
writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);
const servers: Server[] = [];
after(() => servers.forEach((server) => server.close().closeAllConnections()));

const bodySchema = z.looseObject({
  prompt: z.array(z.number()),
  max_tokens: z.number(),
  return_token_ids: z.boolean().default(false),
  stream_options: z.looseObject({ continuous_usage_stats: z.boolean().default(false) }),
});

/** Tokens that the server adds to every prompt. */
const ADDED = 3;
const answered = (asked: number): number => Math.ceil(0.7 * asked);

/** Stops at 70 % of what was asked, puts three tokens into an event, and every other event has no text. */
async function oddServer(knows: 'token_ids' | 'usage' | 'neither'): Promise<string> {
  const server = createServer(async (request, response) => {
    if (request.method === 'GET') {
      if (request.url === '/v1/models') response.end(JSON.stringify({ data: [{ id: 'odd', owned_by: 'vllm' }] }));
      else response.writeHead(404).end();
      return;
    }
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const { prompt, max_tokens, return_token_ids, stream_options } = bodySchema.parse(JSON.parse(text));
    const total = answered(max_tokens);
    const usage = (so_far: number) => ({
      usage: { prompt_tokens: prompt.length + ADDED, completion_tokens: so_far, total_tokens: so_far },
    });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let at = 0, event = 0; at < total; at += 3, event++) {
      const ids = [7, 8, 9].slice(0, total - at);
      const choice = {
        index: 0,
        text: event % 2 === 0 ? ' a b c' : '',
        finish_reason: at + 3 >= total ? 'stop' : null,
        ...(knows === 'token_ids' && return_token_ids ? { token_ids: ids } : {}),
      };
      const counts = knows === 'usage' && stream_options.continuous_usage_stats ? usage(at + ids.length) : {};
      response.write(sse({ id: 'odd', choices: [choice], ...counts }));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    response.end(sse({ id: 'odd', choices: [], ...usage(total) }) + DONE);
  });
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return `http://127.0.0.1:${address.port}`;
}

describe('a server that stops early, merges tokens and sends empty texts', { concurrency: 3 }, () => {
  for (const [knows, source] of [
    ['token_ids', 'token_ids'],
    ['usage', 'usage'],
    ['neither', 'usage'],
  ] as const)
    it(`knows ${knows}: as many tokens and times as it says, its input tokens, counted by ${source}`, async () => {
      const out = join(folder, knows);
      const result = await cli('run', trace, '--target', await oddServer(knows), '--out', out);
      assert.equal(result.code, 0, result.stderr);
      const records: RequestRecord[] = [];
      for await (const batch of readRecords(out)) records.push(...batch);
      assert.equal(records.length, 10);
      for (const record of records) {
        const total = answered(record.output_tokens_planned ?? 0);
        assert.deepEqual(
          [record.outcome, record.output_tokens, record.token_times_us.length, record.token_count_source],
          ['ok', total, total, source],
        );
        assert.equal(record.input_tokens, (record.input_tokens_planned ?? 0) + ADDED);
        assert.equal(record.finish_reason, 'stop');
      }
    });
});
