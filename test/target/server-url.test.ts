import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { textsFrom } from '../../src/core/outside-text.ts';
import { queryValues, withoutQueryValues } from '../../src/core/secrets.ts';
import { pagePaths, pathBelow, requestPath, urlAt, urlBelow, type ServerAccess } from '../../src/replay/transport.ts';
import { recordedName, parseTarget } from '../../src/target/target-spec.ts';
import { readServerUrl } from '../../src/target/server-url.ts';

function access(text: string): ServerAccess {
  const { url, query, isUnversioned } = readServerUrl(text);
  return { url: new URL(url), query, isUnversioned, headers: {}, insecure: false };
}

const HOST = 'http://host:8000';
/** What follows the host -> where chat and SGLang's own route are asked for. */
const CASES: readonly (readonly [given: string, chat: string, generate: string])[] = [
  ['', '/v1/chat/completions', '/generate'],
  ['/', '/v1/chat/completions', '/generate'],
  ['/v1', '/v1/chat/completions', '/generate'],
  ['/v1/', '/v1/chat/completions', '/generate'],
  ['/v1//', '/v1/chat/completions', '/generate'],
  ['/prefix', '/prefix/v1/chat/completions', '/prefix/generate'],
  ['/prefix/', '/prefix/v1/chat/completions', '/prefix/generate'],
  ['/api/v1', '/api/v1/chat/completions', '/api/generate'],
  ['/openai/v2', '/openai/v2/chat/completions', '/openai/generate'],
  ['/api/paas/v4/', '/api/paas/v4/chat/completions', '/api/paas/generate'],
  ['/v1beta', '/v1beta/chat/completions', '/generate'],
  ['/v1.1', '/v1.1/chat/completions', '/generate'],
  ['/v1/openai', '/v1/openai/v1/chat/completions', '/v1/openai/generate'],
  ['/vllm', '/vllm/v1/chat/completions', '/vllm/generate'],
  ['?a=b', '/v1/chat/completions?a=b', '/generate?a=b'],
  ['/v2?a=b&c', '/v2/chat/completions?a=b&c', '/generate?a=b&c'],
  ['/v1#part', '/v1/chat/completions', '/generate'],
  ['/v1/chat/completions', '/v1/chat/completions', '/generate'],
  ['/v1/chat/completions/?a=b', '/v1/chat/completions?a=b', '/generate?a=b'],
  ['/v3/completions', '/v3/chat/completions', '/generate'],
  ['/chat/completions', '/chat/completions', '/generate'],
  [
    '/openai/deployments/x/chat/completions?api-version=1',
    '/openai/deployments/x/chat/completions?api-version=1',
    '/openai/deployments/x/generate?api-version=1',
  ],
  ['/v1/models', '/v1/chat/completions', '/generate'],
  ['/generate', '/v1/chat/completions', '/generate'],
  ['/metrics', '/v1/chat/completions', '/generate'],
  ['/health/?a=b', '/v1/chat/completions?a=b', '/generate?a=b'],
  ['/prefix/docs#/default/chat', '/prefix/v1/chat/completions', '/prefix/generate'],
  ['/openapi.json', '/v1/chat/completions', '/generate'],
  ['/prefix/generate', '/prefix/v1/chat/completions', '/prefix/generate'],
];

describe('the URL of a server', () => {
  for (const [given, chat, generate] of CASES)
    it(`${HOST}${given}: routes stand at its version, and its query is in every call`, () => {
      const server = access(HOST + given);
      assert.equal(requestPath(server, '/v1/chat/completions'), chat);
      assert.equal(requestPath(server, '/generate'), generate);
      assert.equal(pathBelow(server, '/v1/chat/completions'), chat.replace(/\?.*/, ''));
      assert.equal(server.url.search + server.url.hash, '');
    });

  it('a route at its end names the endpoint', () => {
    const endpoints = ['/v1', '/v1/chat/completions', '/v1/completions?a=b', '/generate', '/v1/models'].map(
      (path) => readServerUrl(HOST + path).endpoint,
    );
    assert.deepEqual(endpoints, [null, 'chat', 'completions', 'generate', null]);
  });

  it('a route of another endpoint is refused, with the base', () => {
    for (const route of ['/responses', '/messages', '/embeddings', '/audio/speech'])
      assert.throws(
        () => readServerUrl(`${HOST}/v1${route}?key=hunter2`),
        /^UserError: --target: (?!.*hunter2).*name the base of the server, http:\/\/host:8000\/v1, /,
      );
  });

  it('a query joins that of a route', () => {
    assert.equal(requestPath(access(`${HOST}?a=b`), '/flush_cache?timeout=30'), '/flush_cache?timeout=30&a=b');
    assert.equal(requestPath(access(HOST), '/flush_cache?timeout=30'), '/flush_cache?timeout=30');
  });

  it('pages are below it, or else at the root', () => {
    assert.deepEqual(pagePaths(access(`${HOST}/openai/v2?a=b`), '/metrics'), ['/openai/metrics?a=b', '/metrics?a=b']);
    assert.deepEqual(pagePaths(access(`${HOST}/v1`), '/metrics'), ['/metrics']);
  });

  it('is shown without the values of its query, but for the version of the API', () => {
    const given = `${HOST}/v1?api-version=2024-02-01&key=hunter-two%2B2&flag&b=`;
    const spec = parseTarget(given);
    assert.equal(spec.text, `${HOST}/v1?api-version=2024-02-01&key=***&***&b=***`);
    assert.equal(spec.name, 'host_8000');
    assert.equal(recordedName({ spec: spec.text, kind: 'url', adapter: 'vllm', model: null, facts: {} }), 'host_8000');
    assert.equal(parseTarget(`${HOST}/v1/`).text, `${HOST}/v1/`);
    assert.equal(withoutQueryValues('http://user:hunter2@host/?a=b'), 'http://***@host/?a=***');
    const secrets = queryValues(new URL(given).search);
    const said = 'not hunter-two%2B2, not hunter-two+2, but version 2024-02-01';
    assert.equal(textsFrom({ headers: {}, secrets }).quoted(said), 'not ***, not ***, but version 2024-02-01');
  });
});

it('every page and route of a server is of its own origin, whatever its path begins with', () => {
  for (const base of [
    `${HOST}//other.example/`,
    `${HOST}//user@other.example`,
    `${HOST}/\\\\other.example/v1`,
    `${HOST}/a/..//other:1`,
  ])
    for (const route of ['/metrics', '/v1/models', '/health']) {
      const to = access(base);
      const urls = [urlBelow(to, route), ...pagePaths(to, route).map((path) => urlAt(to, path))];
      for (const { origin } of urls) assert.equal(origin, HOST);
    }
});
