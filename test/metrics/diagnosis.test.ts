import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { randomStream, uniform } from '../../src/core/random.ts';
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
      const summary = await diagnosed(each, 1);
      const found = codes(summary);
      assert.ok(
        summary.slo?.attainment.overloaded !== true || found.includes('overload'),
        'the verdict says overloaded',
      );
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
    assert.match(text, /^Overloaded from 6\d(\.\d)? s on: 19\.\d requests\/s came and \d\.\d+ were answered/);
  });

  it('a burst says when, how much more came, and how the rest did', async () => {
    const each = DIAGNOSIS_CASES.find(({ name }) => name === 'burst');
    assert.ok(each !== undefined);
    const text = textOf(await diagnosed(each, 1), 'burst');
    assert.match(
      text,
      /^A burst of load: from (79|8[01])(\.\d)? s to (99|10[01])(\.\d)? s, (3[6-9]|4[0-4])\.\d requests\/s came/,
    );
    assert.match(text, /of the rest 9\d\.\d % met the SLO\.$/);
  });

  it('the requests of a burst, and the most in flight, are those of the records', async () => {
    const records = await simulatedRecords(
      'vllm-v1,model=llama-3.1-8b,gpu=h100-sxm',
      requestsOf({
        phases: [
          { seconds: 80, rps: 6 },
          { seconds: 20, rps: 40 },
          { seconds: 80, rps: 6 },
        ],
        input: 1000,
        output: 100,
      }),
    );
    const text = textOf(await summaryOfRecords(records, SLO), 'burst');
    const [, from, to, rate, most] =
      /from ([\d.]+) s to ([\d.]+) s, ([\d.]+) requests\/s came.* up to (\d+) requests were in flight/.exec(text) ?? [];
    const came = records.filter(({ due_us }) => due_us / 1e6 >= Number(from) && due_us / 1e6 < Number(to)).length;
    assert.ok(Math.abs(came / (Number(to) - Number(from)) / Number(rate) - 1) < 0.02, text);
    const inFlightAt = (us: number): number =>
      records.filter(({ sent_us, end_us }) => (sent_us ?? Infinity) <= us && (end_us ?? Infinity) > us).length;
    assert.equal(Number(most), Math.max(...records.map(({ sent_us }) => inFlightAt(sent_us ?? 0))));
  });

  it('misses by chance have no time, and no floor, in a short run', async () => {
    const random = randomStream(1, 'misses by chance');
    for (const requests of [40, 60, 120, 600]) {
      const slow = (): Partial<RequestRecord> =>
        uniform(random) < 0.33 ? { token_times_us: tokenTimes(700_000) } : {};
      const summary = await summaryOfRecords(steadyRecords(requests, slow), SLO);
      assert.match(textOf(summary, 'unclear'), /^No one cause of the misses stands out/, `${requests} requests`);
    }
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
      'The server refused 17.5 % of the requests (HTTP 503), due between 30 s and 99 s: "queue is full".',
    );
  });

  it('that are few of many are no cause', async () => {
    const summary = await summaryOfRecords(
      steadyRecords(400, (i) => (i === 100 ? failed('rejected', 503, 'full') : {})),
      SLO,
    );
    assert.deepEqual(codes(summary), []);
  });

  it('of two statuses are told apart, each with its own message and time', async () => {
    const summary = await summaryOfRecords(
      steadyRecords(400, (i) =>
        i % 5 !== 0 ? {} : i < 100 ? failed('rejected', 429, 'rate limit') : failed('http_error', 400, 'too long'),
      ),
      SLO,
    );
    assert.equal(
      textOf(summary, 'failures'),
      'The server found fault with 15.0 % of the requests (HTTP 400), due between 25 s and 98.8 s: "too long". ' +
        'The server refused 5.0 % of the requests (HTTP 429), due between 0 s and 23.8 s: "rate limit".',
    );
  });

  it('are all that is said where the server refused, was away, or gave nothing in time', async () => {
    const kinds: readonly [string, (i: number) => Partial<RequestRecord>][] = [
      ['half refused for a while', (i) => (i >= 100 && i < 200 && i % 2 === 1 ? failed('rejected', 429, 'full') : {})],
      ['away for a while', (i) => (i >= 200 && i < 280 ? failed('connect_error', null, 'ECONNREFUSED') : {})],
      ['gone', (i) => (i >= 280 ? failed('connect_error', null, 'ECONNREFUSED') : {})],
      ['some empty', (i) => (i % 5 === 0 ? { ...failed('ok', 200, ''), error: null, end_us: i * 250_000 + 1000 } : {})],
      ['all refused', () => failed('rejected', 503, 'full')],
      [
        'some never answered',
        (i) => (i % 8 === 0 ? { ...failed('timeout', 200, 'no token'), end_us: i * 250_000 + 60e6 } : {}),
      ],
    ];
    for (const [name, over] of kinds)
      assert.deepEqual(codes(await summaryOfRecords(steadyRecords(400, over), SLO)), ['failures'], name);
  });

  it('beside late requests leave those to be explained', async () => {
    const summary = await summaryOfRecords(
      steadyRecords(900, (i) =>
        i % 10 < 3
          ? failed('rejected', 503, 'busy')
          : i >= 500 && i < 560
            ? { token_times_us: tokenTimes(3_000_000) }
            : {},
      ),
      SLO,
    );
    assert.deepEqual(codes(summary), ['failures', 'unclear']);
    assert.match(textOf(summary, 'unclear'), /100 % of the other misses were due from 124 s to 140 s/);
  });

  it('a broken connection is said to be one', async () => {
    const summary = await summaryOfRecords(
      steadyRecords(100, (i) => (i % 5 === 0 ? failed('stream_broken', 200, 'socket closed') : {})),
      SLO,
    );
    assert.match(
      textOf(summary, 'failures'),
      /^The connection broke in 20\.0 % of the requests, due between 0 s and 23\.8 s: /,
    );
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

  it('and answers as many as before is said to', async () => {
    for (const [from, to] of [
      [160, 240],
      [200, 400],
    ] as const) {
      const slower = (i: number): Partial<RequestRecord> =>
        i >= from && i < to ? { token_times_us: tokenTimes(1_000_000, 60_000) } : {};
      const summary = await summaryOfRecords(steadyRecords(400, slower), SLO);
      assert.deepEqual(codes(summary), ['slowdown']);
      assert.match(textOf(summary, 'slowdown'), /half of the requests took longer than 2\.14 s, otherwise 290 ms/);
    }
  });

  it('for so short that no cause is clear is said to when', async () => {
    const stopped = (i: number): Partial<RequestRecord> =>
      i >= 200 && i < 212 ? { token_times_us: tokenTimes(100_000 + (212 - i) * 250_000) } : {};
    const summary = await summaryOfRecords(steadyRecords(400, stopped), SLO);
    assert.deepEqual(codes(summary), ['unclear']);
    assert.match(textOf(summary, 'unclear'), /but when: 100 % of the misses were due from 49\.9 s to 53\.9 s/);
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
      /^KV memory ran full, 100 % of the time: 240 times a running request was preempted and computed again and up to 12 requests waited\.$/,
    );
  });

  it('that ran full while nothing missed is no cause', async () => {
    const first = steadyRecords(400, (i) => (i < 30 ? { token_times_us: tokenTimes(600_000) } : {}));
    const full = scrapes(0.99, 12, 240).filter(({ timeUs }) => timeUs > 50e6);
    assert.ok(!codes(await summaryOfRecords(first, SLO, {}, full)).includes('memory'));
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

  it('a client that stood still, whose backlog is no overload of the server', async () => {
    const { client } = exampleManifest();
    assert.ok(client !== null);
    const stoodStill = { ...client.event_loop_delay_ms, max: 30_000 };
    const behind = (i: number): Partial<RequestRecord> =>
      failed('timeout', null, `not finished within ${i} s (--timeout)`);
    const late = { token_times_us: tokenTimes(2e6) };
    const records = steadyRecords(400, (i) => ({ ...(i < 200 ? late : behind(i)), end_us: i * 250_000 + 60e6 }));
    const still = overHttp({
      client: { ...client, duration_s: 100, core_wait_s: 36, event_loop_delay_ms: stoodStill },
    });
    const summary = await summaryOfRecords(records, SLO, still);
    assert.deepEqual(codes(summary), ['client', 'failures']);
    assert.match(textOf(summary, 'client'), /it stood still for 30\.0 s/);
    assert.ok(codes(await summaryOfRecords(records, SLO, overHttp())).includes('overload'), 'as it looks without that');
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

  it('a cap that holds more than the server is slow with: nothing is said of load that waits in the client', async () => {
    const held = (i: number): Partial<RequestRecord> => {
      const waitUs = i * 200_000;
      return { held_us: waitUs, sent_us: i * 250_000 + waitUs, token_times_us: tokenTimes(100_000 + waitUs) };
    };
    const summary = await summaryOfRecords(steadyRecords(400, held), SLO, overHttp({ max_in_flight: 2 }));
    assert.deepEqual(codes(summary), ['cap']);
  });

  it('none of them where the client kept up, prompts were new, and tokens came one by one', async () => {
    assert.deepEqual(codes(await summaryOfRecords(steadyRecords(400), SLO, overHttp())), []);
  });
});

it('time-outs of requests that are nearly alone are no overload', async () => {
  const late = { ...failed('timeout', null, 'not finished within 0.001 s (--timeout)') };
  const summary = await summaryOfRecords(
    steadyRecords(80, (i) => ({ ...late, end_us: i * 250_000 + 1000 })),
    SLO,
  );
  assert.ok(!codes(summary).includes('overload'));
  assert.match(textOf(summary, 'failures'), /^No answer came in time for 100 % of the requests/);
});

it('where some get no answer and the others do not wait, as behind a dead replica, no load is blamed', async () => {
  const silent = { ...failed('timeout', null, 'not finished within 60 s (--timeout)') };
  const records = steadyRecords(400, (i) => (i % 3 === 0 ? {} : { ...silent, end_us: i * 250_000 + 60e6 }));
  assert.deepEqual(codes(await summaryOfRecords(records, SLO)), ['failures']);
});

it('of a server that answers nobody no load is blamed, however many are in flight', async () => {
  const late = { ...failed('timeout', null, 'not finished within 60 s (--timeout)'), end_us: 500e6 };
  for (const [token_times_us, said] of [
    [new Float64Array(), /Nothing came: send it a request by itself, to tell a server that answers nobody/],
    [tokenTimes(), /Tokens came, but not one answer was over in time: .* a server that never ends its answers/],
  ] as const) {
    const summary = await summaryOfRecords(
      steadyRecords(400, () => ({ ...late, token_times_us })),
      SLO,
    );
    assert.deepEqual(codes(summary), ['failures']);
    assert.match(textOf(summary, 'failures'), said);
  }
});

describe('little data', () => {
  it('one request, none, and requests due at one time have no diagnosis', async () => {
    for (const records of [[], steadyRecords(1), steadyRecords(50, () => ({ due_us: 0, sent_us: 0 }))])
      assert.deepEqual(codes(await summaryOfRecords(records, SLO)), []);
  });
});
