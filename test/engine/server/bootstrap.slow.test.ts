import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Load } from '../../../src/engine/engine.ts';
import { parseEngineSpec } from '../../../src/engine/index.ts';
import { serveEngine, type EngineServer } from '../../../src/engine/server/index.ts';
import { events, until } from './test-server.ts';

/** Three KV blocks, whose transfer takes 0.1 s. */
const PROMPT = Array.from({ length: 40 }, (_, i) => i);
const TRANSFER_US = 10 + (40 * 131_072 * 8) / 400;
const TOLERANCE_US = 5000;
/** Its prompt is computed for more than a second. */
const LONG_PROMPT = Array.from({ length: 50_000 }, (_, i) => i);

let server: EngineServer;
let urls: { readonly prefill: string; readonly decode: string };
before(async () => {
  const spec = parseEngineSpec('vllm-pd,link=0.4gbps,hold_s=1,prefix_caching=off');
  server = await serveEngine(spec, { host: '127.0.0.1', port: 0, decodePort: 0, dialect: 'sglang' });
  urls = { prefill: server.url, decode: server.decodeUrl ?? assert.fail('no port for decodes') };
});
after(() => server.close());

type Side = keyof typeof urls;

/** `body` is posted as it is where it is a text: JSON.stringify has no digits for a large room. */
async function post(side: Side, path: string, body: object | string, signal?: AbortSignal) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const reply = await fetch(urls[side] + path, { method: 'POST', body: text, ...(signal ? { signal } : {}) });
  const got = await reply.text();
  return { status: reply.status, text: got, json: got.startsWith('{') ? JSON.parse(got) : null };
}

function generate(side: Side, room: unknown, more: object = {}, signal?: AbortSignal) {
  const sampling_params = { max_new_tokens: 3 };
  const body = { input_ids: PROMPT, sampling_params, bootstrap_room: room, ...more };
  return post(side, '/generate', body, signal);
}

const loadOf = async (side: Side): Promise<Load> => JSON.parse(await (await fetch(`${urls[side]}/load`)).text());

async function blocksBecome(prefill: number, decode: number): Promise<void> {
  await until(
    `${prefill} and ${decode} blocks are in use`,
    async () => (await loadOf('prefill')).usedBlocks === prefill && (await loadOf('decode')).usedBlocks === decode,
  );
}

let rooms = 0;
const aRoom = (): number => ++rooms;

describe('the same request on both ports', () => {
  const ways = {
    '/generate': { input_ids: PROMPT, sampling_params: { max_new_tokens: 3 } },
    '/v1/completions': { prompt: PROMPT, max_tokens: 3 },
    '/v1/chat/completions': { messages: [{ role: 'user', content: 'x'.repeat(132) }], max_tokens: 3 },
  };
  for (const [path, body] of Object.entries(ways)) {
    for (const order of [['prefill', 'decode'] as const, ['decode', 'prefill'] as const])
      test(`of ${path}, ${order[0]} first: one token, and all of them`, async () => {
        const both = { ...body, bootstrap_host: '127.0.0.1', bootstrap_port: null, bootstrap_room: aRoom() };
        const first = post(order[0], path, both);
        await sleep(30);
        const second = await post(order[1], path, both);
        const [prefill, decode] = order[0] === 'prefill' ? [await first, second] : [second, await first];
        const counts = (json: ReturnType<typeof JSON.parse>): number =>
          (json.usage ?? json.meta_info).completion_tokens;
        assert.deepEqual([prefill.status, counts(prefill.json)], [200, 1]);
        assert.deepEqual([decode.status, counts(decode.json)], [200, 3]);
        const { transfer_us } = decode.json.phases ?? decode.json.meta_info.phases;
        assert.ok(Math.abs(transfer_us - TRANSFER_US) < TOLERANCE_US, `the transfer took ${transfer_us} us`);
        assert.equal((prefill.json.phases ?? prefill.json.meta_info.phases).transfer_us, null);
      });

    test(`of ${path} as streams`, async () => {
      const stream_options = { include_usage: true };
      const both = { ...body, stream: true, stream_options, bootstrap_room: aRoom() };
      const [prefill, decode] = await Promise.all([post('prefill', path, both), post('decode', path, both)]);
      for (const [{ text }, tokens] of [
        [prefill, 1],
        [decode, 3],
      ] as const) {
        const all = events(text);
        assert.equal(all.pop(), '[DONE]');
        const last = JSON.parse(all.pop() ?? '');
        assert.equal((last.usage ?? last.meta_info).completion_tokens, tokens);
        assert.equal(last.phases === undefined && last.meta_info.phases === undefined, false);
        const ends = text.split('"finish_reason":null').length - 1;
        // A role and each token but the last; of /generate each token.
        assert.equal(ends, path === '/v1/completions' ? tokens - 1 : tokens);
      }
    });
  }
  after(() => blocksBecome(0, 0));
});

