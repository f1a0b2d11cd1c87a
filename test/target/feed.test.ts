import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as afterPoll } from 'node:timers/promises';
import { after, test } from 'node:test';
import { openAiCodec } from '../../adapters/openai.ts';
import { WHOLE } from '../../src/core/shard.ts';
import type { ScheduledRequest } from '../../src/core/target.ts';
import { feedAhead, feedFromWorker, type Feed, type FeedSpec } from '../../src/target/feed.ts';
import { openWorkload } from '../../workloads/open-workload.ts';
import { promptMaker } from '../../workloads/prompts/index.ts';
import { temporaryFolder } from '../cli.ts';

const RATE_PER_S = 200;
const CODEC = { endpoint: 'completions', model: 'tiny', runId: 'run' } as const;
const PROMPTS = { seed: 1, salt: 'test', blockTokens: null };

function specOf(path: string): FeedSpec {
  const workload = { path, onBadRow: 'fail', transforms: [] } as const;
  return {
    workload,
    shard: WHOLE,
    adapter: 'openai',
    codec: CODEC,
    prompts: PROMPTS,
    thinks: false,
    historyForm: null,
  };
}

function feedOf(rows: number, inputTokens = 16, ratePerS = RATE_PER_S): Feed {
  const path = join(temporaryFolder(), 'trace.csv');
  const lines = Array.from({ length: rows }, (_, i) => `${i / ratePerS},${inputTokens},1`);
  writeFileSync(path, `arrival_s,input_tokens,output_tokens\n${lines.join('\n')}\n`);
  const feed = feedFromWorker(specOf(path));
  after(() => feed.stop());
  return feed;
}

/** How many requests the feed gives before a poll of the thread's messages, and in all; `lastUs`: due time of the last of the first. */
async function readAll({ requests }: Feed): Promise<{ atOnce: number; lastUs: number; indices: number[] }> {
  const indices: number[] = [];
  let [atOnce, lastUs, hasPolled] = [0, 0, false];
  void afterPoll().then(() => (hasPolled = true));
  for await (const batch of requests) {
    if (!hasPolled) {
      atOnce += batch.length;
      lastUs = batch.at(-1)?.dueUs ?? 0;
    }
    indices.push(...batch.map(({ index }) => index));
  }
  return { atOnce, lastUs, indices };
}

test('a feed that is ready has all requests of the first 10 s, and gives the others as they are made', async () => {
  const feed = feedOf(6000);
  await feed.ready;
  const { lastUs, indices } = await readAll(feed);
  assert.ok(lastUs >= 10e6 && lastUs < 12e6, `up to ${lastUs} us`);
  assert.deepEqual(
    indices,
    Array.from({ length: 6000 }, (_, i) => i),
  );
});

test('or those of 64 MB of bodies; or 20,000; or all there are', async () => {
  const large = feedOf(200, 120_000);
  await large.ready;
  const { atOnce, indices } = await readAll(large);
  assert.ok(atOnce > 32 && atOnce < 200, `${atOnce} at once`);
  assert.equal(indices.length, 200);
  const crowd = feedOf(25_000, 4, 1e6);
  await crowd.ready;
  const { atOnce: many } = await readAll(crowd);
  assert.ok(many >= 20_000 && many <= 20_100, `${many} at once`);
  const few = feedOf(3);
  await few.ready;
  assert.deepEqual(await readAll(few), { atOnce: 3, lastUs: 10_000, indices: [0, 1, 2] });
});

test('a short plan has the same requests without a thread, all of them when it is ready', async () => {
  const path = join(temporaryFolder(), 'trace.csv');
  writeFileSync(path, 'arrival_s,input_tokens,output_tokens\n0,16,1\n3600,7,9\n7200,1,1\n');
  const spec = specOf(path);
  const codec = openAiCodec(CODEC, promptMaker(PROMPTS));
  const ahead = feedAhead(await openWorkload(spec.workload), (request) => codec.open(request));
  const threaded = feedFromWorker(spec);
  const all: ScheduledRequest[] = [];
  const others: ScheduledRequest[] = [];
  await ahead.ready;
  for await (const batch of ahead.requests) all.push(...batch);
  for await (const batch of threaded.requests) others.push(...batch);
  assert.equal(all.length, 3);
  assert.deepEqual(
    all.map(({ calls, dueUs }) => [dueUs, calls]),
    others.map(({ calls, dueUs }) => [dueUs, calls]),
  );
});

test('a trace that cannot be read is told of by `ready`, and by who reads on without it', async () => {
  const feed = feedFromWorker(specOf(join(temporaryFolder(), 'gone.csv')));
  await assert.rejects(feed.ready, /gone\.csv/);
  await assert.rejects(readAll(feed), /gone\.csv/);
});
