import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { goodputMarkdown, goodputText } from '../../reports/index.ts';
import { goodputVerdict } from '../../reports/goodput-verdict.ts';
import { goodputsTable } from '../../reports/goodputs-table.ts';
import { goodputSchema, type GoodputAnswer, type GoodputReport } from '../../src/schema/goodput.ts';
import { cutProbe, exampleGoodput, exampleProbe, TRACE_GOODPUT, TRAFFIC_GOODPUT } from './example-goodput.ts';

const sentenceOf = (report: GoodputReport): string => goodputVerdict(report).sentence;

function ofTrace(state: GoodputAnswer['state'], bracket_rps: GoodputAnswer['bracket_rps']): string {
  const probes = [1, 2, 4].map((rate) => exampleProbe('run', rate, { valid: rate === 2 }));
  return sentenceOf(exampleGoodput('trace', probes, [{ goodput_rps: bracket_rps[0], bracket_rps, state }]));
}

function ofTraffic(answer: Partial<GoodputAnswer>, given: Partial<GoodputReport> = {}): string {
  const probes = [cutProbe('probe', 5, true), cutProbe('probe', 10, true)];
  return sentenceOf(exampleGoodput('traffic', probes, [answer], given));
}

test('the examples are what a search writes', () => {
  for (const report of [TRACE_GOODPUT, TRAFFIC_GOODPUT]) assert.deepEqual(goodputSchema.parse(report), report);
});

test('of a trace: the rate, its bracket, what binds', () => {
  assert.equal(
    sentenceOf(TRACE_GOODPUT),
    'Carries 10.0 requests/s, 2.50 times the trace, 5.00 a GPU, with 90 % meeting TTFT <= 500 ms and TPOT <= 25 ms: 10.0 met, 11.0 missed (± 4.8 %); TPOT binds',
  );
});

test('of traffic: the rate, its interval, by how many requests', () => {
  assert.equal(
    sentenceOf(TRAFFIC_GOODPUT),
    'Carries 10.0 requests/s of traffic like chat.csv (9.60 to 10.4, 95 %, by 13,280 requests), 2.50 times the trace, 5.00 a GPU, with 90 % meeting TTFT <= 500 ms and TPOT <= 25 ms; TPOT binds',
  );
  assert.match(
    goodputVerdict(TRAFFIC_GOODPUT).notes.join(),
    /An interval speaks for traffic like these 13,280 requests/,
  );
});

test('an answer that is not valid says so first, whatever it bounds, and names the runs that decide', () => {
  const invalid = 'Not valid: the client fell behind at 4.00 requests/s. By what it measured, carries';
  assert.ok(ofTrace('not_valid', [null, 4]).startsWith(`${invalid} less than 4.00 requests/s`));
  assert.ok(ofTrace('not_valid', [4, null]).startsWith(`${invalid} at least 4.00 requests/s`));
  assert.ok(ofTrace('not_valid', [2, 4]).startsWith(`${invalid} 2.00 requests/s`));
  assert.ok(
    ofTraffic({ state: 'not_valid', bracket_rps: [5, 10] }).startsWith('Not valid: the client fell behind. By'),
  );
});

test('a bound that the budget left says so, and how wide it is where more was asked', () => {
  const ended = /; the budget ended after 1,500 requests$/;
  assert.match(ofTrace('budget', [null, 4]), ended);
  assert.match(ofTrace('budget', [4, null]), ended);
  assert.doesNotMatch(ofTrace('below', [null, 4]), /budget/);
  const half = { state: 'budget', goodput_rps: 10, ci95_rps: [9, 11], half_width: 0.1 } as const;
  assert.match(ofTraffic(half), /; ± 10\.0 % where ± 5 % was asked: the budget ended after 560 requests$/);
  assert.match(
    ofTraffic({ ...half, half_width: 0.04 }),
    /; ± 4\.0 %, of fewer segments than a search ends with: the budget ended after 560 requests$/,
  );
});

test('without an interval that says something the probes say what is known of traffic', () => {
  const bracket_rps: [number, number] = [5, 10];
  const between = /^Carries between 5\.00 and 10\.0 requests\/s of traffic like chat\.csv, 1\.25 to 2\.50 times/;
  assert.match(ofTraffic({ bracket_rps }), between);
  assert.match(ofTraffic({ bracket_rps, goodput_rps: 130 }), between);
  assert.match(ofTraffic({ bracket_rps, goodput_rps: 130, ci95_rps: [1e-9, 1e9], half_width: 1 }), between);
  assert.match(ofTraffic({ bracket_rps: [10, null], state: 'above' }), /at least 10\.0 requests\/s .* still met$/);
  assert.match(
    ofTraffic({ bracket_rps: [null, 5], state: 'below' }),
    /^Carries less than 5\.00 requests\/s .*: at no rate from 10\.0 requests\/s down to that was it met$/,
  );
});

