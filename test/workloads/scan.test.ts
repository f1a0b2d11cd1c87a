import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import type { Source } from '../../src/core/plan.ts';
import { openSource, resolveWorkload, scanPlan } from '../../workloads/index.ts';
import { temporaryFiles, withTransforms } from './temporary-files.ts';

const file = temporaryFiles();
const HEADER = 'arrival_s,input_tokens,output_tokens\n';
const open = (path: string): ReturnType<typeof openSource> => openSource(path, { onBadRow: 'fail' });

async function digestOf(source: Source, seed = 1): Promise<string> {
  return (await scanPlan(source, seed)).digest;
}

it('counts, sums and names the load', async () => {
  const path = file('a.csv', `${HEADER}0,10,5\n1.5,20,6\n`);
  const facts = await scanPlan(await open(path), 1);
  const { digest, ...rest } = facts;
  assert.deepEqual(rest, {
    requests: 2,
    classes: [null],
    firstDueUs: 0,
    warnings: [],
    lastDueUs: 1_500_000,
    firstDueAfterWarmupUs: 0,
    firstRequests: [],
    busiest: { requestsPerS: 1, tokensPerS: 1.1 },
    inputTokens: 30,
    outputTokens: 11,
    minInputTokens: 10,
    maxInputTokens: 20,
    maxOutputTokens: 6,
    longest: { id: 'r1', traceRow: 3, inputTokens: 20, outputTokens: 6 },
    prefixReuse: null,
    sourceSha256: createHash('sha256').update(readFileSync(path)).digest('hex'),
  });
  assert.match(digest, /^[0-9a-f]{64}$/);
});

it('tells what an endless prefix cache would have of the prompts, as they are after transforms', async () => {
  const rows = [
    { t_us: 0, input_tokens: 32, output_tokens: 1, blocks: [1, 2] },
    { t_us: 1, input_tokens: 48, output_tokens: 1, blocks: [1, 2, 3] },
  ];
  const lines = [{ reprise_trace: 1, block_size: 16 }, ...rows].map((row) => JSON.stringify(row));
  const source = await open(file('prefix.rtrace.jsonl', `${lines.join('\n')}\n`));
  assert.equal((await scanPlan(source, 1)).prefixReuse, 32 / 80);
  const clipped = await withTransforms(source, { op: 'clip-input', args: { tokens: 16 } });
  assert.equal((await scanPlan(clipped, 1)).prefixReuse, 16 / 32);
});

it('the digest is that of the load: the same from another format, another with any change', async () => {
  const plain = await open(file('b.csv', `${HEADER}0,10,5\n1.5,20,6\n`));
  const base = await digestOf(plain);
  const azure = `TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.5000000,10,5\r\n2023-11-16 18:15:48.0000000,20,6`;
  assert.equal(await digestOf(await open(file('c.csv', azure))), base);
  const others = await Promise.all([
    digestOf(plain, 2),
    digestOf(await withTransforms(plain, { op: 'speed', args: { factor: 2 } })),
    digestOf(await withTransforms(plain, { op: 'limit', args: { requests: 1 } })),
    digestOf(await open(file('d.csv', `${HEADER}0,10,5\n1.5,20,7\n`))),
    digestOf(await open(file('e.csv', `${HEADER}0,10,5\n1.500001,20,6\n`))),
  ]);
  assert.equal(new Set([base, ...others]).size, 6);
});

it('a trace without a request is refused', async () => {
  await assert.rejects(scanPlan(await open(file('f.csv', HEADER)), 1), /f\.csv.*no request/);
});

it('the bundled sample is what npm start promises: under a minute, no longer than 600 tokens an answer', async () => {
  const facts = await scanPlan(await open(resolveWorkload('chat')), 1);
  assert.ok(facts.requests > 200 && facts.requests < 350, `${facts.requests}`);
  assert.ok(facts.lastDueUs > 40e6 && facts.lastDueUs < 50e6);
  assert.ok(facts.maxOutputTokens <= 600 && facts.maxInputTokens <= 6000);
});
