import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { z } from 'zod';
import { makeCodec } from '../../adapters/index.ts';
import { openRun, run } from '../../src/index.ts';
import { SILENT, type Log } from '../../src/core/log.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import type { CodecMaker } from '../../src/target/target-spec.ts';
import { readJson, temporaryFolder } from '../cli.ts';
import { DONE, serve, sse, type TestServer } from '../servers.ts';

const folder = temporaryFolder();
const servers: TestServer[] = [];
after(() => Promise.all(servers.map((server) => server.close())));

const bodySchema = z.looseObject({
  messages: z.array(z.looseObject({ role: z.string(), content: z.string().nullable() })).optional(),
  prompt: z.union([z.string(), z.array(z.number())]).optional(),
});
const summarySchema = z.looseObject({ warnings: z.array(z.object({ code: z.string(), text: z.string() })) });
type Body = z.infer<typeof bodySchema>;

/** What a server answers to the k-th turn of any session, as deltas, and how many tokens it says that is. */
type Script = readonly { readonly deltas: readonly object[]; readonly tokens: number }[];

const words = (text: string): number => text.split(/\s+/).filter((word) => word !== '').length;
/** Three tokens around a chat, and four around each of its messages. */
const chatTokens = ({ messages = [] }: Body): number =>
  messages.reduce((sum, { content }) => sum + 4 + words(content ?? ''), 3);

interface ChatServer extends TestServer {
  /** Of the chats of a run, with what the server counted for each. */
  chats(): { body: Body; tokens: number }[];
}

async function chatServer(script: Script): Promise<ChatServer> {
  const chats: { body: Body; tokens: number }[] = [];
  const server = await serve((_index, request, response, json) => {
    const body = bodySchema.parse(json);
    const tokens = chatTokens(body);
    const answers = body.messages?.filter(({ role }) => role === 'assistant').length ?? 0;
    const isRun = !String(request.headers['x-request-id']).endsWith('prompt-length');
    if (isRun) chats.push({ body, tokens });
    const { deltas, tokens: said } = (isRun ? script[answers] : undefined) ?? { deltas: [{ content: 'a' }], tokens: 1 };
    answer(response, deltas, { prompt_tokens: tokens, completion_tokens: said });
  });
  servers.push(server);
  return { ...server, chats: () => chats };
}

function answer(response: ServerResponse, deltas: readonly object[], usage: object): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const [i, delta] of deltas.entries())
    response.write(sse({ choices: [{ index: 0, delta, finish_reason: i === deltas.length - 1 ? 'stop' : null }] }));
  response.end(sse({ choices: [], usage }) + DONE);
}

/** A trace of one session, of these turns. */
function traceOf(name: string, turns: readonly object[]): string {
  const path = join(folder, `${name}.rtrace.jsonl`);
  const rows = turns.map((turn, i) => ({
    id: `t${i}`,
    t_us: i * 20_000,
    session: 's',
    turn: i,
    output_tokens: 6,
    ...turn,
  }));
  writeFileSync(path, [{ reprise_trace: 1 }, ...rows].map((row) => `${JSON.stringify(row)}\n`).join(''));
  return path;
}

async function replayed(
  name: string,
  turns: readonly object[],
  options: object,
  log: Log = SILENT,
): Promise<RequestRecord[]> {
  const out = join(folder, name);
  const given = {
    workload: traceOf(name, turns),
    sessions: 'think',
    timeout: '20s',
    out,
    target: '',
    ...options,
  } as const;
  await run(given, { log });
  const records: RequestRecord[] = [];
  for await (const batch of (await openRun(out)).records()) records.push(...batch);
  return records.sort((a, b) => (a.turn ?? 0) - (b.turn ?? 0));
}

/** Turns of 40 input tokens, and then of so many new ones. */
const turnsOf = (...newTokens: readonly number[]): object[] => [
  { input_tokens: 40 },
  ...newTokens.map((tokens) => ({ input_tokens: 400, new_tokens: tokens })),
];

