import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { certificateOf, type Climbed } from '../../src/calibrate/certificate.ts';
import { measure, verdictOf, type Measured } from '../../src/calibrate/measured.ts';
import type { Truth } from '../../src/calibrate/server-process.ts';
import { traceText, trialLoad, type TrialLoad } from '../../src/calibrate/trial-load.ts';
import { NOTHING_KNOWN, type RequestRecord } from '../../src/core/record.ts';
import { certificateSchema, LOAD_AXES, type LoadAxis } from '../../src/schema/certificate.ts';

const ZERO_US = 5e9;

interface Machine {
  /** How late each request leaves, and each token is recorded. */
  readonly lateUs?: number;
  readonly errorUs?: number;
  /** Times the period of a stream that the server takes for a token. */
  readonly slowness?: number;
  readonly failEach?: number;
}

/** The records of a trial on a machine, and what its server wrote. */
function replayed(
  { rows, periodMs }: TrialLoad,
  { lateUs = 0, errorUs = 0, slowness = 1, failEach = Infinity }: Machine,
): { readonly records: RequestRecord[]; readonly truth: Truth } {
  const truth = new Map<string, Float64Array>();
  const records = rows.map(({ dueUs, tokens }, i): RequestRecord => {
    const sentUs = dueUs + lateUs;
    const writtenUs = Float64Array.from({ length: tokens }, (_, n) => sentUs + 1000 + n * periodMs * 1000 * slowness);
    const isOk = (i + 1) % failEach !== 0;
    if (isOk)
      truth.set(
        `trial-${i}`,
        writtenUs.map((us) => us + ZERO_US),
      );
    const times = isOk ? writtenUs.map((us) => us + errorUs - dueUs) : new Float64Array();
    return {
      ...NOTHING_KNOWN,
      request_id: String(i),
      turn: 0,
      trace_row: i + 2,
      measured: true,
      due_us: dueUs,
      sent_us: sentUs,
      connect_us: 0,
      end_us: (writtenUs.at(-1) ?? 0) + errorUs,
      output_tokens_planned: tokens,
      token_times_us: times,
      outcome: isOk ? 'ok' : 'stream_broken',
      worker: 0,
    };
  });
  return { records, truth };
}

async function measured(load: TrialLoad, machine: Machine): Promise<Measured> {
  const { records, truth } = replayed(load, machine);
  async function* all(): AsyncGenerator<RequestRecord[]> {
    yield records;
  }
  return measure({ records: all(), truth, idPrefix: 'trial', zeroUs: ZERO_US }, load);
}

const axes = fc.constantFrom(...LOAD_AXES);
const amounts = fc.integer({ min: 2000, max: 8000 });
const delivered = ({ tokensPerS, requestsPerS, streams }: Measured, axis: LoadAxis): number =>
  ({ tokens_per_s: tokensPerS, requests_per_s: requestsPerS, streams })[axis];

describe('a trial', () => {
  it('offers what it is to, along each axis, and finds the error and the lateness of the client', async () => {
    await fc.assert(
      fc.asyncProperty(axes, amounts, fc.nat(3000), fc.nat(3000), async (axis, offered, errorUs, lateUs) => {
        const load = trialLoad(axis, offered, 0.5);
        assert.equal(traceText(load).trim().split('\n').length, load.rows.length + 1);
        const found = await measured(load, { errorUs, lateUs });
        assert.ok(Math.abs(delivered(found, axis) / offered - 1) < 0.05, `${delivered(found, axis)} of ${offered}`);
        assert.ok(Math.abs(found.errorUs.p50 - errorUs) < 0.01 && Math.abs(found.errorUs.p99 - errorUs) < 0.01);
        assert.ok(Math.abs(found.latenessMs.p99 * 1000 - lateUs) < 0.01);
        const isLate = errorUs > 1000 || lateUs > 1000;
        assert.equal(verdictOf(found, 1), isLate ? 'late' : 'within');
      }),
      { numRuns: 15 },
    );
  });

  it('says nothing of the client where the server wrote less than it was to, however late the client was', async () => {
    const load = trialLoad('tokens_per_s', 2000, 0.5);
    for (const errorUs of [0, 5000]) {
      const slow = await measured(load, { slowness: 1.2, errorUs });
      assert.equal(verdictOf(slow, 1), 'server_bound');
      assert.ok(slow.serverShare < 0.9);
    }
    // Requests that leave late are late tokens of a server that keeps up.
    const late = await measured(trialLoad('requests_per_s', 2000, 0.5), { lateUs: 50_000 });
    assert.ok(late.serverShare > 0.98);
    assert.equal(verdictOf(late, 1), 'late');
  });

  it('is not carried where requests fail, and throws where records and truth are of different tokens', async () => {
    const load = trialLoad('requests_per_s', 500, 0.5);
    assert.equal(verdictOf(await measured(load, { failEach: 50 }), 1), 'server_bound');
    const { records, truth } = replayed(load, {});
    const [first] = truth.keys();
    const wrong = new Map([...truth, [first ?? '', new Float64Array(7)]]);
    async function* all(): AsyncGenerator<RequestRecord[]> {
      yield records;
    }
    await assert.rejects(
      measure({ records: all(), truth: wrong, idPrefix: 'trial', zeroUs: ZERO_US }, load),
      /request 0: 2 of 7 tokens were recorded/,
    );
  });
});

