import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { machineUs } from '../../../src/core/wall-clock.ts';
import { EmissionLog } from '../../../src/engine/server/emission-log.ts';
import { testServer, type TestServer } from './test-server.ts';

const idsOf = (log: EmissionLog, nowUs?: number): string[] =>
  [...log.lines(nowUs)].map((line) => JSON.parse(line).request_id);

describe('the log', () => {
  test('keeps times as they are, one line a request', () => {
    const log = new EmissionLog();
    log.add('a"b', [1.25, 2.5]);
    assert.deepEqual(JSON.parse(log.find('a"b') ?? ''), { request_id: 'a"b', emitted_us: [1.25, 2.5] });
    assert.equal(log.find('other'), undefined);
  });

  test('removes the oldest requests above its number of requests', () => {
    const log = new EmissionLog({ requests: 2, times: 100, ageUs: 3600e6 });
    for (const id of ['a', 'b', 'c']) log.add(id, [1]);
    assert.deepEqual(idsOf(log), ['b', 'c']);
  });

  test('removes the oldest requests above its number of times, and no longer counts theirs', () => {
    const log = new EmissionLog({ requests: 100, times: 5, ageUs: 3600e6 });
    for (const id of ['a', 'b', 'c']) log.add(id, [1, 2]);
    assert.deepEqual(idsOf(log), ['b', 'c']);
    log.add('d', [1]);
    assert.deepEqual(idsOf(log), ['b', 'c', 'd']);
  });

  test('forgets requests after a while', () => {
    const log = new EmissionLog({ requests: 100, times: 100, ageUs: 100 });
    for (const [i, id] of ['a', 'b', 'c'].entries()) log.add(id, [1], i * 60);
    assert.deepEqual(idsOf(log, 120), ['b', 'c']);
    assert.equal(log.find('b', 161), undefined);
    assert.deepEqual(idsOf(log, 161), ['c']);
  });

  test('of requests with the same id, keeps the last', () => {
    const log = new EmissionLog({ requests: 100, times: 5, ageUs: 3600e6 });
    for (let i = 0; i < 10; i++) log.add('a', [i, i, i]);
    log.add('b', [1, 2]);
    assert.deepEqual(idsOf(log), ['a', 'b']);
    assert.deepEqual(JSON.parse(log.find('a') ?? '').emitted_us, [9, 9, 9]);
  });
});

describe('/truth', () => {
  let server: TestServer;
  before(async () => {
    server = await testServer();
  });
  after(() => server.close());

  test('has one time a token, on the monotonic clock, before the client saw it', async () => {
    const seenUs: number[] = [];
    const beforeUs = machineUs();
    await new Promise<void>((resolve, reject) => {
      const req = httpRequest(
        `${server.url}/v1/completions`,
        { method: 'POST', headers: { 'x-request-id': 'timed' }, agent: false },
        (res) => {
          res.on('data', (data: Buffer) => {
            const nowUs = machineUs();
            for (const _ of data.toString().matchAll(/"text":/g)) seenUs.push(nowUs);
          });
          res.on('end', resolve);
        },
      );
      req.on('error', reject);
      req.end(JSON.stringify({ prompt: Array(64).fill(1), max_tokens: 12, stream: true }));
    });
    const { request_id, emitted_us } = (await server.send('GET', '/truth?id=timed')).json;
    assert.equal(request_id, 'timed');
    assert.equal(emitted_us.length, 12);
    assert.equal(seenUs.length, 12);
    let previous = beforeUs;
    for (const [i, time] of emitted_us.entries()) {
      assert.ok(time >= previous && time <= (seenUs[i] ?? 0));
      previous = time;
    }
    // One prefill of 6.7 ms and 11 decodes of 5.5: late by whatever the machine was busy, but never early.
    assert.ok(emitted_us[11] - beforeUs > 66_000);
  });

  test('lists all requests as JSON lines', async () => {
    await server.complete({ prompt: 'a', max_tokens: 5, stream: true }, { 'x-request-id': 'streamed' });
    await server.complete({ prompt: 'a', max_tokens: 4 }, { 'x-request-id': 'one body' });
    const lines = (await server.send('GET', '/truth')).text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const times = new Map(lines.map((line) => [line.request_id, line.emitted_us.length]));
    assert.deepEqual([times.get('streamed'), times.get('one body')], [5, 4]);
  });

  test('of an unknown request is 404', async () => {
    assert.equal((await server.send('GET', '/truth?id=nobody')).status, 404);
  });
});
