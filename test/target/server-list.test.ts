import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { serverAddress, serverAddresses, shareServer } from '../../src/core/server-address.ts';
import { readServers } from '../../src/target/server-list.ts';
import { parseTarget, recordedName } from '../../src/target/target-spec.ts';
import { exampleManifest } from '../metrics/example-manifest.ts';

const seen = (text: string): unknown[] =>
  readServers(text).endpoints.map(({ role, url, bootstrapPort }) => [role, url, bootstrapPort]);

describe('--target of several servers', () => {
  it('is read by role, replicas joined by +, with the bootstrap ports of prefill servers', () => {
    assert.deepEqual(seen('prefill=http://a:1@9000+https://b/x/v1,decode=http://c:2+http://d:3?key=a+b,c'), [
      ['prefill', 'http://a:1/', 9000],
      ['prefill', 'https://b/x/v1', null],
      ['decode', 'http://c:2/', null],
      ['decode', 'http://d:3/', null],
    ]);
    assert.deepEqual(seen('decode=http://c:2,prefill=http://a:1/@80'), [
      ['decode', 'http://c:2/', null],
      ['prefill', 'http://a:1/', 80],
    ]);
    assert.deepEqual(seen('http://a:1+http://b:1'), [
      ['both', 'http://a:1/', null],
      ['both', 'http://b:1/', null],
    ]);
    assert.deepEqual(seen('http://a:1/x,y=http://b'), [['both', 'http://a:1/x,y=http://b', null]], 'one URL is a URL');
  });

  it('has a name for folders, and a text without keys that reads as the same target', () => {
    for (const [text, name] of [
      ['http://a:1', 'a_1'],
      ['http://a:1+http://b:1', 'b_1-x2'],
      ['prefill=http://a:1@9000+http://b:1,decode=http://c:2?key=secret', 'c_2-2p1d'],
    ] as const) {
      const spec = parseTarget(text);
      assert.equal(spec.name, name);
      assert.doesNotMatch(spec.text, /secret/);
      const target = { ...exampleManifest().target, kind: 'url' as const, spec: spec.text };
      assert.equal(recordedName(target), name, spec.text);
    }
  });

  it('is refused with what is wrong, and the form', () => {
    for (const [text, message] of [
      ['prefill=http://a:1', /no decode=; the form is prefill=URL/],
      ['decode=http://a:1', /no prefill=/],
      ['prefill=http://a:1,prefill=http://b:1,decode=http://c', /prefill= is there twice; join its URLs by \+/],
      ['encode=http://a:1,decode=http://c', /"encode=" is no role/],
      ['prefill=http://a:1,decode=http://a:1', /http:\/\/a:1\/ is there twice/],
      ['prefill=http://a:1@70000,decode=http://b', /@70000 is no port/],
      ['prefill=http://a:1@0,decode=http://b', /@0 is no port/],
      ['prefill=http://u:p@a:1,decode=http://b', /a URL with a password/],
      ['prefill=http://a:1,decode=http://b@9000', /@9000 can only be a bootstrap port/],
      ['prefill=http://a:1@9000/v1,decode=http://b', /@9000 can only be a bootstrap port/],
      ['prefill=http://a:1@,decode=http://b', /@ can only be a bootstrap port/],
      ['http://a:1@9000', /@9000 can only be a bootstrap port/],
      ['http://user:12345@a:1', /a URL with a password/],
      ['PREFILL=http://a:1,decode=http://b', /"PREFILL=" is no role .*; did you mean "prefill"\?$/],
      ['prefill=a:1,decode=http://b', /prefill= has no URL but "a:1"; .*; did you mean prefill=http:\/\/a:1\?$/],
      ['prefill=,decode=http://b', /prefill= has no URL but ""/],
      ['prefill=http://a:1,decode=reference', /decode= has no URL but "reference"/],
      ['prefill=http://a:1;decode=http://b', /roles are written with = and a comma/],
      ['prefill=http://a:1 decode=http://b', /roles are written with = and a comma/],
      ['prefill:http://a:1,decode:http://b', /roles are written with = and a comma/],
      ['http://a:1,http://b:1', /joined by \+/],
      ['http://a:1/v1, http://b:1/v1', /joined by \+/],
      ['prefill=http://a/v1,decode=http://a/v1/', /http:\/\/a\/v1\/ is there twice/],
      ['prefill=http://a/v1/completions,decode=http://b/v1/chat/completions', /those of completions and chat/],
    ] as const)
      assert.throws(() => readServers(text), message, text);
  });

  it('has the same servers where its text is all that is left of it, as in run.json', () => {
    const port = fc.integer({ min: 1, max: 65_535 });
    const url = fc
      .tuple(
        fc.constantFrom('a', 'b.example', '10.0.0.1', '[::1]', 'localhost'),
        port,
        fc.constantFrom('', '/', '/v1', '?k=a+b'),
      )
      .map(([host, at, rest]) => `http://${host}:${at}${rest}`);
    const some = fc.uniqueArray(url, {
      minLength: 1,
      maxLength: 3,
      selector: (text) => text.replace(/(?<=\d)\/$/, ''),
    });
    const prefill = fc
      .tuple(some, fc.option(port))
      .map(([urls, at]) => urls.map((one) => (at === null ? one : `${one}@${at}`)));
    const plain = some.map((urls) => urls.join('+'));
    const byRole = fc
      .tuple(prefill, some)
      .filter(([here, there]) => !here.some((one) => there.some((other) => one.startsWith(other.replace(/\/$/, '')))))
      .map(([here, there]) => `prefill=${here.join('+')},decode=${there.join('+')}`);
    fc.assert(
      fc.property(fc.oneof(plain, byRole), (text) => {
        const { text: kept, endpoints } = readServers(text);
        assert.deepEqual(
          serverAddresses(kept),
          endpoints.map((one) => serverAddress(one.url)),
        );
        assert.ok(shareServer(kept, endpoints.at(-1)?.url ?? ''));
      }),
      { numRuns: 200 },
    );
    assert.ok(!shareServer('http://a:1+http://a:2', 'prefill=http://a:3@1,decode=http://b:1'));
  });

  it('takes a space behind a comma, and a query that tells two servers of one URL apart', () => {
    assert.deepEqual(seen('prefill=http://a:1, decode=http://b:1'), seen('prefill=http://a:1,decode=http://b:1'));
    assert.equal(seen('http://a:1?to=1+http://a:1?to=2').length, 2);
    assert.deepEqual(
      seen('http://a/models/x@2'),
      [['both', 'http://a/models/x@2', null]],
      'a number in a path is no port',
    );
  });
});