describe('prompts that repeat the answers of the run', () => {
  it('hold on a chat server the very texts that it answered, and are as long as planned with them', async () => {
    const odd = 'He said "no"\n\\{"a":[1]}\u2028 é 😀 <|im_end|>';
    const server = await chatServer([
      {
        deltas: [
          { role: 'assistant', content: '' },
          { reasoning_content: 'well' },
          { content: odd.slice(0, 8) },
          { content: odd.slice(8) },
        ],
        tokens: 1 + words(odd),
      },
      { deltas: [{ content: ' \ud83d' }, { content: '\ude00 two' }], tokens: 2 },
      { deltas: [{ content: 'three' }], tokens: 1 },
    ]);
    // The one session is that of one worker; the other has nothing to send.
    const options = { target: server.url.href, endpoint: 'chat', workers: 2 };
    const records = await replayed('chat', turnsOf(20, 31), options);
    assert.deepEqual(
      records.map(({ outcome }) => outcome),
      ['ok', 'ok', 'ok'],
    );
    const last = server.chats().at(-1)?.body.messages ?? [];
    assert.deepEqual(
      last.map(({ role }) => role),
      ['user', 'assistant', 'user', 'assistant', 'user'],
    );
    assert.deepEqual([last[1]?.content, last[3]?.content], [odd, ' 😀 two']);
    assert.deepEqual(last.slice(0, 3), server.chats()[1]?.body.messages, 'each prompt begins with the one before');
    assert.deepEqual(
      [0, 2, 4].map((i) => words(last[i]?.content ?? '')),
      [40 - 7, 20 - 8, 31 - 8],
    );
    const counted = server.chats().map(({ tokens }) => tokens);
    assert.deepEqual(
      records.map((record) => record.input_tokens_planned),
      counted,
    );
    assert.deepEqual(counted, [40, 40 + words(odd) + 20, 40 + words(odd) + 20 + 2 + 31]);
  });

  it('hold an empty text where there was none, and a huge one whole', async () => {
    const huge = 'word '.repeat(200_000);
    const server = await chatServer([
      { deltas: [{ reasoning_content: 'only' }, { reasoning_content: ' thoughts' }], tokens: 2 },
      { deltas: [{ content: huge }], tokens: 6 },
      { deltas: [{ content: 'end' }], tokens: 1 },
    ]);
    const records = await replayed('odd', turnsOf(20, 20), { target: server.url.href, endpoint: 'chat' });
    assert.deepEqual(
      records.map(({ outcome }) => outcome),
      ['ok', 'ok', 'ok'],
    );
    const [, , third] = server.chats();
    assert.deepEqual([third?.body.messages?.[1]?.content, third?.body.messages?.[3]?.content], ['', huge]);
    assert.equal(records[1]?.input_tokens_planned, 60, 'reasoning is not repeated');
  });

  it('answer each tool call that the model made, as servers want it', async () => {
    const calls = ['a', 'b'].map((id, index) => ({
      index,
      id,
      type: 'function',
      function: { name: 'f', arguments: '{}' },
    }));
    const server = await chatServer([
      { deltas: [{ tool_calls: calls }], tokens: 4 },
      { deltas: [{ content: 'done' }], tokens: 1 },
    ]);
    await replayed('tools', turnsOf(20), { target: server.url.href, endpoint: 'chat' });
    const [user, assistant, ...results] = server.chats()[1]?.body.messages ?? [];
    assert.deepEqual([user?.role, assistant?.role, assistant?.content], ['user', 'assistant', null]);
    assert.deepEqual(
      assistant?.['tool_calls'],
      calls.map(({ id, type, function: of }) => ({ id, type, function: of })),
    );
    assert.deepEqual(
      results.map(({ role, tool_call_id: id }) => [role, id]),
      [
        ['tool', 'a'],
        ['tool', 'b'],
      ],
    );
    assert.deepEqual(
      results.map(({ content }) => words(content ?? '')),
      [20 - 8, 0],
    );
  });

  it('keep the messages of the trace, but for its answers', async () => {
    const said = (role: string, content: string): object => ({ role, content });
    const first = [said('system', 'Be kind'), said('user', 'Hi')];
    const server = await chatServer([
      { deltas: [{ content: 'real' }], tokens: 1 },
      { deltas: [{ content: 'yes' }], tokens: 1 },
    ]);
    const turns = [
      { input_tokens: 10, prompt: first },
      { input_tokens: 20, prompt: [...first, said('assistant', 'recorded'), said('user', 'And now?')] },
    ];
    await replayed('messages', turns, { target: server.url.href, endpoint: 'chat' });
    assert.deepEqual(
      server.chats().map(({ body }) => body.messages),
      [first, [...first, said('assistant', 'real'), said('user', 'And now?')]],
    );
  });
});

/** Completions as vLLM has them: with the ids of each token, where it is asked for them. */
async function completionsServer(givesIds: boolean): Promise<TestServer> {
  const server = await serve((index, _request, response, json) => {
    const { prompt = '' } = bodySchema.parse(json);
    const length = typeof prompt === 'string' ? words(prompt) : prompt.length;
    const event = (text: string, id: number, finish: string | null): string =>
      sse({ choices: [{ index: 0, text, finish_reason: finish, ...(givesIds ? { token_ids: [id] } : {}) }] });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(event(` answer${index}`, 7000 + index, null) + event(' "x"\n', 8000 + index, 'stop'));
    response.end(sse({ choices: [], usage: { prompt_tokens: length, completion_tokens: 2 } }) + DONE);
  });
  servers.push(server);
  return server;
}

