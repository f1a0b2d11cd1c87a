import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RequestRecord } from '../../src/core/record.ts';
import type { Manifest } from '../../src/schema/manifest.ts';
import type { Scrape } from '../../src/schema/server-metrics.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { exampleRecord } from '../runs/example-records.ts';
import { DIAGNOSIS_CASES, diagnosed } from '../../scripts/calibration/diagnosis-cases.ts';
import { exampleManifest } from './example-manifest.ts';
import { requestsOf, simulatedRecords, summaryOfRecords } from '../../scripts/calibration/simulated-run.ts';

const codes = ({ diagnosis }: Summary): string[] => diagnosis.map(({ code }) => code);
const textOf = ({ diagnosis }: Summary, code: string): string =>
  diagnosis.find((each) => each.code === code)?.text ?? '';

const SLO = { ttft: 500, tpot: 50 };
const TOKENS = 20;

/** Requests four a second, each with 20 tokens 10 ms apart after 100 ms; `over` changes a record by its index. */
function steadyRecords(
  requests: number,
  over: (index: number) => Partial<RequestRecord> = () => ({}),
): RequestRecord[] {
  return Array.from({ length: requests }, (_, i) =>
    exampleRecord({
      request_id: `r${i}`,
      due_us: i * 250_000,
      sent_us: i * 250_000,
      input_tokens_planned: 1000,
      input_tokens: 1000,
      output_tokens_planned: TOKENS,
      output_tokens: TOKENS,
      token_times_us: tokenTimes(),
      ...over(i),
    }),
  );
}

function tokenTimes(firstUs = 100_000, gapUs = 10_000): Float64Array {
  return Float64Array.from({ length: TOKENS }, (_, i) => firstUs + i * gapUs);
}

const failed = (
  outcome: RequestRecord['outcome'],
  http_status: number | null,
  error: string,
): Partial<RequestRecord> => ({
  outcome,
  http_status,
  error,
  token_times_us: new Float64Array(),
  output_tokens: null,
  finish_reason: null,
});

describe('loads of which it is known why requests miss', () => {
  for (const each of DIAGNOSIS_CASES)
    it(`${each.name}: ${each.says.join(', ') || 'nothing'}`, async () => {
      const found = codes(await diagnosed(each, 1));
      assert.deepEqual(
        each.says.filter((code) => !found.includes(code)),
        [],
        `says ${found.join(', ')}`,
      );
      assert.deepEqual(
        found.filter((code) => ![...each.says, ...(each.maySay ?? [])].some((known) => known === code)),
        [],
      );
    });

  it('an overload says since when, what came and what was answered', async () => {
    const each = DIAGNOSIS_CASES.find(({ name }) => name === 'overload from the middle on');
    assert.ok(each !== undefined);
    const text = textOf(await diagnosed(each, 1), 'overload');
    assert.match(
      text,
      /^Overloaded from 6\d(\.\d)? s on: 19\.\d requests\/s came and \d\.\d+ requests\/s were answered/,
    );
  });

  it('a burst says when, how much more came, and how the rest did', async () => {
    const each = DIAGNOSIS_CASES.find(({ name }) => name === 'burst');
    assert.ok(each !== undefined);
    const text = textOf(await diagnosed(each, 1), 'burst');
    assert.match(text, /^A burst of load: from 8\d(\.\d)? s to 10\d(\.\d)? s, 4\d\.\d requests\/s came/);
    assert.match(text, /of the others 9\d\.\d % met the SLO\.$/);
  });

  it('does not depend on the order of the records', async () => {
    const records = await simulatedRecords(
      'vllm-v0,model=llama-3.1-8b,gpu=h100-sxm',
      requestsOf({ phases: [{ seconds: 100, rps: 6 }], input: 4000, output: 100 }),
    );
    const slo = { ttft: 2000, tpot: 25 };
    const [forwards, backwards] = [records, records.toReversed()].map((each) => summaryOfRecords(each, slo));
    assert.deepEqual((await backwards)?.diagnosis, (await forwards)?.diagnosis);
    assert.ok(codes(await summaryOfRecords(records, slo)).length > 0);
  });
});

describe('failures', () => {
  it('are named with the first message and when it came', async () => {
    const full = (i: number): Partial<RequestRecord> =>
      failed('rejected', 503, i === 120 ? 'queue is full' : 'no room');
    const summary = await summaryOfRecords(
      steadyRecords(400, (i) => (i >= 120 && i % 4 === 0 ? full(i) : {})),
      SLO,
    );
    assert.deepEqual(codes(summary), ['failures']);
    assert.equal(
      textOf(summary, 'failures'),
      'The server refused 17.5 % of the requests (HTTP 503), the first 30 s after the start: "queue is full".',
    );
  });

  it('that are few of many are no cause', async () => {
    const summary = await summaryOfRecords(
      steadyRecords(400, (i) => (i === 100 ? failed('rejected', 503, 'full') : {})),
      SLO,
    );
    assert.deepEqual(codes(summary), []);
  });

  it('a broken connection is said to be one', async () => {
    const summary = await summaryOfRecords(
      steadyRecords(100, (i) => (i % 5 === 0 ? failed('stream_broken', 200, 'socket closed') : {})),
      SLO,
    );
    assert.match(textOf(summary, 'failures'), /^The connection broke in 20\.0 % of the requests, the first 0 s after/);
  });
});

