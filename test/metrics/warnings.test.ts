import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RequestRecord } from '../../src/core/record.ts';
import { summarise } from '../../src/metrics/summarise.ts';
import { allowsVerdict } from '../../src/metrics/warnings.ts';
import type { Manifest } from '../../src/schema/manifest.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { exampleRecord } from '../runs/example-records.ts';
import { batches } from '../runs/temporary-run.ts';
import { exampleManifest } from './example-manifest.ts';

const INPUT = 1000;
const OUTPUT = 20;

/** An ok request a second with 20 tokens, 20 ms apart; `over` changes a record by its index. */
async function summaryOf(
  requests: number,
  over: (index: number) => Partial<RequestRecord>,
  manifest: Partial<Manifest> = {},
): Promise<Summary> {
  const records = Array.from({ length: requests }, (_, i) =>
    exampleRecord({
      request_id: `r${i}`,
      due_us: i * 1e6,
      sent_us: i * 1e6,
      input_tokens_planned: INPUT,
      input_tokens: INPUT,
      output_tokens_planned: OUTPUT,
      output_tokens: OUTPUT,
      token_times_us: times(OUTPUT),
      ...over(i),
    }),
  );
  const { workload } = exampleManifest();
  const load = { requests, duration_s: requests - 1, rate_rps: 1, input_tokens: requests * INPUT };
  return summarise(batches(records), exampleManifest({ workload: { ...workload, ...load }, ...manifest }));
}

function times(tokens: number, gapUs = 20_000): Float64Array {
  return Float64Array.from({ length: tokens }, (_, i) => 100_000 + i * gapUs);
}

const codes = ({ warnings }: Summary): string[] => warnings.map(({ code }) => code);

describe('a run that is as asked', () => {
  it('has no warning, and says what was asked and got', async () => {
    const { warnings, delivered } = await summaryOf(100, () => ({}));
    assert.deepEqual(warnings, []);
    assert.deepEqual(delivered.asked, delivered.got);
  });

  it('one odd answer of 200 is no other load', async () => {
    const odd = await summaryOf(200, (i) => (i === 7 ? { output_tokens: 1, token_times_us: times(1) } : {}));
    assert.deepEqual(codes(odd), []);
    assert.equal(odd.delivered.outputs?.as_asked, 199);
  });
});

describe('outputs', () => {
  it('that are shorter than asked are named with their finish reasons, and no pass stands', async () => {
    const short = { output_tokens: 10, token_times_us: times(10), finish_reason: 'stop' };
    const { warnings } = await summaryOf(100, (i) => (i % 50 === 0 ? short : {}));
    assert.equal(warnings[0]?.code, 'outputs_short');
    assert.match(
      warnings[0]?.text ?? '',
      /shorter than asked in 2 of 100 answers \(as asked in 98; 19\.8 of 20 tokens on average; finish reasons: length 98 and stop 2\)/,
    );
    assert.deepEqual([allowsVerdict(warnings, 'met'), allowsVerdict(warnings, 'missed')], [false, true]);
  });

  it('are as the model ends them where that was asked for', async () => {
    const short = { output_tokens: 10, token_times_us: times(10), finish_reason: 'stop' };
    const summary = await summaryOf(100, () => short, { ignore_eos: false });
    assert.deepEqual([codes(summary), summary.delivered.outputs?.short], [[], 100]);
  });

  it('that are longer than asked leave neither a pass nor a miss', async () => {
    const { warnings } = await summaryOf(10, () => ({ output_tokens: 40, token_times_us: times(40) }));
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['outputs_long'],
    );
    assert.deepEqual([allowsVerdict(warnings, 'met'), allowsVerdict(warnings, 'missed')], [false, false]);
  });

  it('that are hidden count as got, and are named', async () => {
    const hidden = { output_tokens: 12, token_times_us: times(12), hidden_tokens: 8 };
    const summary = await summaryOf(10, () => hidden);
    assert.deepEqual(codes(summary), ['hidden_tokens']);
    assert.equal(summary.delivered.got.output_tokens_mean, OUTPUT);
  });

  it('that the server counts otherwise than it sends them are named', async () => {
    const { warnings } = await summaryOf(10, () => ({ output_tokens_reported: 100_000 }));
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['misreported'],
    );
    assert.match(warnings[0]?.text ?? '', /disagrees with what it sent in 10 of 10 answers/);
  });
});