test('where pieces of a short trace came again and again, a longer trace is what helps', () => {
  const notes = (arrivals: GoodputReport['arrivals'], traces_used: number): string => {
    const budget = { state: 'budget', bracket_rps: [5, 10] } as const;
    return goodputVerdict(exampleGoodput('traffic', [], [budget], { arrivals, traces_used })).notes.join();
  };
  assert.match(notes('trace', 3), /The trace has 300 s of traffic, which came 3\.00 times/);
  assert.match(notes('trace', 0.5), /A larger --budget/);
  assert.match(notes('poisson', 3), /A larger --budget/);
});

test('a bound is not called a bracket, and a search without a run has neither', () => {
  const note = (probes: GoodputReport['probes'], bracket_rps: GoodputAnswer['bracket_rps']): string =>
    goodputVerdict(exampleGoodput('trace', probes, [{ bracket_rps }])).notes.join();
  const run = [cutProbe('run', 4, true)];
  assert.match(note(run, [4, 5]), /in virtual time: the bracket is exact for it\./);
  assert.match(note(run, [4, null]), /in virtual time: the bound is exact for it\./);
  assert.match(note([], [null, null]), /in virtual time\./);
});

test('the answer of a noisy engine is one of a draw, and no bracket is exact for it', () => {
  const target = { spec: 'reference:vllm-v1,noise=0.1', kind: 'reference', model: null, noisy: true } as const;
  const notes = (of: 'trace' | 'traffic'): string =>
    goodputVerdict(exampleGoodput(of, [cutProbe('run', 4, true)], [{ bracket_rps: [4, 5] }], { target })).notes.join();
  for (const estimand of ['trace', 'traffic'] as const) {
    assert.match(notes(estimand), /Of one draw of the engine's noise: another seed carries another rate/);
    assert.doesNotMatch(notes(estimand), /exact/);
  }
});

test('pieces of a trace under ten minutes are a tenth of it', () => {
  const note = (requests: number): string => {
    const workload = { ...TRAFFIC_GOODPUT.workload, requests, rate_rps: 4 };
    return goodputVerdict({ ...TRAFFIC_GOODPUT, arrivals: 'trace', workload }).notes.join();
  };
  assert.match(note(12_000), /: pieces of 60 s of the trace in random order/);
  assert.match(note(201), /: pieces of 5 s of the trace in random order/);
});

const rate = fc.option(fc.constantFrom(1e-6, 0.5, 7, 12345));
const pair = fc.tuple(rate, rate);
const anyAnswer: fc.Arbitrary<GoodputAnswer> = fc.record<GoodputAnswer>({
  at: fc.constantFrom(0.5, 0.9, 0.999),
  goodput_rps: rate,
  goodput_rps_per_gpu: rate,
  bracket_rps: pair,
  ci95_rps: fc.option(fc.constantFrom<[number, number]>([6, 8], [0, 8], [1e-9, 1e9])),
  half_width: fc.option(fc.constantFrom(0.01, 0.14, 1)),
  slope: fc.option(fc.constantFrom(-2, -20)),
  times_trace: rate,
  binding: fc.option(fc.constantFrom('ttft', 'tpot', 'e2e', 'itl.p99')),
  binding_class: fc.option(fc.constant('chat')),
  state: fc.constantFrom('bracketed', 'found', 'below', 'above', 'budget', 'not_valid'),
});
const PROBES = [
  cutProbe('probe', 5, true),
  cutProbe('run', 5, false),
  exampleProbe('segment', 7, { latency_ms: null, attainment: null, decided: true }),
  exampleProbe('segment', 8),
  exampleProbe('run', 8, { dir: null, valid: false }),
];

test('no sentence, table or note says what is not known', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('trace', 'traffic'),
      fc.array(anyAnswer, { minLength: 1, maxLength: 2 }),
      fc.subarray(PROBES),
      fc.record({ gpus: fc.constantFrom(null, 1, 8), arrivals: fc.constantFrom('trace', 'poisson') }),
      (of, answers, probes, given) => {
        const report = exampleGoodput(of, probes, answers, given);
        const { sentence, notes } = goodputVerdict(report);
        for (const text of [sentence, ...notes]) {
          assert.doesNotMatch(text, /null|NaN|undefined|Infinity|-0\b| {2}|\.$|[;,:] *$/, text);
          assert.match(text, /^[A-Z0-9]/);
        }
        for (const text of [goodputText(report, { color: false }), goodputMarkdown(report)])
          assert.doesNotMatch(text, /null|NaN|undefined|Infinity/);
      },
    ),
    { numRuns: 200 },
  );
});

test('where limits are by class, the sentence and the table of targets say which class misses most', () => {
  const by_class = { chat: { ttft: 500 }, batch: { e2e: 30_000 } };
  const report = exampleGoodput(
    'traffic',
    [],
    [{ goodput_rps: 7, bracket_rps: [7, 8], binding: 'e2e', binding_class: 'batch' }],
    {
      slo: { text: 'chat:ttft=500ms;batch:e2e=30s', limits_ms: { by_class } },
    },
  );
  assert.match(goodputVerdict(report).sentence, /; E2E binds; most misses are of class batch/);
  const { rows } = goodputsTable([{ name: 'one', dir: '', report }]);
  assert.ok(rows[0]?.includes('E2E, class batch'), rows.join());
});
