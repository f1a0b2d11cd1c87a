import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { rawMember } from '../../adapters/raw-member.ts';

/** A JSON text with spaces wherever JSON allows them. */
function spaced(json: unknown, space: string): string {
  if (Array.isArray(json))
    return `[${space}${json.map((one) => spaced(one, space)).join(`${space},${space}`)}${space}]`;
  if (typeof json !== 'object' || json === null) return JSON.stringify(json);
  const members = Object.entries(json).map(
    ([key, one]) => `${JSON.stringify(key)}${space}:${space}${spaced(one, space)}`,
  );
  return `{${space}${members.join(`${space},${space}`)}${space}}`;
}

describe('rawMember', () => {
  it('gives the bytes of a member as they are: integers beyond 2^53, 1.0, exponents, escapes, spaces', () => {
    const raw = '{"room": 9223372036854775807, "at":1.0,"x":[1E3 , {"a}\\"]":"\\u00e9{"}],"n":null}';
    assert.equal(rawMember(`{"id":"]}\\\\","kv": ${raw} ,"z":1}`, 'kv'), raw);
    assert.equal(rawMember('{"kv":12}', 'kv'), '12');
    assert.equal(rawMember('{"kv":-1.50e+3 \n}', 'kv'), '-1.50e+3');
    assert.equal(rawMember('{"\\u006bv":"a\\"b"}', 'kv'), '"a\\"b"', 'a key in another spelling');
    assert.equal(rawMember('{"kv":1,"kv":[2]}', 'kv'), '[2]', 'the last, as parsers take it');
    assert.equal(rawMember('{"a":{"kv":1}}', 'kv'), null, 'of the object itself alone');
    assert.equal(rawMember('{}', 'kv'), null);
  });

  it('finds in any JSON object what a parser finds', () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue());
    const spaces = fc.constantFrom('', ' ', '\n', ' \t\r\n');
    fc.assert(
      fc.property(object, fc.jsonValue(), spaces, (others, value, space) => {
        const text = spaced({ ...others, kv: value }, space);
        assert.deepEqual(JSON.parse(rawMember(text, 'kv') ?? ''), JSON.parse(JSON.stringify(value)));
        for (const [key, one] of Object.entries(JSON.parse(text) as object))
          assert.deepEqual(JSON.parse(rawMember(text, key) ?? ''), one);
      }),
    );
  });
});
