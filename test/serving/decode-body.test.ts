import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { after, describe, it } from 'node:test';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { UserError } from '../../src/core/errors.ts';
import type { ServerAccess } from '../../src/replay/transport.ts';
import { decodedBody } from '../../src/serving/decode-body.ts';
import { nameEngine } from '../../src/serving/engine-name.ts';
import { reachTarget } from '../../src/serving/reach.ts';
import { metricsPage, openScraper } from '../../src/serving/scrape.ts';

const CODINGS: readonly (readonly [encoding: string, encode: (text: string) => Buffer])[] = [
  ['gzip', (text) => gzipSync(text)],
  ['X-GZip', (text) => gzipSync(text)],
  ['deflate', (text) => deflateSync(text)],
  ['deflate', (text) => deflateRawSync(text)],
  ['br', (text) => brotliCompressSync(text)],
  ['zstd', (text) => zstdCompressSync(text)],
  ['identity', (text) => Buffer.from(text)],
];

const PAGES: Readonly<Record<string, string>> = {
  '/v1/models': JSON.stringify({ data: [{ id: 'packed', owned_by: 'vllm' }] }),
  '/version': JSON.stringify({ version: '0.9.1' }),
  '/metrics': 'vllm:num_requests_running{engine="0"} 3\n',
};

const servers: Server[] = [];
after(() => servers.forEach((server) => server.close()));

/** A server that compresses its pages, whatever it is asked for; `asked`: the headers of all requests. */
async function compressing(
  encoding: string,
  encode: (text: string) => Buffer,
): Promise<{ readonly access: ServerAccess; readonly asked: readonly IncomingHttpHeaders[] }> {
  const asked: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers);
    const page = PAGES[request.url ?? ''];
    if (page === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-encoding': encoding }).end(encode(page));
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return { access: { url: new URL(`http://127.0.0.1:${address.port}`), headers: {}, insecure: false }, asked };
}

async function scraped(access: ServerAccess): ReturnType<ReturnType<typeof openScraper>['scrape']> {
  const scraper = openScraper(metricsPage(access));
  try {
    return await scraper.scrape(AbortSignal.timeout(5000));
  } finally {
    await scraper.close();
  }
}

describe('a page that comes compressed though identity was asked for', () => {
  for (const [encoding, encode] of CODINGS)
    it(`is read: ${encoding}, ${encode}`, async () => {
      const { access, asked } = await compressing(encoding, encode);
      const models = await reachTarget(access);
      assert.deepEqual(
        models.map(({ id }) => id),
        ['packed'],
      );
      assert.equal((await nameEngine(access, models[0])).version, '0.9.1');
      const metrics = await scraped(access);
      assert.deepEqual(metrics.kind === 'read' ? metrics.samples.map(({ value }) => value) : metrics, [3]);
      for (const headers of asked) assert.equal(headers['accept-encoding'], 'identity');
    });

  it('is named as one where it cannot be decoded', async () => {
    for (const [encoding, why, packed] of [
      ['compress', /not known here/, Buffer.from([0x1f, 0x9d, 0x90, 1, 2])],
      ['gzip', /header/, zstdCompressSync('{}')],
      ['gzip, br', /./, gzipSync('{}').subarray(0, 12)],
    ] as const) {
      const { access } = await compressing(encoding, () => packed);
      await assert.rejects(
        reachTarget(access),
        (thrown) =>
          thrown instanceof UserError &&
          thrown.exitCode === 3 &&
          thrown.message.includes(`list of models (/v1/models) comes compressed (content-encoding ${encoding})`) &&
          why.test(thrown.message),
      );
      const metrics = await scraped(access);
      assert.ok(metrics.kind === 'failed' && /compressed.*cannot be decoded/.test(metrics.why), metrics.kind);
    }
  });

  it('is read as it is where the header is wrong and it is text, and through each of several codings', () => {
    const text = Buffer.from('{"data":[{"id":"m"}]}\n');
    for (const encoding of ['utf-8', 'none', 'gzip', 'br', 'identity', 'gzip, br', ''])
      assert.equal(decodedBody(text, encoding).toString(), text.toString(), encoding);
    assert.equal(decodedBody(brotliCompressSync(gzipSync(text)), 'gzip, br').toString(), text.toString());
    assert.equal(decodedBody(gzipSync(text), 'identity, gzip').toString(), text.toString());
  });

  it('is decoded to 16 MiB and no further', () => {
    const bomb = Buffer.alloc(17 * 1024 ** 2);
    for (const [encoding, packed] of [
      ['gzip', gzipSync(bomb)],
      ['deflate', deflateSync(bomb)],
      ['deflate', deflateRawSync(bomb)],
      ['br', brotliCompressSync(bomb)],
      ['zstd', zstdCompressSync(bomb)],
    ] as const)
      assert.throws(() => decodedBody(packed, encoding), /cannot be decoded: over 16 MiB once decoded/);
  });
});