describe('the certificate of trials', () => {
  const one = (load: number, errorMs: number, serverShare = 1): Measured => ({
    tokensPerS: load,
    requestsPerS: load,
    streams: load,
    serverShare,
    failedShare: 0,
    errorUs: { p50: errorMs * 300, p99: errorMs * 1000 },
    latenessMs: { p50: 0.1, p99: 0.2 },
  });
  const ladder = { first: 1000, most: 4000, fineness: 0, repetitions: 2 };
  const climbed = (axis: LoadAxis, ...trials: (readonly Measured[])[]): Climbed => ({
    axis,
    poll: 'off',
    ladder,
    trials: new Map(trials.map((all, rung) => [rung, all])),
  });
  const facts = {
    calibratedAt: '2026-11-29T21:00:00Z',
    tookS: 60,
    isQuick: false,
    transport: 'plain',
    limitMs: 1,
  } as const;

  it('has medians and ranges of the repetitions, limits as delivered, and what ended them', () => {
    const certificate = certificateOf(
      [
        climbed(
          'tokens_per_s',
          [one(995, 0.2)],
          [one(1990, 0.5), one(2000, 0.9)],
          [one(3900, 3), one(3950, 0.8), one(3920, 2)],
        ),
        climbed('requests_per_s', [one(1000, 0.2)], [one(1800, 0.4, 0.9), one(1700, 5, 0.85)]),
        climbed('streams', [one(1000, 0.2)], [one(2000, 0.4)], [one(4000, 0.4), one(4000, 0.6)]),
      ],
      facts,
    );
    assert.deepEqual(certificateSchema.parse(JSON.parse(JSON.stringify(certificate))), certificate, 'the schema');
    const [tokens, requests, streams] = certificate.curves.map(({ limit }) => limit);
    assert.deepEqual(tokens, { value: 1995, range: [1995, 3920], at_least: false, because: 'late' });
    assert.deepEqual(requests, { value: 1000, range: [1000, 1000], at_least: true, because: 'server' });
    assert.deepEqual(streams, { value: 4000, range: [4000, 4000], at_least: true, because: 'tried' });
    assert.deepEqual(certificate.timestamp_error_us, { p50: 210, p99: 700, p99_range: [500, 900] });
    assert.deepEqual(
      [certificate.max_tokens_per_s, certificate.max_requests_per_s, certificate.max_streams],
      [1995, 1000, 4000],
    );
  });

  it('is 0 of a machine that is late at the lowest load', () => {
    const late = LOAD_AXES.map((axis) => climbed(axis, [one(1000, 4), one(1000, 5)]));
    const certificate = certificateOf(late, facts);
    assert.equal(certificate.max_tokens_per_s, 0);
    assert.deepEqual(certificate.curves[0]?.limit, { value: 0, range: [0, 0], at_least: false, because: 'late' });
    assert.equal(certificate.timestamp_error_us.p99, 4500);
  });
});