describe('tokens that share their read times', () => {
  it('are named: no TPOT is measured by them', async () => {
    const { warnings } = await summaryOf(10, () => ({ token_times_us: times(OUTPUT, 0) }));
    assert.match(warnings[0]?.text ?? '', /^Tokens came in lumps of 20\.0 on average in 10 of 10 answers: a proxy/);
    assert.equal(allowsVerdict(warnings, 'met'), false);
  });

  it('of one answer or two of many are a pause on the way, of three the way itself', async () => {
    const lump = times(OUTPUT, 5);
    const lumped = (few: number) => (i: number) => (i < few ? { token_times_us: lump, lumped_tokens: OUTPUT } : {});
    assert.deepEqual(codes(await summaryOf(30, lumped(2))), []);
    assert.deepEqual(codes(await summaryOf(30, lumped(3))), ['lumps']);
    assert.deepEqual(codes(await summaryOf(2, lumped(2))), ['lumps'], 'all of them');
  });

  it('are lumps although they take a few reads, and although a token stands alone', async () => {
    const lump = times(OUTPUT, 5);
    assert.deepEqual(codes(await summaryOf(10, () => ({ token_times_us: lump, lumped_tokens: OUTPUT }))), ['lumps']);
    const thenLast = Float64Array.from(lump, (us, i) => (i === OUTPUT - 1 ? us + 20_000 : us));
    const held = { token_times_us: thenLast, lumped_tokens: OUTPUT - 1 };
    assert.deepEqual(codes(await summaryOf(10, () => held)), ['lumps']);
  });

  it('are no lumps of the server where the client stood still', async () => {
    const stalled = { token_times_us: times(OUTPUT, 0), client_stalled: true };
    assert.deepEqual(codes(await summaryOf(10, () => stalled)), []);
  });

  it('as speculative decoding gives them, or a very fast server, are no lumps', async () => {
    const speculative = Float64Array.from({ length: OUTPUT }, (_, i) => 100_000 + Math.floor(i / 4) * 20_000);
    assert.deepEqual(codes(await summaryOf(10, () => ({ token_times_us: speculative, lumped_tokens: 0 }))), []);
    const manySteps = Float64Array.from({ length: 60 }, (_, i) => 100_000 + Math.floor(i / 4) * 20_000);
    const longer = { output_tokens_planned: 60, output_tokens: 60, token_times_us: manySteps, lumped_tokens: 60 };
    assert.deepEqual(codes(await summaryOf(10, () => longer)), []);
    assert.deepEqual(codes(await summaryOf(10, () => ({ token_times_us: times(OUTPUT, 500) }))), []);
  });
});

describe('cached tokens', () => {
  const cachedOf = (cached: number, over: Partial<Manifest['workload']> = {}): Promise<Summary> =>
    summaryOf(10, () => ({ cached_tokens: cached }), {
      workload: { ...exampleManifest().workload, requests: 10, input_tokens: 10 * INPUT, ...over },
    });

  it('beyond those of the trace are of an earlier run, and the way out is named', async () => {
    const { warnings } = await cachedOf(992, { prefix_reuse: 0.261 });
    assert.equal(warnings[0]?.code, 'cached_tokens');
    assert.match(warnings[0]?.text ?? '', /had 99\.2 % .* allows at most 26\.1 %: .* leave out --salt/);
    assert.match((await cachedOf(500)).warnings[0]?.text ?? '', /and the trace shares none: /);
  });

  it('as the trace allows them are no warning, nor are the tokens of a chat template', async () => {
    assert.deepEqual(codes(await cachedOf(261, { prefix_reuse: 0.261 })), []);
    assert.deepEqual(codes(await cachedOf(16)), []);
  });

  it('of texts that the trace brings are no warning: nobody knows what they share', async () => {
    const own_prompts = { texts: 10, ids: 0, messages: 0, bodies: 0, estimated: 0 };
    assert.deepEqual(codes(await cachedOf(847, { own_prompts })), []);
    assert.deepEqual(codes(await cachedOf(992, { own_prompts, prefix_reuse: 0.261 })), ['cached_tokens']);
  });
});

describe('prompts', () => {
  it('that are exact must be as planned, approximate ones on average', async () => {
    const withPrompts = (lengths: 'exact' | 'approximate', tokens: number): Promise<Summary> =>
      summaryOf(10, () => ({ input_tokens: tokens }), {
        prompts: { form: 'text', lengths, tokenizer: null },
      });
    assert.deepEqual(codes(await withPrompts('exact', INPUT + 1)), ['inputs']);
    assert.deepEqual(codes(await withPrompts('approximate', INPUT + 50)), []);
    assert.deepEqual(codes(await withPrompts('approximate', INPUT / 2)), ['inputs']);
  });
});