test('rooms that a double cannot tell apart are different rooms; a room may stand in a list of one', async () => {
  const body = (room: string, prompt: readonly number[]): string =>
    `{"input_ids":${JSON.stringify(prompt)},"sampling_params":{"max_new_tokens":2},"bootstrap_room":${room}}`;
  const lengths = {
    '9007199254740992': 20,
    '9007199254740993': 21,
    '9223372036854775807': 22,
    '9223372036854775806': 23,
  };
  const prompts = Object.entries(lengths).map(([room, length]) => [room, PROMPT.slice(0, length)] as const);
  const halves = (side: Side) => prompts.map(([room, prompt]) => post(side, '/generate', body(room, prompt)));
  for (const { status } of await Promise.all(halves('prefill'))) assert.equal(status, 200);
  // Another length would be refused.
  for (const { status, json } of await Promise.all(halves('decode')))
    assert.deepEqual([status, json.meta_info?.completion_tokens], [200, 2], JSON.stringify(json));
  for (const [room, same] of [
    ['9007199254740995', '[ 9007199254740995 ]'],
    ['12', '12.0'],
    ['"13"', '[13]'],
  ] as const) {
    const both = [post('prefill', '/generate', body(room, PROMPT)), post('decode', '/generate', body(same, PROMPT))];
    for (const { status } of await Promise.all(both)) assert.equal(status, 200, room);
  }
});

describe('a half that is given up', () => {
  test('the client of the prompt: the decode fails, with 500 or within its stream', async () => {
    for (const path of ['/generate', '/v1/completions']) {
      const prompt = path === '/generate' ? { input_ids: LONG_PROMPT } : { prompt: LONG_PROMPT };
      for (const stream of [false, true]) {
        const body = { ...prompt, stream, bootstrap_room: aRoom() };
        const leaving = new AbortController();
        const left = post('prefill', path, body, leaving.signal);
        const decode = post('decode', path, body);
        await until('both have come', async () =>
          [await loadOf('prefill'), await loadOf('decode')].every(({ running, waiting }) => running + waiting === 1),
        );
        leaving.abort();
        await assert.rejects(left);
        const { status, text } = await decode;
        const message = `KVTransferError(bootstrap_room=${body.bootstrap_room}): the client of its prefill request has gone.`;
        if (!stream) {
          assert.equal(status, 500);
          assert.equal(JSON.parse(text).error.message, message);
          continue;
        }
        const [event = '', end] = events(text);
        assert.deepEqual([status, end], [200, '[DONE]']);
        const { error, meta_info } = JSON.parse(event);
        if (path === '/generate') {
          const finish_reason = { type: 'abort', message, status_code: 500, err_type: 'InternalServerError' };
          assert.deepEqual([meta_info.finish_reason, meta_info.completion_tokens], [finish_reason, 0]);
        } else assert.deepEqual(error, { message, type: 'InternalServerError', param: null, code: 500 });
      }
    }
    await blocksBecome(0, 0);
  });

  test('the client of the decode: the prompt fails, and is not held', async () => {
    const room = aRoom();
    const prompt = generate('prefill', room, { input_ids: LONG_PROMPT });
    const leaving = new AbortController();
    const left = generate('decode', room, { input_ids: LONG_PROMPT, stream: true }, leaving.signal);
    await until('the decode waits', async () => (await loadOf('decode')).waiting === 1);
    leaving.abort();
    await assert.rejects(left);
    const { status, json } = await prompt;
    assert.equal(status, 500);
    assert.match(json.error.message, /the client of its decode request has gone/);
    await blocksBecome(0, 0);
  });

  test('one that does not come within hold_s: the prompt is released, and the decode fails', async () => {
    const decode = generate('decode', aRoom());
    assert.equal((await generate('prefill', aRoom())).status, 200);
    await blocksBecome(3, 0);
    const { status, json } = await decode;
    assert.equal(status, 500);
    assert.match(json.error.message, /no prefill request has come within 1 s/);
    await blocksBecome(0, 0);
  });
});

