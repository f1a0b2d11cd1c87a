import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { it } from 'node:test';
import { madeSample, MADE_SAMPLES } from '../../scripts/make-samples.ts';
import { inspectTrace, resolveWorkload, SAMPLES } from '../../workloads/index.ts';

it('every sample is what its script makes, to the byte', () => {
  assert.deepEqual(Object.keys(SAMPLES), MADE_SAMPLES);
  for (const name of MADE_SAMPLES) assert.equal(readFileSync(resolveWorkload(name), 'utf8'), madeSample(name), name);
});

it('the code sample has longer prompts, shorter answers and sharper bursts than the chat sample', async () => {
  const [chat, code] = await Promise.all(['chat', 'code'].map((name) => inspectTrace(resolveWorkload(name))));
  assert.ok(chat !== undefined && code !== undefined);
  assert.ok(
    code.rows > 100 && code.rows < 350 && (code.duration_s ?? 0) > 50 && (code.duration_s ?? 0) < 60,
    `${code.rows} rows`,
  );
  assert.ok((code.input_tokens.p50 ?? 0) > 3 * (chat.input_tokens.p50 ?? 0));
  assert.ok((code.output_tokens.p50 ?? 0) < (chat.output_tokens.p50 ?? 0) / 4);
  assert.ok((code.iat_cv ?? 0) > 1.5 * (chat.iat_cv ?? 0), `${code.iat_cv} against ${chat.iat_cv}`);
  assert.deepEqual([code.bad_rows, code.warnings], [0, []]);
});

it('every sample is there; what is none is a path', () => {
  for (const name of Object.keys(SAMPLES)) assert.ok(existsSync(resolveWorkload(name)), name);
  assert.equal(resolveWorkload('traces/chat.csv'), 'traces/chat.csv');
});