it('rows that could not be read and odd times of the trace stand above the verdict', async () => {
  const { workload } = exampleManifest();
  const rows = {
    ...workload,
    requests: 10,
    input_tokens: 10 * INPUT,
    bad_rows: 90,
    warnings: ['unit_suspect: seconds?'],
  };
  const { warnings } = await summaryOf(10, () => ({}), { workload: rows });
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ['bad_rows', 'workload'],
  );
  assert.match(warnings[0]?.text ?? '', /^90 rows of the trace could not be read and are left out/);
  assert.equal(allowsVerdict(warnings, 'met'), false);
  assert.equal(allowsVerdict(warnings.slice(1), 'met'), true);
});

it('what a probe of the target had warned of stands above the verdict, and leaves it', async () => {
  const probe = { file: 'probe.json', probed_at: '2026-11-29T10:00:00.000Z', warnings: ['far away', 'busy'] };
  const { warnings } = await summaryOf(10, () => ({}), { probe });
  assert.deepEqual(warnings, [
    { code: 'probe', text: 'The probe of the target (2026-11-29T10:00:00.000Z): far away; busy' },
  ]);
  assert.equal(allowsVerdict(warnings, 'met'), true);
  assert.deepEqual(codes(await summaryOf(10, () => ({}), { probe: { ...probe, warnings: [] } })), []);
});

it('a load beyond the certificate of the machine is named, and is no invalid run', async () => {
  const certificate = {
    calibrated_at: '2026-11-29T21:00:00Z',
    limit_ms: 1,
    max_tokens_per_s: 40_000,
    max_requests_per_s: 1000,
    max_streams: 8000,
    poll: 'off',
    beyond: ['52,000 tokens/s (certified: 40,000)'],
    timestamp_error_us: { p50: 600, p99: 2400 },
  } as const;
  const summary = await summaryOf(10, () => ({}), { certificate });
  assert.deepEqual(codes(summary), ['beyond_certificate']);
  const [{ text = '' } = {}] = summary.warnings;
  assert.match(text, /52,000 tokens\/s \(certified: 40,000\); tokens are recorded late by up to 2\.40 ms.*--workers/);
  assert.ok(summary.validity.valid && allowsVerdict(summary.warnings, 'met'));
  assert.equal(summary.clock_error_ms?.ttft, 2.4);
  const gaps = (summary.delivered.got.output_tokens_mean ?? 0) - 1;
  assert.equal(summary.clock_error_ms?.tpot, 2.4 / gaps);
  const within = await summaryOf(10, () => ({}), { certificate: { ...certificate, beyond: [] } });
  assert.deepEqual(codes(within), []);
  const unknown = await summaryOf(10, () => ({}), { certificate: { ...certificate, timestamp_error_us: null } });
  assert.match(unknown.warnings[0]?.text ?? '', /more than 1\.00 ms perhaps/);
  assert.equal(unknown.clock_error_ms, null);
});

it('a rate that was not sent is named', async () => {
  const slow = await summaryOf(40, (i) => ({ sent_us: i * 1.2e6, connect_us: i * 0.2e6 }));
  assert.deepEqual(codes(slow), ['rate']);
  assert.match(slow.warnings[0]?.text ?? '', /left at 0\.8\d\d a second, and 1\.0\d were due/);
});

