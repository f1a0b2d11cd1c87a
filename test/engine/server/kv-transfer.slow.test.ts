import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../../src/core/errors.ts';
import type { Load } from '../../../src/engine/engine.ts';
import { parseEngineSpec } from '../../../src/engine/index.ts';
import { serveEngine, type EngineServer } from '../../../src/engine/server/index.ts';
import { PROMPT_ALONE } from '../../two-step-proxy.ts';

const ANY_PORTS = { host: '127.0.0.1', port: 0, decodePort: 0 };
/** Three KV blocks, whose transfer takes 0.4 s. */
const PROMPT = Array.from({ length: 40 }, (_, i) => i);
const TRANSFER_US = 10 + (40 * 131_072 * 8) / 100;
/** Allowed difference of a measured transfer time. */
const TOLERANCE_US = 5000;

let server: EngineServer;
let urls: { readonly prefill: string; readonly decode: string };
before(async () => {
  const spec = parseEngineSpec('vllm-pd,link=0.1gbps,hold_s=2,prefix_caching=off');
  server = await serveEngine(spec, ANY_PORTS);
  urls = { prefill: server.url, decode: server.decodeUrl ?? assert.fail('no port for decodes') };
});
after(() => server.close());

async function complete(pool: keyof typeof urls, body: object) {
  const reply = await fetch(`${urls[pool]}/v1/completions`, { method: 'POST', body: JSON.stringify(body) });
  return { status: reply.status, json: JSON.parse(await reply.text()) };
}

async function usedBlocks(pool: keyof typeof urls): Promise<number> {
  const load: Load = JSON.parse(await (await fetch(`${urls[pool]}/load`)).text());
  return load.usedBlocks;
}

async function blocksBecome(prefill: number, decode: number, withinS: number): Promise<void> {
  for (let i = 0; i < withinS * 50; i++) {
    if ((await usedBlocks('prefill')) === prefill && (await usedBlocks('decode')) === decode) return;
    await sleep(20);
  }
  assert.fail(`after ${withinS} s the pools do not hold ${prefill} and ${decode} blocks`);
}

/** Below `hold_s`, and below the time of a response that is not cancelled. */
const AT_ONCE_S = 1;

async function firstStep(): Promise<Record<string, unknown>> {
  const { status, json } = await complete('prefill', { prompt: PROMPT, ...PROMPT_ALONE });
  assert.equal(status, 200);
  return json.kv_transfer_params;
}

function assertTransferred(transferUs: number): void {
  assert.ok(Math.abs(transferUs - TRANSFER_US) < TOLERANCE_US, `the transfer took ${transferUs} us`);
}

