import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { openAiCodec } from '../../adapters/openai.ts';
import { feedFromWorker } from '../../src/target/feed.ts';
import { measurePrompts, promptSpec, type PromptFacts } from '../../src/target/prompts.ts';
import { vocabularyOfFile } from '../../src/target/vocabulary.ts';
import { UserError } from '../../src/core/errors.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { PromptMaker } from '../../src/core/codec.ts';
import type { Request } from '../../src/core/request.ts';
import { WHOLE } from '../../src/core/shard.ts';
import { openWorkload, promptMaker, readTokenizer, scanPlan, type PromptSpec } from '../../workloads/index.ts';
import { temporaryFolder } from '../cli.ts';
import { chatServer, type ChatServer, type ChatServerOptions } from './chat-server.ts';

const folder = temporaryFolder();
const servers: ChatServer[] = [];
after(() => Promise.all(servers.map((server) => server.close())));

async function start(options: ChatServerOptions): Promise<ChatServer> {
  const server = await chatServer(folder, options);
  servers.push(server);
  return server;
}

const workload = { path: join(folder, 'trace.rtrace.jsonl'), onBadRow: 'fail', transforms: [] } as const;
const rows = Array.from({ length: 40 }, (_, i) => ({
  t_us: i,
  input_tokens: 32 + i,
  output_tokens: 1,
  blocks: [1, 2, 3 + i, ...(i > 16 ? [4 + i] : []), ...(i > 32 ? [5 + i] : [])],
}));
writeFileSync(
  workload.path,
  [{ reprise_trace: 1, block_size: 16 }, { ...rows[0], input_tokens: 32, blocks: [1, 2] }, ...rows.slice(1)]
    .map((row) => `${JSON.stringify(row)}\n`)
    .join(''),
);
const source = await openWorkload(workload);
const plan: Plan = {
  workload,
  source,
  stats: await scanPlan(source, 1),
  endUs: null,
  sessions: null,
  window: null,
  seed: 1,
  salt: null,
};

const codecOptions = { endpoint: 'chat', model: 'tiny', runId: 'run' } as const;
const chat = (prompts: PromptMaker): ReturnType<typeof openAiCodec> => openAiCodec(codecOptions, prompts);

interface Prepared extends PromptFacts {
  readonly spec: PromptSpec;
  readonly warnings: readonly string[];
}

async function prepare(server: ChatServer, tokenizer: string | null, makeCodec = chat): Promise<Prepared> {
  const warnings: string[] = [];
  const log = { info: () => undefined, warn: (text: string) => void warnings.push(text) };
  const access = { url: server.url, headers: {}, insecure: false };
  const vocabulary = await vocabularyOfFile(tokenizer);
  const prompts = await measurePrompts(
    { endpoints: [access], model: 'tiny', makeCodec },
    tokenizer,
    { vocabulary, salt: null },
    log,
  );
  return { ...prompts, spec: promptSpec(prompts, plan, log), warnings };
}

/** How long the server will find each prompt of the plan, less its planned length. */
async function deviations(server: ChatServer, { spec }: Prepared, overhead: number): Promise<Set<number>> {
  const { encode } = await readTokenizer(server.tokenizer);
  const maker = promptMaker(spec);
  const all = new Set<number>();
  for await (const batch of source.open())
    for (const request of batch) all.add(encode(maker.text(request)).length + overhead - request.inputTokens);
  return all;
}

