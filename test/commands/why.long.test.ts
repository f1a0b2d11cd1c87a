import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { z } from 'zod';
import { cli, startCli, temporaryFolder } from '../cli.ts';
import { DONE, maxTokens, serve, streamTokens, tokenEvent, type TestServer } from '../servers.ts';

const folder = temporaryFolder();
const servers: TestServer[] = [];
after(() => Promise.all(servers.map(({ close }) => close())));

const trace = join(folder, 'trace.csv');
const rows = Array.from({ length: 60 }, (_, i) => `${(i * 0.04).toFixed(2)},200,30`);
writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);

const summarySchema = z.object({ diagnosis: z.array(z.object({ code: z.string(), text: z.string() })) });

/** The diagnosis of a run, which has to stand in the terminal, the markdown and the page as in `summary.json`. */
async function diagnosis(name: string, target: string, ...options: string[]): Promise<Record<string, string>> {
  const out = join(folder, name);
  const { stdout, stderr } = await cli('run', trace, '--target', target, '--out', out, '--quiet', ...options);
  const found = summarySchema.parse(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'))).diagnosis;
  const [first] = found;
  assert.ok(first !== undefined, `${stdout}${stderr}`);
  const opening = first.text.split(/[:(]/)[0] ?? '';
  assert.ok(stdout.includes(`Why: ${opening}`), stdout);
  assert.ok(readFileSync(join(out, 'summary.md'), 'utf8').includes(`**Why:** ${opening}`));
  assert.ok(readFileSync(join(out, 'report.html'), 'utf8').includes(`<strong>Why:</strong> ${opening}`));
  return Object.fromEntries(found.map(({ code, text }) => [code, text]));
}

async function server(answer: (index: number, response: ServerResponse, tokens: number) => void): Promise<TestServer> {
  const made = await serve((index, _request, response, body) => answer(index, response, maxTokens(body)));
  servers.push(made);
  return made;
}

describe('the first paragraph names the cause', { concurrency: 1 }, () => {
  it('a server that refuses', async () => {
    const { url } = await server((index, response, tokens) => {
      if (index % 3 === 2) response.writeHead(503).end(JSON.stringify({ error: { message: 'the queue is full' } }));
      else void streamTokens(response, tokens, 2);
    });
    const { failures } = await diagnosis('refused', url.href, '--slo', 'ttft=500ms,tpot=50ms');
    assert.match(failures ?? '', /^The server refused 3\d(\.\d)? % of the requests \(HTTP 503\).*the queue is full/);
  });

  it('a proxy that holds tokens back', async () => {
    const { url } = await server((_index, response, tokens) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      setTimeout(() => response.end(tokenEvent().repeat(tokens - 1) + tokenEvent(' a', 'length') + DONE), 60);
    });
    const { proxy } = await diagnosis('buffered', url.href, '--slo', 'ttft=500ms,tpot=50ms');
    assert.match(proxy ?? '', /^Something on the way holds tokens back, such as a proxy that buffers/);
  });

  it('a cache that knows the prompts of an earlier run', async () => {
    const { child, result } = startCli(['engine', 'serve', '--port', '0']);
    try {
      const url = await new Promise<string>((resolve) =>
        child.stdout?.on('data', (text: Buffer) => {
          const [, found] = /listening on (\S+)/.exec(text.toString()) ?? [];
          if (found !== undefined) resolve(found);
        }),
      );
      const again = ['--salt', 'the same', '--slo', 'ttft=500ms,tpot=50ms'];
      await cli('run', trace, '--target', url, '--out', join(folder, 'first'), '--quiet', ...again);
      const { cache } = await diagnosis('second', url, ...again);
      assert.match(cache ?? '', /^A warm cache: the server still had 9\d(\.\d)? % of the prompts from an earlier run/);
    } finally {
      child.kill();
      await result;
    }
  });
});