describe('two steps', () => {
  test('the first gives one token and names the held prompt; the second fetches it, and generates every token', async () => {
    const first = await complete('prefill', { prompt: PROMPT, ...PROMPT_ALONE });
    const { kv_transfer_params, phases, usage } = first.json;
    assert.deepEqual([first.status, usage.completion_tokens, phases.transfer_us], [200, 1, null]);
    const { remote_request_id, ...params } = kv_transfer_params;
    const port = Number(new URL(urls.prefill).port);
    assert.deepEqual(params, {
      do_remote_prefill: true,
      do_remote_decode: false,
      remote_block_ids: [0, 1, 2],
      remote_engine_id: `127.0.0.1:${port}`,
      remote_host: '127.0.0.1',
      remote_port: port,
      remote_num_tokens: 40,
    });
    assert.equal(typeof remote_request_id, 'string');
    assert.deepEqual([await usedBlocks('prefill'), await usedBlocks('decode')], [3, 0]);

    const second = await complete('decode', { prompt: PROMPT, max_tokens: 5, kv_transfer_params });
    assert.deepEqual([second.status, second.json.usage.completion_tokens], [200, 5]);
    assertTransferred(second.json.phases.transfer_us);
    // The prefill pool computed the prompt: the second response has that time too.
    assert.equal(second.json.phases.prefill_us, phases.prefill_us);
    await blocksBecome(0, 0, AT_ONCE_S);
  });

  test('a prompt that was fetched before, is held by another engine or is not named is computed by the decode pool', async () => {
    const held = await firstStep();
    const fetched = await complete('decode', { prompt: PROMPT, max_tokens: 2, kv_transfer_params: held });
    assertTransferred(fetched.json.phases.transfer_us);
    for (const kv_transfer_params of [held, { ...held, remote_engine_id: 'another:1' }, undefined]) {
      const { json } = await complete('decode', { prompt: PROMPT, max_tokens: 3, kv_transfer_params });
      assert.deepEqual([json.usage.completion_tokens, json.phases.transfer_us], [3, null]);
    }
    await blocksBecome(0, 0, AT_ONCE_S);
  });

  test('what a proxy makes of the parameters may be odd JSON', async () => {
    const send = async (pool: keyof typeof urls, more: string) => {
      const body = `{"prompt":${JSON.stringify(PROMPT)},${more}}`;
      const reply = await fetch(`${urls[pool]}/v1/completions`, { method: 'POST', body });
      return { status: reply.status, json: JSON.parse(await reply.text()) };
    };
    const odd =
      '"remote_block_ids":[1.0,9007199254740993],"remote_port":1.81e4,"deep":{"remote_engine_id":[{}]},"x":null';
    const first = await send(
      'prefill',
      `"max_tokens":1.0,"kv_transfer_params":{"do_remote_decode":true,"remote_engine_id":18446744073709551615,"remote_request_id":[7],${odd}}`,
    );
    const { remote_engine_id, remote_request_id } = first.json.kv_transfer_params;
    const held = `"remote_engine_id":"${remote_engine_id}","remote_request_id":"${remote_request_id}"`;
    const second = await send('decode', `"max_tokens":2,"kv_transfer_params":{"do_remote_prefill":1.0,${held},${odd}}`);
    assert.deepEqual([first.status, second.status, second.json.usage.completion_tokens], [200, 200, 2]);
    assertTransferred(second.json.phases.transfer_us);
    const foreign = await send(
      'decode',
      `"max_tokens":2,"kv_transfer_params":{"do_remote_prefill":true,"remote_request_id":5,${odd}}`,
    );
    assert.deepEqual([foreign.status, foreign.json.phases.transfer_us], [200, null]);
  });

  test('a prompt that is not fetched is released after hold_s', async () => {
    await firstStep();
    await sleep(500);
    assert.equal(await usedBlocks('prefill'), 3);
    await blocksBecome(0, 0, 2);
  });

  test('a client that disconnects during the transfer leaves no blocks in either pool', async () => {
    const kv_transfer_params = await firstStep();
    const body = JSON.stringify({ prompt: PROMPT, max_tokens: 2000, stream: true, kv_transfer_params });
    const socket = connect(Number(new URL(urls.decode).port), '127.0.0.1');
    socket.write(`POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await blocksBecome(3, 3, AT_ONCE_S);
    socket.destroy();
    await blocksBecome(0, 0, AT_ONCE_S);
  });
});

test('a request without kv_transfer_params is served whole by the prefill pool', async () => {
  const { json } = await complete('prefill', { prompt: PROMPT, max_tokens: 3 });
  assert.deepEqual([json.usage.completion_tokens, json.phases.transfer_us], [3, null]);
  assert.equal('kv_transfer_params' in json, false);
  await blocksBecome(0, 0, AT_ONCE_S);
});

describe('refused', () => {
  test('a first step for more than one token, or with a stream', async () => {
    for (const more of [{ max_tokens: 2 }, { stream: true }]) {
      const { status, json } = await complete('prefill', { prompt: PROMPT, ...PROMPT_ALONE, ...more });
      assert.deepEqual([status, json.error.param], [400, 'kv_transfer_params']);
      assert.match(json.error.message, /stream must be false and max_tokens 1/);
    }
  });

  test('a second step with another prompt', async () => {
    const kv_transfer_params = await firstStep();
    const { status, json } = await complete('decode', { prompt: [1, 2, 3], max_tokens: 2, kv_transfer_params });
    assert.equal(status, 400);
    assert.match(json.error.message, /has 3 tokens, and the one that was computed for it has 40/);
  });

  const cases = [
    ['a system that has one port', 'distserve', {}, /distserve has no port for decodes alone; use --system vllm-pd/],
    [
      'a dialect without a hand-over',
      'vllm-pd',
      { dialect: 'openai' },
      /dialect openai has no request for a prompt alone; use --dialect vllm or sglang/,
    ],
  ] as const;
  for (const [what, system, more, message] of cases)
    test(what, async () => {
      await assert.rejects(serveEngine(parseEngineSpec(system), { ...ANY_PORTS, ...more }), (thrown) => {
        assert.ok(thrown instanceof UserError);
        assert.match(thrown.message, message);
        return true;
      });
    });

  test('a decode port that is taken; the prefill port is closed again', async () => {
    const decodePort = Number(new URL(urls.decode).port);
    const spare = await serveEngine(parseEngineSpec(''), { host: '127.0.0.1', port: 0 });
    await spare.close();
    const port = Number(new URL(spare.url).port);
    await assert.rejects(
      serveEngine(parseEngineSpec('vllm-pd'), { host: '127.0.0.1', port, decodePort }),
      /choose another --decode-port/,
    );
    const again = await serveEngine(parseEngineSpec(''), { host: '127.0.0.1', port });
    await again.close();
  });
});