describe('prompts of text', () => {
  it('are exact by a tokenizer.json, what the chat template adds measured in two requests', async () => {
    for (const overhead of [0, 7, 31]) {
      const server = await start({ overhead, knowsTokenize: false });
      const prompts = await prepare(server, server.tokenizer);
      assert.deepEqual(prompts.warnings, []);
      const { tokenizer_sha256: sha256, ...facts } = prompts.facts;
      assert.match(sha256 ?? '', /^[0-9a-f]{64}$/);
      assert.deepEqual(facts, {
        form: 'text',
        lengths: 'exact',
        tokenizer: server.tokenizer,
        overhead_tokens: overhead,
        tokens_per_word: 1,
      });
      assert.equal(server.contents().length, 2);
      assert.deepEqual(await deviations(server, prompts, overhead), new Set([0]));
    }
  });

  it("are exact by the server's /tokenize, in few calls", async () => {
    const server = await start({ overhead: 12 });
    const prompts = await prepare(server, 'server');
    assert.deepEqual(
      [prompts.facts.lengths, prompts.facts.tokenizer, prompts.facts.overhead_tokens, prompts.warnings],
      ['exact', 'server', 12, []],
    );
    assert.ok(server.seen.length < 25, `${server.seen.length} calls`);
    assert.deepEqual(await deviations(server, prompts, 12), new Set([0]));
  });

  it('without a tokenizer are plain words at the measured rate, and called approximate', async () => {
    const server = await start({ overhead: 12 });
    const prompts = await prepare(server, null);
    assert.deepEqual([prompts.facts.lengths, prompts.facts.tokenizer], ['approximate', null]);
    assert.match(prompts.warnings.join(), /lengths approximate; --tokenizer FILE, or server, makes them exact/);
    // A third of the words are not in the vocabulary: some of their letters are tokens of their own.
    const { encode } = await readTokenizer(server.tokenizer);
    const { words } = prompts.spec.text ?? { words: [] };
    assert.equal(prompts.facts.tokens_per_word, (encode(`The ${words.join(' ')}`).length - 1) / words.length);
    for (const off of await deviations(server, prompts, 12)) assert.ok(Math.abs(off) < 15, `off by ${off}`);
  });

  it('say so where the tokenizer is not that of the server, or the server does not count', async () => {
    const other = await start({ overhead: 5, tell: (counted) => 2 * counted });
    const mismatch = await prepare(other, other.tokenizer);
    assert.equal(mismatch.facts.lengths, 'approximate');
    assert.match(mismatch.warnings.join(), /2\.00 tokens for a word .* is one: .*tokenizer of the model/);
    assert.equal(mismatch.facts.tokens_per_word, 2);

    const mute = await start({ overhead: 5, tell: () => null });
    const uncounted = await prepare(mute, mute.tokenizer);
    assert.equal(uncounted.facts.lengths, 'approximate');
    assert.match(uncounted.warnings.join(), /could not be measured \(its answers tell no input tokens\)/);
  });

  it('are exact by the tokenizer alone where the server never counts, and adds nothing to a text', async () => {
    const mute = await start({ overhead: 5, tell: () => null });
    const whole = (prompts: PromptMaker): ReturnType<typeof chat> => ({ ...chat(prompts), isWholePrompt: true });
    const prompts = await prepare(mute, mute.tokenizer, whole);
    assert.deepEqual(
      [prompts.facts.lengths, prompts.facts.overhead_tokens, prompts.warnings],
      ['exact', 1, []],
      'with the token that begins a text',
    );
    assert.deepEqual(await deviations(mute, prompts, 1), new Set([0]));
    const plain = await prepare(mute, null, whole);
    assert.equal(plain.facts.lengths, 'approximate');
    assert.match(
      plain.warnings.join(),
      /tell no input tokens\): they are approximate; --tokenizer FILE makes them exact$/,
    );
    // What the server's tokenizer adds is not told by its /tokenize as it is asked.
    assert.equal((await prepare(mute, 'server', whole)).facts.lengths, 'approximate');
  });

  it('warn of prompts that are shorter than what the server adds', async () => {
    const server = await start({ overhead: 40 });
    const { facts, warnings } = await prepare(server, server.tokenizer);
    assert.equal(facts.lengths, 'exact');
    assert.match(
      warnings.join(),
      /shortest prompt of the trace has 32 input tokens, and the server adds 40\.0 of its own/,
    );
  });

  it('by a server without /tokenize are refused with the way out', async () => {
    const server = await start({ overhead: 5, knowsTokenize: false });
    await assert.rejects(
      prepare(server, 'server'),
      (thrown) =>
        thrown instanceof UserError && /\/tokenize of http.* answered 404.*--tokenizer FILE/.test(thrown.message),
    );
  });

  it('are the same bytes in the worker thread that makes them for a run', async () => {
    const server = await start({ overhead: 9 });
    const { spec } = await prepare(server, server.tokenizer);
    const { requests } = feedFromWorker({
      workload,
      shard: WHOLE,
      adapter: 'openai',
      codec: codecOptions,
      prompts: spec,
      thinks: false,
      historyForm: null,
    });
    const codec = chat(promptMaker(spec));
    const expected: Request[] = [];
    for await (const batch of source.open()) expected.push(...batch);
    let seen = 0;
    for await (const batch of requests)
      for (const { index, calls } of batch) {
        const request = expected[index];
        assert.ok(request !== undefined);
        assert.deepEqual(calls, codec.open(request));
        seen++;
      }
    assert.equal(seen, rows.length);
  });
});

it('prompts of token ids need no tokenizer: nothing is asked of the server', async () => {
  const server = await start({ overhead: 5 });
  const completions = (prompts: PromptMaker): ReturnType<typeof openAiCodec> =>
    openAiCodec({ ...codecOptions, endpoint: 'completions' }, prompts);
  const { facts, warnings } = await prepare(server, server.tokenizer, completions);
  assert.deepEqual(facts, { form: 'ids', lengths: 'exact', tokenizer: null });
  assert.match(warnings.join(), /--tokenizer is not needed here/);
  assert.equal(server.seen.length, 0);
});