describe('an interrupted run', () => {
  const slo = { text: 'ttft=200ms', limits_ms: { ttft: 200 }, at: 0.9 };
  /** 40 answered; one cut while it waited for 6 s, one cut after its first token; the rest not due yet. */
  const fate = (i: number): Partial<RequestRecord> => {
    const none = { output_tokens: null, token_times_us: new Float64Array(0), first_token_us: null };
    if (i < 40) return {};
    if (i === 40) return { ...none, outcome: 'cut', end_us: i * 1e6 + 6e6 };
    if (i === 41) return { outcome: 'cut', end_us: i * 1e6 + 6e6 };
    return { ...none, outcome: 'unsent', sent_us: null, end_us: null };
  };
  const status = { status: 'interrupted', reason: 'interrupted by SIGINT', slo } as const;

  it('is judged by what was due until then', async () => {
    const { requests, slo: judged, latency_ms, warnings, delivered } = await summaryOf(100, fate, status);
    const { failures, ...counts } = requests;
    assert.deepEqual(
      failures.map(({ outcome, count }) => [outcome, count]),
      [['cut', 1]],
    );
    assert.deepEqual(counts, {
      scheduled: 100,
      sent: 42,
      ok: 40,
      failed: 1,
      stopped: 59,
      stopped_in_flight: 1,
      by_outcome: { ok: 40, cut: 2, unsent: 58 },
    });
    // The one that had waited for longer than the limit has missed it, whatever would have come.
    assert.equal(judged?.attainment.joint, 40 / 41);
    assert.deepEqual([latency_ms.ttft.n, latency_ms.ttft.missing], [40, 1]);
    assert.equal(delivered.asked.requests, 42);
    assert.match(
      warnings[0]?.text ?? '',
      /^Interrupted: interrupted by SIGINT; the figures are of 41 of the 42 requests that were due until then \(1 cut off in flight before they had missed a limit are left out\), of 100$/,
    );
  });

  it('counts what waited for a place as it counts what was in flight', async () => {
    const waited = (i: number): Partial<RequestRecord> => {
      if (i < 42) return { ...fate(i), held_us: 0 };
      // The first two had waited for less than the limit, the next four for more.
      if (i < 48) return { ...fate(i), held_us: i < 44 ? 150_000 : 250_000, error: 'it waited' };
      return fate(i);
    };
    const capped = { ...status, max_in_flight: 2 };
    const { requests, slo: judged, warnings, held } = await summaryOf(100, waited, capped);
    assert.deepEqual([requests.failed, requests.stopped, requests.stopped_in_flight], [5, 55, 1]);
    assert.equal(judged?.attainment.joint, 40 / 45);
    assert.deepEqual([held?.requests, held?.share, held?.still_waiting], [4, 4 / 45, 2]);
    assert.match(
      warnings[0]?.text ?? '',
      /figures are of 45 of the 48 requests that were due until then \(1 cut off in flight and 2 that waited for a place before they had missed a limit are left out\), of 100$/,
    );
  });

  it('but one whose server died is judged by all of it', async () => {
    const { requests, slo: judged } = await summaryOf(100, fate, { ...status, status: 'failed' });
    assert.deepEqual([requests.failed, requests.stopped, judged?.attainment.joint], [60, 0, 0.4]);
  });
});

describe('a cap on the requests in flight', () => {
  /** Every other request waits for a second or two, so that the whole leaves slower than it was due. */
  const waits = (i: number): Partial<RequestRecord> => {
    const held_us = i % 2 === 0 ? 0 : (i % 4) * 500_000 + 500_000;
    return { held_us, sent_us: i * 1e6 + held_us, token_times_us: times(OUTPUT).map((us) => us + held_us) };
  };

  it('shows the wait that it causes, which is no lateness; no pass stands, and the rate is not blamed again', async () => {
    const { held, warnings, validity, latency_ms, service_latency_ms } = await summaryOf(100, waits, {
      max_in_flight: 32,
    });
    assert.deepEqual(held, {
      max_in_flight: 32,
      requests: 50,
      share: 0.5,
      wait_ms: { p50: 1000, p90: 2000, p99: 2000, max: 2000 },
      still_waiting: 0,
    });
    assert.deepEqual([validity.valid, validity.lateness_ms?.max], [true, 0]);
    assert.deepEqual([latency_ms.ttft.max, service_latency_ms.ttft.max], [2100, 100]);
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['held'],
    );
    assert.equal(
      warnings[0]?.text,
      "At most 32 in flight (--max-in-flight): 50.0 % of requests waited for a place, p50 1.00 s, p99 2.00 s, which is in their TTFT and E2E: a closed loop while it binds, so that the load is lighter than the trace's",
    );
    assert.deepEqual([allowsVerdict(warnings, 'met'), allowsVerdict(warnings, 'missed')], [false, true]);
  });

  it('takes the place of the warning of a rate that it has lowered', async () => {
    const held = (i: number): Partial<RequestRecord> => ({ held_us: i * 5e5, sent_us: i * 15e5 });
    assert.deepEqual(codes(await summaryOf(100, held, { max_in_flight: 1 })), ['held']);
    assert.deepEqual(codes(await summaryOf(100, (i) => ({ sent_us: i * 15e5 }))), ['not_valid', 'rate']);
  });

  it('says nothing where it hardly binds, and its figures are of the measured requests', async () => {
    const once = await summaryOf(
      200,
      (i) => ({ held_us: i === 7 ? 1000 : 0, sent_us: i * 1e6 + (i === 7 ? 1000 : 0) }),
      {
        max_in_flight: 8,
      },
    );
    assert.deepEqual([codes(once), once.held?.requests, once.held?.share], [[], 1, 0.005]);
    const warmUp = await summaryOf(10, (i) => ({ ...waits(i), measured: i % 2 === 0 }), { max_in_flight: 8 });
    assert.deepEqual([warmUp.held?.requests, warmUp.held?.wait_ms], [0, null]);
    assert.equal((await summaryOf(10, () => ({}))).held, null);
  });
});
