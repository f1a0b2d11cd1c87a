import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { ADAPTERS, ALL_CAPABILITIES } from '../../adapters/index.ts';
import { reservedField, USUAL_BODY } from '../../adapters/body-options.ts';
import { isObject, type Json } from '../../adapters/json.ts';
import type { Codec } from '../../src/core/codec.ts';
import { promptMaker } from '../../workloads/index.ts';
import { decode } from './decode.ts';

const prompts = promptMaker({ seed: 1, blockTokens: null });
const NOTHING = Object.fromEntries(Object.keys(ALL_CAPABILITIES).map((name) => [name, false]));
const request = { id: 'r7', traceRow: 9, dueUs: 0, inputTokens: 40, outputTokens: 8 };

function bodyOf(codec: Codec): string {
  return Buffer.from(codec.open(request)[0]?.body ?? []).toString();
}

/** The paths of the values in an object; lists are values. */
function leaves(json: object, under = ''): string[] {
  return Object.entries(json).flatMap(([name, value]: [string, unknown]) =>
    isObject(value) ? leaves(value, `${under}${name}.`) : [under + name],
  );
}

function valueAt(json: unknown, path: string): unknown {
  return path.split('.').reduce((value, name) => (isObject(value) ? value[name] : undefined), json);
}

function nested([name = '', ...names]: string[], value: unknown): Json {
  return { [name]: names.length === 0 ? value : nested(names, value) };
}

/** How the answers of a dialect are framed. */
interface Framing {
  /** An event as it is sent. */
  readonly framed: (json: string) => string;
  /** Between two events of an example. */
  readonly between: RegExp;
  readonly finishReason: string | null;
  /** What no event is, and what is said of it. */
  readonly notJson: RegExp;
}
const SSE: Framing = {
  framed: (json) => `data: ${json}\n\n`,
  between: /(?<=\n\n)/,
  finishReason: 'length',
  notJson: /not JSON/,
};
const FRAMINGS: Readonly<Record<string, Framing>> = {
  distserve: {
    framed: (json) => json,
    between: /(?<=\})(?=\{)/,
    finishReason: null,
    notJson: /no JSON object: <html>/,
  },
};
/** Fields that a codec sends, and that the user may replace. */
const REPLACEABLE = ['top_p'];