function promptsOf({ seen }: TestServer): Body['prompt'][] {
  return seen
    .filter(
      ({ path, headers }) =>
        path === '/v1/completions' && !/(-probe|prompt-length)$/.test(String(headers['x-request-id'])),
    )
    .map(({ body }) => bodySchema.parse(body).prompt);
}

describe('prompts of completions that repeat answers', () => {
  it('are the ids of all before, to the token', async () => {
    const server = await completionsServer(true);
    const codec: CodecMaker = (prompts, runId) =>
      makeCodec('vllm', { endpoint: 'completions', model: 'tiny', runId, keepAnswers: true }, prompts);
    const records = await replayed('ids', turnsOf(20, 5), { target: server.url.href, codec });
    const [first, second, third] = promptsOf(server).map((prompt) => (Array.isArray(prompt) ? prompt : []));
    assert.deepEqual([first?.length, second?.length, third?.length], [40, 62, 69]);
    assert.deepEqual(
      records.map((record) => record.input_tokens_planned),
      [40, 62, 69],
    );
    assert.deepEqual([second?.slice(0, 40), third?.slice(0, 62)], [first, second]);
    const answers = [second, third].map((ids, i) => ids?.slice([40, 62][i], [42, 64][i]));
    assert.ok(answers.every((ids) => ids?.[0] !== undefined && ids[0] >= 7000 && ids[1] === ids[0] + 1000));
  });

  it('are texts where a server gives no ids', async () => {
    const server = await completionsServer(false);
    const options = { target: server.url.href, adapter: 'openai', endpoint: 'completions', model: 'tiny' };
    await replayed('text', turnsOf(20), options);
    const [first, second] = promptsOf(server).map(String);
    assert.ok(first !== undefined && second !== undefined && second.startsWith(`${first} answer`));
    assert.match(second.slice(first.length), /^ answer\d+ "x"\n The( [a-z]+){19}$/);
  });
});

describe('in virtual time', () => {
  const turns = turnsOf(30, 200, 17);
  const virtual = (name: string, options: object): Promise<RequestRecord[]> =>
    replayed(name, turns, { clock: 'virtual', target: 'reference:vllm-v1', ...options });

  it('a turn finds the prompt and output of the one before in the cache to the block, and no warning is raised by it', async () => {
    const records = await virtual('virtual', {});
    assert.deepEqual(
      records.map(({ input_tokens_planned: planned, cached_tokens: cached }) => [planned, cached]),
      [40, 76, 282, 305].map((tokens, i) => [tokens, i === 0 ? 0 : Math.floor(([40, 76, 282][i - 1] ?? 0) + 5) & ~15]),
    );
    const summary = summarySchema.parse(readJson(folder, 'virtual', 'summary.json'));
    assert.deepEqual(
      summary.warnings.map(({ code }) => code),
      ['sessions'],
    );
    assert.match(summary.warnings[0]?.text ?? '', /its prompt repeats them/);
  });

  it('answers of the trace are found by nobody', async () => {
    const records = await virtual('virtual-trace', { history: 'trace' });
    assert.deepEqual(
      records.map((record) => record.cached_tokens),
      [0, 0, 0, 0],
    );
    assert.deepEqual(
      records.map((record) => record.input_tokens_planned),
      [40, 400, 400, 400],
    );
  });

  it('a prompt beyond the context of the model is warned of, as what follows it is not sent', async () => {
    const warnings: string[] = [];
    const log = { ...SILENT, warn: (text: string) => warnings.push(text) };
    const long = [{ input_tokens: 40 }, { input_tokens: 200_000 }, { input_tokens: 40 }];
    const options = { clock: 'virtual', target: 'reference:vllm-v1', history: 'trace' };
    const records = await replayed('long', long, options, log);
    assert.deepEqual(
      records.map(({ outcome }) => outcome),
      ['ok', 'rejected', 'unsent'],
    );
    assert.match(warnings.join('\n'), /:3: request t1 has 200,000 input .* --clip-input \d+: the engine refuses such/);
    warnings.length = 0;
    await replayed('short', [{ input_tokens: 40 }], options, log);
    assert.deepEqual(warnings, []);
  });

  it('a trace of new parts without think times is refused with both ways out', async () => {
    await assert.rejects(virtual('refused', { sessions: 'trace' }), /--sessions think; give that, or --history trace/);
  });
});
