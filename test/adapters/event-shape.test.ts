import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ADAPTERS, makeCodec } from '../../adapters/index.ts';
import { EventShape } from '../../adapters/event-shape.ts';
import { promptMaker } from '../../workloads/index.ts';
import { sse } from '../servers.ts';
import { decode } from './decode.ts';

const prompts = promptMaker({ seed: 1, blockTokens: null });
const request = { id: 'r', traceRow: 1, dueUs: 0, inputTokens: 8, outputTokens: 8 };

/** Events of one stream, which have an id, a date and a count of the prompt in common. */
const stream = fc.record({
  id: fc.constantFrom('a', 'cmpl-5f1b3a0c2b2f', 'é', 'a"b'),
  created: fc.constantFrom(0, 1_763_678_400),
  prompt: fc.constantFrom(8, 9),
  usage: fc.constantFrom('none', 'growing', 'odd'),
  ids: fc.constantFrom(null, 1, 2),
  isChat: fc.boolean(),
  events: fc.array(
    fc.record({
      text: fc.constantFrom('', ' a', ' b', ' word', 'é', '"', '\n', '\\', '\u{1f600}'),
      prompt: fc.oneof({ arbitrary: fc.constant(0), weight: 9 }, { arbitrary: fc.constant(1), weight: 1 }),
      isThought: fc.oneof({ arbitrary: fc.constant(false), weight: 4 }, { arbitrary: fc.constant(true), weight: 1 }),
    }),
    { maxLength: 10 },
  ),
  lineEnd: fc.constantFrom('\n', '\r\n'),
});

type Stream = typeof stream extends fc.Arbitrary<infer T> ? T : never;

function bytesOf({ id, created, prompt, usage, ids, isChat, events, lineEnd }: Stream): Buffer {
  const all = events.map(({ text, prompt: more, isThought }, i) => {
    const count = usage === 'odd' ? (i * 7) % 5 : i + 1;
    const content = isChat ? { delta: { [isThought ? 'reasoning' : 'content']: text } } : { text };
    const choice = {
      index: 0,
      ...content,
      finish_reason: null,
      ...(ids === null ? {} : { token_ids: Array(ids).fill(7) }),
    };
    const of = { prompt_tokens: prompt + more, completion_tokens: count, total_tokens: prompt + more + count };
    return sse({ id, object: 'x', created, choices: [choice], ...(usage === 'none' ? {} : { usage: of }) });
  });
  return Buffer.from(all.join('').replaceAll('\n', lineEnd));
}

describe('the shape of events', () => {
  for (const name of Object.keys(ADAPTERS).filter((each) => ADAPTERS[each]?.endpoints.includes('chat') === true))
    it(`${name}: a stream is counted as if it were the only one, whatever shapes others had`, () => {
      const codecs = (['completions', 'chat'] as const).map(
        (endpoint) => () => makeCodec(name, { endpoint, model: 'm', runId: 'run' }, prompts),
      );
      for (const fresh of codecs) {
        const shared = fresh();
        fc.assert(
          fc.property(stream, fc.array(fc.nat(3000), { maxLength: 3 }), (of, at) => {
            const bytes = bytesOf(of);
            const cuts = at.map((i) => i % (bytes.length + 1));
            assert.deepEqual(decode(shared, request, bytes, cuts), decode(fresh(), request, bytes, cuts));
          }),
        );
      }
    });

  it('is that of an event with another id, date, text and counts, and of no other', () => {
    const event = (id: string, created: number, text: string, tokens: number, finish = 'null'): string =>
      `{"id":"${id}","object":"x","created":${created},"choices":[{"text":"${text}","finish_reason":${finish},"token_ids":[${Array(tokens).fill(7).join(',')}]}],"usage":{"prompt_tokens":5,"total_tokens":${5 + tokens},"completion_tokens":${tokens}}}`;
    const shape = EventShape.of(event('a', 1, ' a', 1)) ?? assert.fail();
    const read = (json: string, behind = ''): number =>
      shape.read(Buffer.from(json + behind), 0, Buffer.byteLength(json + behind));
    for (const other of [event('', 99, '', 0), event('bé', 1, 'x'.repeat(99), 12), event('a', 2, '\\n', 3)]) {
      assert.equal(read(other, '\n\n'), Buffer.byteLength(other));
      for (let length = 0; length < other.length; length++)
        assert.equal(shape.read(Buffer.from(other), 0, length), -1, `cut at ${length}`);
    }
    assert.equal(read(event('a', 1, 'xyz', 2)), Buffer.byteLength(event('a', 1, 'xyz', 2)));
    assert.deepEqual([shape.isEmpty, shape.ids, shape.count, shape.prompt], [false, 2, 2, 5]);
    const usual = event('a', 1, ' a', 1);
    for (const odd of [
      event('a', 1, ' a', 1, '"stop"'),
      usual.replace('"x"', '"y"'),
      usual.replace(' a"', ' \\""'),
      usual.replace(' a"', ' \n"'),
      usual.replace('"id":"a"', '"id":"\\""'),
      usual.replace('"created":1', '"created":'),
      usual.replace('"created":1', '"created":-1'),
      usual.replace('[7]', '[7\r]'),
      usual.replace(':1}}', ':99999999}}'),
      ` ${usual}`,
    ])
      assert.equal(read(odd), -1, odd);
  });
});