/** What every codec must do: one that is added to the list is tested here. */
describe('every codec', () => {
  for (const [name, { codec: make, endpoints }] of Object.entries(ADAPTERS))
    for (const endpoint of endpoints) {
      const options = { endpoint, model: 'm', runId: 'run' };
      const codec = make(options, prompts);
      const example = Buffer.from(codec.example(8));
      const { framed, between, finishReason, notJson } = FRAMINGS[name] ?? SSE;
      const events = example.toString().split(between);

      it(`${name}, ${endpoint}: a request is one streamed call with its id, the same bytes each time`, () => {
        const [call, ...others] = codec.open(request);
        assert.deepEqual([call?.role, others.length], ['stream', 0]);
        assert.equal(call?.headers['x-request-id'], 'run-r7');
        const odd = codec.open({ ...request, id: 'é 7\n☃' })[0]?.headers['x-request-id'] ?? '';
        assert.match(odd, /^run-[!-~]+$/, 'what a header may hold');
        assert.deepEqual(codec.open(request), make(options, prompts).open(request));
        assert.ok(call.body.buffer.byteLength === call.body.length, 'bytes of their own');
      });

      it(`${name}, ${endpoint}: sends no field that a server does not support`, () => {
        const plain = bodyOf(make({ ...options, capabilities: { ...ALL_CAPABILITIES, ...NOTHING } }, prompts));
        for (const extension of ['ignore_eos', 'min_', 'usage', 'token_ids', 'max_completion_tokens', 'input_ids', '['])
          assert.ok(
            endpoint === 'chat' && extension === '[' ? true : !plain.includes(extension),
            `${extension}: ${plain}`,
          );
        assert.match(plain, /"max_(new_)?tokens":8/);
      });

      it(`${name}, ${endpoint}: the user's fields join the body, which keeps every field of its own`, () => {
        const own = z.looseObject({}).parse(JSON.parse(bodyOf(codec)));
        const extra = { top_p: 0.9, sampling_params: { top_k: 5 }, stream_options: { more: true } };
        const body = { ...USUAL_BODY, temperature: 0.7, extra };
        const sent = z.looseObject({}).parse(JSON.parse(bodyOf(make({ ...options, body }, prompts))));
        assert.deepEqual(leaves(sent).sort(), [...new Set([...leaves(own), ...leaves(extra)])].sort());
        for (const path of leaves(own))
          assert.deepEqual(
            valueAt(sent, path),
            path.endsWith('temperature') ? 0.7 : valueAt(REPLACEABLE.includes(path) ? extra : own, path),
            path,
          );
        for (const path of leaves(own).filter((each) => !REPLACEABLE.includes(each)))
          assert.notEqual(reservedField(nested(path.split('.'), 1)), null, `${path} would be the user's to replace`);
      });

      it(`${name}, ${endpoint}: outputs end where the model ends them, if so wished`, () => {
        const sent = bodyOf(make({ ...options, body: { ...USUAL_BODY, ignoreEos: false } }, prompts));
        assert.doesNotMatch(sent, /ignore_eos|min_/);
        assert.match(sent, /"max_(new_|completion_)?tokens":8/);
      });

      it(`${name}, ${endpoint}: its own example is a whole response, however it is cut`, () => {
        const whole = decode(codec, request, example);
        assert.deepEqual(whole.counts, Array(8).fill(1));
        assert.deepEqual([whole.end, whole.response.finishReason], [null, finishReason]);
        for (let at = 0; at <= example.length; at++) assert.deepEqual(decode(codec, request, example, [at]), whole);
      });

      const readsPhases = (): void => {
        const last = events.findLastIndex((event) => event.startsWith('data: {'));
        const phases = {
          prefill_queue_us: 10,
          prefill_us: 200,
          transfer_us: null,
          decode_queue_us: 'soon',
          decode_us: 3000,
          other_us: 1,
        };
        const event: unknown = JSON.parse(events[last]?.slice('data: '.length) ?? '');
        assert.ok(isObject(event));
        const meta = event['meta_info'];
        const more = isObject(meta) ? { meta_info: { ...meta, phases } } : { phases };
        const longer = events.with(last, framed(JSON.stringify({ ...event, ...more }))).join('');
        assert.deepEqual(decode(codec, request, Buffer.from(longer)).response.phases, {
          prefill_queue_us: 10,
          prefill_us: 200,
          transfer_us: null,
          decode_queue_us: null,
          decode_us: 3000,
        });
        assert.equal(decode(codec, request, example).response.phases, null);
      };
      // Where an event is the last.
      if (finishReason !== null)
        it(
          `${name}, ${endpoint}: the phases that the reference engine reports at the end are read, and no other fields`,
          readsPhases,
        );

      it(`${name}, ${endpoint}: any bytes give the same events however they are cut, and throw nothing`, () => {
        const piece = fc.oneof(
          fc.constantFrom(...events),
          fc.string().map(framed),
          fc.constantFrom(...['{"error":{"message":"no"}}', '{}', 'null'].map(framed), ': ping\n\n', '\0', '<html>'),
        );
        fc.assert(
          fc.property(fc.array(piece, { maxLength: 8 }), fc.array(fc.nat(4000), { maxLength: 12 }), (pieces, at) => {
            const bytes = Buffer.from(pieces.join(''));
            const cuts = at.map((i) => i % (bytes.length + 1));
            assert.deepEqual(decode(codec, request, bytes, cuts), decode(codec, request, bytes));
          }),
        );
      });

      it(`${name}, ${endpoint}: an error inside a 200 and a response that breaks off are faults`, () => {
        const [first = ''] = events;
        const failed = decode(codec, request, Buffer.from(first + framed('{"error":{"message":"out of memory"}}')));
        assert.deepEqual([failed.counts, failed.end], [[1], 'out of memory']);
        assert.match(decode(codec, request, Buffer.from(first)).end ?? '', /after 1 of 8 tokens/);
        assert.match(decode(codec, request, Buffer.from(framed('<html>'))).end ?? '', notJson);
      });
    }
});