describe('refused with 400', () => {
  const refusals: readonly (readonly [what: string, room: unknown, more: object, message: RegExp])[] = [
    ['a request without a room', undefined, {}, /received without bootstrap room id: send the same request/],
    ['a room that is null', null, {}, /without bootstrap room id/],
    ['several rooms', [1, 2], {}, /bootstrap_room is a list of 2: one prompt a request/],
    ['several prompts', [1, 2], { input_ids: [PROMPT, PROMPT] }, /text or input_ids \(a list of token ids\)/],
    ['a negative room', -1, {}, /bootstrap_room=-1: expected a whole number from 0 to 2\^63-1/],
    ['a broken room', 1.5, {}, /bootstrap_room=1.5: expected a whole number/],
    ['a room above 2^63-1', '9223372036854775808', {}, /bootstrap_room=9223372036854775808: expected/],
    ['a room that is a text', 'a', {}, /bootstrap_room=a: expected/],
  ];
  for (const [what, room, more, message] of refusals)
    test(what, async () => {
      for (const side of ['prefill', 'decode'] as const) {
        const { status, json } = await generate(side, room, more);
        assert.equal(status, 400);
        assert.match(json.error.message, message);
      }
    });

  test('a number that is not written in digits, or has too many', async () => {
    for (const room of ['9223372036854775808', '1e18', '9.3e18', '99999999999999999999']) {
      const body = `{"input_ids":[1],"bootstrap_room":${room}}`;
      const { status, json } = await post('decode', '/generate', body);
      assert.deepEqual([status, json.error.param], [400, 'bootstrap_room'], room);
    }
  });

  test('the number of another prefill port, on the decode port; its own is what /server_info tells', async () => {
    const port = Number(new URL(urls.prefill).port);
    const { status, json } = await generate('decode', aRoom(), { bootstrap_port: 8998 });
    assert.deepEqual([status, json.error.param], [400, 'bootstrap_port']);
    assert.match(json.error.message, new RegExp(`bootstrap_port=8998: .* from port ${port} alone`));
    for (const page of ['/server_info', '/get_server_info']) {
      const info = async (side: Side) => JSON.parse(await (await fetch(urls[side] + page)).text());
      const [prefill, decode] = [await info('prefill'), await info('decode')];
      assert.deepEqual([prefill.disaggregation_mode, decode.disaggregation_mode], ['prefill', 'decode']);
      assert.deepEqual([prefill.disaggregation_bootstrap_port, decode.disaggregation_bootstrap_port], [port, null]);
    }
    const room = { bootstrap_port: [port], bootstrap_room: [aRoom()] };
    const both = [generate('prefill', 0, room), generate('decode', 0, room)];
    for (const reply of await Promise.all(both)) assert.equal(reply.status, 200);
  });

  test('a room that is in use', async () => {
    const room = aRoom();
    const waits = generate('decode', room);
    await until('it waits', async () => (await loadOf('decode')).waiting === 1);
    const { status, json } = await generate('decode', room);
    assert.equal(status, 400);
    assert.match(json.error.message, /is in use by another decode request: draw a new one/);
    assert.equal((await generate('prefill', room)).status, 200);
    assert.equal((await waits).status, 200);
  });
});
