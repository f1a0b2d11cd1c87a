import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { USUAL_BODY, type BodyOptions } from '../../adapters/body-options.ts';
import { distserveCodec } from '../../adapters/distserve.ts';
import { phasesOfLifetime } from '../../adapters/lifetime.ts';
import { promptMaker } from '../../workloads/index.ts';
import { decode, type Decoded } from './decode.ts';

const prompts = promptMaker({ seed: 1, blockTokens: null });
const codecOf = (body: Partial<BodyOptions> = {}) =>
  distserveCodec({ endpoint: 'generate', model: 'm', runId: 'run', body: { ...USUAL_BODY, ...body } }, prompts);
const streamed = codecOf();
const whole = codecOf({ stream: false });
const request = { id: 'r7', traceRow: 9, dueUs: 0, inputTokens: 5, outputTokens: 4 };

const objects = (...texts: string[]): string => texts.map((text) => `{"text": ${JSON.stringify(text)}}`).join('');
const read = (bytes: string, codec = streamed): Decoded => decode(codec, request, Buffer.from(bytes));

describe('distserve codec, its requests', () => {
  const bodyOf = (codec: ReturnType<typeof codecOf>): unknown =>
    JSON.parse(Buffer.from(codec.open(request)[0]?.body ?? []).toString());

  it('have the prompt, stream and sampling parameters, and no other field: the server fails on one', () => {
    const prompt = prompts.text(request);
    const expected = {
      prompt,
      stream: true,
      n: 1,
      best_of: 1,
      use_beam_search: false,
      temperature: 0,
      top_p: 1,
      max_tokens: 4,
      ignore_eos: true,
    };
    assert.deepEqual(bodyOf(streamed), expected);
    assert.deepEqual(bodyOf(whole), { ...expected, stream: false });
    const { ignore_eos: _, ...others } = expected;
    assert.deepEqual(bodyOf(codecOf({ ignoreEos: false, temperature: 1 })), { ...others, temperature: 1 });
    assert.deepEqual(bodyOf(codecOf({ extra: { presence_penalty: 1 } })), { ...expected, presence_penalty: 1 });
  });

  it('say where the reason of a failure stands that the server does not tell', () => {
    assert.match(streamed.errorMessage('Internal Server Error'), /^Internal Server Error \(only the log of the server/);
    assert.equal(streamed.errorMessage('{"detail":"Not Found"}'), 'Not Found');
  });
});

describe('distserve codec, streamed', () => {
  it('an object is a token, whatever its text holds and however it is cut, even where the text does not grow', () => {
    const texts = [
      ' a "quoted"',
      ' a "quoted" } {"text": "',
      ' a "quoted" } {"text": "\\',
      ' a "quoted" } {"text": "\\ é☃𝄞',
    ];
    const python = objects(...texts).replaceAll(
      /[^ -~]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    for (const bytes of [
      objects(...texts),
      python,
      objects(...texts).replaceAll('{"text"', '\0{"text"'),
      objects('', '', ' a', ' a'),
      texts.map((text) => `{"text": [${JSON.stringify(`prompt${text}`)}]}\0`).join(''),
    ]) {
      const found = read(bytes);
      assert.deepEqual([found.counts, found.end], [[1, 1, 1, 1], null], bytes);
      const { countSource, outputTokens, inputTokens, finishReason, phases, tokenTimeSource } = found.response;
      assert.deepEqual(
        [countSource, outputTokens, inputTokens, finishReason, phases, tokenTimeSource],
        ['chunks', null, null, null, null, undefined],
      );
      const buffer = Buffer.from(bytes);
      for (let at = 0; at <= buffer.length; at++)
        assert.deepEqual(decode(streamed, request, buffer, [at]), found, `${at}`);
    }
  });

  it('any texts are as many tokens as objects, cut anywhere', () => {
    const text = fc.oneof(
      fc.constantFrom('"', '\\', '{', '}', '"}', '"]}', '"text": "', '\\"'),
      fc.string({ unit: 'grapheme' }),
    );
    fc.assert(
      fc.property(
        fc.array(text, { minLength: 1, maxLength: 9 }),
        fc.array(fc.nat(500), { maxLength: 9 }),
        (pieces, at) => {
          let soFar = '';
          const bytes = Buffer.from(pieces.map((piece) => objects((soFar += piece))).join(''));
          const planned = { ...request, outputTokens: pieces.length };
          const cuts = at.map((i) => i % (bytes.length + 1));
          const found = decode(streamed, planned, bytes, cuts);
          assert.deepEqual([found.counts, found.end], [pieces.map(() => 1), null]);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is whole with the planned tokens, or, where EOS is heeded, with the end of its body', () => {
    assert.equal(read(objects('a', 'b', 'c')).end, 'the answer ended after 3 of 4 tokens');
    assert.equal(
      read(`${objects('a', 'b')}{"text": "c`).end,
      'the answer ended inside of an object after 2 of 4 tokens',
    );
    const heeding = codecOf({ ignoreEos: false });
    assert.equal(read(objects('a', 'b', 'c'), heeding).end, null);
    assert.match(read(`${objects('a')}{"te`, heeding).end ?? '', /inside of an object after 1/);
    // It does not end with them: a server that sends more has given more.
    assert.deepEqual(read(objects('a', 'b', 'c', 'd', 'e')).counts, [1, 1, 1, 1, 1]);
    assert.deepEqual([read(`${objects('a', 'b', 'c', 'd')}<!-- proxy -->`).end, read(objects()).counts], [null, []]);
  });

  it('its last token finishes it, so that no end of the body is needed', () => {
    const decoder = streamed.decoder(request, { tokens: () => undefined });
    const seen: (number | undefined)[] = [];
    for (const text of ['a', 'b', 'c', 'd', 'e']) {
      decoder.push(Buffer.from(objects(text)));
      seen.push(decoder.finalEvents);
    }
    assert.deepEqual([seen, decoder.isDone], [[0, 0, 0, 1, 2], false]);
  });

  it('an error in place of a token, another object and bytes of no object are named', () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['{"error": "out of memory"}', /^out of memory$/],
      ['{"detail": "engine died"}', /^engine died$/],
      ['{"text": "a", "error": {"message": "lost", "code": 500}}', /^lost$/],
      ['{"token": "a"}', /^an object is not one of \/generate: \{"token": "a"\}$/],
      ['{"text": 7}', /^an object is not one of \/generate/],
      ['{"text": "a" "b"}', /^an object is not JSON \(.*\): \{"text": "a" "b"\}$/],
      ['data: {"text": "a"}', /^the answer is no JSON object: data: \{"text": "a"\}$/],
      ['<html><body>Bad Gateway</body></html>', /^the answer is no JSON object: <html>/],
    ];
    for (const [bytes, expected] of cases) {
      const found = read(bytes);
      assert.match(found.end ?? '', expected);
      assert.deepEqual(found.counts, []);
      const later = read(objects('a') + bytes);
      assert.deepEqual([later.counts, later.end === null], [[1], false]);
    }
    assert.match(read(`${objects('a')}<html>`).end ?? '', /^what follows 1 of 4 tokens is no JSON object: <html>$/);
    // A field more is no fault.
    assert.deepEqual(read(objects('a', 'b', 'c') + '{"id": 4, "text": "d"}').counts, [1, 1, 1, 1]);
  });
});

/** A lifetime in seconds: each event a second after the one before, and a half more. */
const EVENTS = [
  'issued',
  'context_begin',
  'context_end',
  'migration_begin',
  'migration_end',
  'decoding_begin',
  'decoding_end',
];
const lifetime = (...events: (string | [string, number])[]): { timestamp: number; event_type: string }[] => {
  let timestamp = 1.7e9;
  return events.map((each, i) => {
    const [event_type, afterS] = typeof each === 'string' ? [each, i === 0 ? 0 : i / 2] : each;
    timestamp += afterS;
    return { timestamp, event_type };
  });
};
const answer = (more: object = {}): string =>
  JSON.stringify({
    text: 'prompt a b c d',
    timestamps: [10, 10.25, 10.5, 11],
    lifetime_events: lifetime(...EVENTS),
    ...more,
  });

describe('distserve codec, not streamed', () => {
  /** When tokens came, in ms before the answer. */
  function agoMs(bytes: string): number[] {
    const ago: number[] = [];
    const decoder = whole.decoder(request, {
      tokens: (count, _hasText, agoUs) => ago.push(...Array(count).fill((agoUs ?? NaN) / 1000)),
    });
    decoder.push(Buffer.from(bytes));
    assert.equal(decoder.isDone, true);
    return ago;
  }

  it('its last token comes with it, the others before it by the monotonic clock alone', () => {
    assert.deepEqual(agoMs(answer()), [1000, 750, 500, 0]);
    assert.deepEqual(agoMs(answer({ lifetime_events: null })), [1000, 750, 500, 0]);
    const found = read(answer(), whole);
    const { countSource, outputTokens, tokenTimeSource } = found.response;
    assert.deepEqual(
      [found.counts, found.end, countSource, outputTokens, tokenTimeSource],
      [[1, 1, 1, 1], null, 'usage', 4, 'server'],
    );
    const bytes = Buffer.from(answer({ text: ' "}{" é☃𝄞 \\' }));
    for (let at = 0; at <= bytes.length; at++) assert.deepEqual(decode(whole, request, bytes, [at]), found, `${at}`);
  });

  it('its phases are of the wall clock, and add up to the time from issued to decoding_end', () => {
    const { phases } = read(answer(), whole).response;
    assert.deepEqual(phases, {
      prefill_queue_us: 0.5e6,
      prefill_us: 1e6,
      transfer_us: 2e6,
      decode_queue_us: 1.5e6 + 2.5e6,
      decode_us: 3e6,
    });
  });

  it('without an answer, with an error or with times that cannot be, it is named', () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['', /^the answer ended after 0 of 4 tokens$/],
      ['{"text": "a', /^the answer ended inside of an object after 0 of 4 tokens$/],
      ['Internal Server Error', /^the answer is no JSON object: Internal Server Error$/],
      ['{"error": "aborted"}', /^aborted$/],
      ['{"text": ["prompt a"]}', /^the answer has no timestamps.*--no-stream.*prompt a/],
      [answer({ timestamps: [] }), /^the answer has 0 timestamps, one a token, and 4 tokens were asked for$/],
      [answer({ timestamps: [1, 2, 3] }), /^the answer has 3 timestamps/],
      [answer({ timestamps: [1, 2, 1.5, 3] }), /^the timestamps go back at token 3, from 2 to 1\.5 s/],
      [answer({ timestamps: [1, null, 2, 3] }), /^the timestamp of token 2 is no time/],
      [answer({ timestamps: [1, 'x'] }), /^the timestamp of token 2 is no time/],
      [answer().replace('10.25', '1e999'), /^the timestamp of token 2 is no time/],
      [answer().replace('10.25', 'NaN'), /^an object is not JSON/],
    ];
    for (const [bytes, expected] of cases) assert.match(read(bytes, whole).end ?? 'whole', expected, bytes);
    // EOS is heeded, or the server gave more.
    assert.equal(read(answer({ timestamps: [1, 2] }), codecOf({ stream: false, ignoreEos: false })).end, null);
    assert.equal(read(answer({ timestamps: [1, 2, 3, 4, 5] }), whole).end, null);
    // Nothing behind it belongs to it.
    assert.equal(read(`${answer()}${answer()}<html>`, whole).counts.length, 4);
  });
});

describe('the phases of a lifetime', () => {
  const known = { prefill_queue_us: 0.5e6, prefill_us: 1e6, transfer_us: 2e6, decode_queue_us: 4e6, decode_us: 3e6 };
  const none = { prefill_queue_us: null, prefill_us: null, transfer_us: null, decode_queue_us: null, decode_us: null };

  it('of a request that was over with its prompt are those of its prompt', () => {
    const phases = phasesOfLifetime(lifetime('issued', 'context_begin', 'context_end'));
    assert.deepEqual(phases, { ...none, prefill_queue_us: 0.5e6, prefill_us: 1e6 });
  });

  it('are not known beside an event that is missing, out of order or before the one before it', () => {
    const times = lifetime(...EVENTS);
    const without = (name: string): unknown => phasesOfLifetime(times.filter(({ event_type }) => event_type !== name));
    assert.deepEqual(without('context_begin'), { ...known, prefill_queue_us: null, prefill_us: null });
    assert.deepEqual(without('migration_end'), { ...known, transfer_us: null, decode_queue_us: null });
    assert.deepEqual(without('decoding_end'), { ...known, decode_us: null });
    assert.deepEqual(without('issued'), { ...known, prefill_queue_us: null });
    const back = lifetime(...EVENTS.slice(0, 4), ['migration_end', -1], 'decoding_begin', ['decoding_end', 3]);
    assert.deepEqual(phasesOfLifetime(back), { ...known, transfer_us: null });
    for (const events of [null, undefined, 'x', 7, {}]) assert.equal(phasesOfLifetime(events), null);
    for (const events of [[], [null, 'x', { event_type: 'issued' }], [{ timestamp: 1 }]])
      assert.deepEqual(phasesOfLifetime(events), none);
  });

  it('pass over what repeats itself and what is not known', () => {
    const times = lifetime(...EVENTS);
    const more = times.flatMap((event) => [event, { ...event, timestamp: event.timestamp + 0.1 }]);
    assert.deepEqual(phasesOfLifetime([...more, { timestamp: 2e9, event_type: 'freed' }]), known);
  });

  it('are never negative, and where all are known they add up to the time from the first event to the last', () => {
    const event = fc.record({
      event_type: fc.constantFrom(...EVENTS),
      timestamp: fc.double({ min: 0, max: 2e9, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const phases = Object.values(phasesOfLifetime(events) ?? {});
        assert.ok(phases.every((us) => us === null || us >= 0));
      }),
    );
    const ordered = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 7, maxLength: 7 });
    fc.assert(
      fc.property(ordered, (gaps) => {
        const times = lifetime(...EVENTS.map((name, i): [string, number] => [name, gaps[i] ?? 0]));
        const sum = Object.values(phasesOfLifetime(times) ?? {}).reduce((total: number, us) => total + (us ?? NaN), 0);
        const spanUs = ((times.at(-1)?.timestamp ?? 0) - (times[0]?.timestamp ?? 0)) * 1e6;
        assert.ok(Math.abs(sum - spanUs) < 1000, `${sum} of ${spanUs}`);
      }),
    );
  });
});