describe('a server that slows down', () => {
  const paused = (i: number): Partial<RequestRecord> =>
    i >= 200 && i < 260 ? { token_times_us: tokenTimes(100_000 + (280 - i) * 250_000) } : {};

  it('without more load is said to', async () => {
    const summary = await summaryOfRecords(steadyRecords(400, paused), SLO);
    assert.deepEqual(codes(summary), ['slowdown']);
    assert.match(
      textOf(summary, 'slowdown'),
      /^The server slowed down without more load: from 49\.9 s to 6\d(\.\d)? s/,
    );
  });

  it('is no overload, and no burst', async () => {
    assert.deepEqual(codes(await summaryOfRecords(steadyRecords(400), SLO)), []);
  });
});

describe('KV memory', () => {
  const scrapes = (usage: number, waiting: number, preemptions: number): Scrape[] =>
    Array.from({ length: 100 }, (_, i) => ({
      timeUs: i * 1e6,
      samples: [
        { name: 'vllm:kv_cache_usage_perc', labels: '{}', value: usage },
        { name: 'vllm:num_requests_waiting', labels: '{}', value: waiting },
        { name: 'vllm:num_preemptions_total', labels: '{}', value: (preemptions * i) / 99 },
      ],
    }));
  const slow = steadyRecords(400, (i) => (i % 3 === 0 ? { token_times_us: tokenTimes(100_000, 90_000) } : {}));

  it('that ran full is named with its preemptions', async () => {
    const summary = await summaryOfRecords(slow, SLO, {}, scrapes(0.99, 12, 240));
    assert.ok(codes(summary).includes('memory'));
    assert.match(
      textOf(summary, 'memory'),
      /^KV memory ran full: 100 % of the time.*240 times a running request was preempted/,
    );
  });

  it('that had room is no cause, nor is it where all is well', async () => {
    assert.ok(!codes(await summaryOfRecords(slow, SLO, {}, scrapes(0.6, 0, 0))).includes('memory'));
    assert.deepEqual(codes(await summaryOfRecords(steadyRecords(400), SLO, {}, scrapes(0.99, 12, 240))), []);
  });
});

describe('what the figures describe instead of the server', () => {
  const overHttp = (over: Partial<Manifest> = {}): Partial<Manifest> => {
    const { client } = exampleManifest();
    return { clock: 'real', client: client === null ? null : { ...client, duration_s: 100, core_wait_s: 1 }, ...over };
  };

  it('a busy neighbour of the client', async () => {
    const { client } = exampleManifest();
    assert.ok(client !== null);
    const summary = await summaryOfRecords(
      steadyRecords(400),
      SLO,
      overHttp({ client: { ...client, duration_s: 100, core_wait_s: 36 } }),
    );
    assert.deepEqual(codes(summary), ['client']);
    assert.match(textOf(summary, 'client'), /36\.0 % of the time other programs on its machine had the cores/);
  });

  it('a warm cache', async () => {
    const summary = await summaryOfRecords(
      steadyRecords(400, () => ({ cached_tokens: 990 })),
      SLO,
      overHttp(),
    );
    assert.deepEqual(codes(summary), ['cache']);
    assert.match(textOf(summary, 'cache'), /^A warm cache: the server still had 99\.0 % of the prompts/);
  });

  it('a proxy that buffers', async () => {
    const atOnce = Float64Array.from({ length: TOKENS }, () => 290_000);
    const summary = await summaryOfRecords(
      steadyRecords(400, () => ({ token_times_us: atOnce, lumped_tokens: TOKENS })),
      SLO,
      overHttp(),
    );
    assert.deepEqual(codes(summary), ['proxy']);
    assert.match(textOf(summary, 'proxy'), /^Something on the way holds tokens back/);
  });

  it('a cap on the requests in flight', async () => {
    const held = (i: number): Partial<RequestRecord> => {
      const waitUs = i % 4 === 0 ? 300_000 : 0;
      return { held_us: waitUs, sent_us: i * 250_000 + waitUs, token_times_us: tokenTimes(100_000 + waitUs) };
    };
    const summary = await summaryOfRecords(steadyRecords(400, held), SLO, overHttp({ max_in_flight: 2 }));
    assert.deepEqual(codes(summary), ['cap']);
    assert.match(
      textOf(summary, 'cap'),
      /only 2 requests could be in flight at once, and 25\.0 % .* longer than 300 ms/,
    );
  });

  it('none of them where the client kept up, prompts were new, and tokens came one by one', async () => {
    assert.deepEqual(codes(await summaryOfRecords(steadyRecords(400), SLO, overHttp())), []);
  });
});

describe('little data', () => {
  it('one request, none, and requests due at one time have no diagnosis', async () => {
    for (const records of [[], steadyRecords(1), steadyRecords(50, () => ({ due_us: 0, sent_us: 0 }))])
      assert.deepEqual(codes(await summaryOfRecords(records, SLO)), []);
  });
});
