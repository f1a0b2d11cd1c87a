import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse, View } from 'vega';
import { compile } from 'vega-lite';
import { waterfallChart } from '../../reports/charts/waterfall-chart.ts';
import { requestWords } from '../../reports/charts/request-words.ts';
import { RequestSampler } from '../../reports/data/request-sample.ts';
import { spansOf } from '../../reports/data/request-spans.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import { RECORD_COLUMNS } from '../../src/core/record.ts';
import { exampleRun } from './example-run.ts';

const { records } = await exampleRun({
  requests: 300,
  slo: null,
  fate: (index) => (index % 10 === 3 ? { outcome: 'timeout', sent_us: 0, end_us: 40e6 } : null),
});

const CONTEXT = { id_prefix: 'night-1', starts: null, limits: { ttft: 500, tpot: 50 } };

const sampleOf = (all: readonly RequestRecord[]) => {
  const sampler = new RequestSampler();
  for (const record of all) sampler.add(record);
  return sampler.result();
};

it('takes those that stayed longest, failed ones too, and the same random ones in whatever order records come', () => {
  const sample = sampleOf(records);
  const stay = (record: RequestRecord): number => (record.end_us ?? Infinity) - record.due_us;
  const slowest = records.toSorted((a, b) => stay(b) - stay(a)).slice(0, 20);
  assert.deepEqual(sample.slowest, slowest);
  const failed = slowest.filter(({ outcome }) => outcome === 'timeout').length;
  assert.ok(failed > 0 && failed < 20, `${failed} of the slowest failed`);
  assert.equal(sample.random.length, 20);
  assert.deepEqual(sampleOf(records.toReversed()), sample);
  const rows = sample.random.map(({ trace_row }) => trace_row);
  assert.ok(Math.max(...rows) > 200 && Math.min(...rows) < 100, String(rows));
});

it('spans fill the time from due to end without gaps, with the phases that are told', () => {
  const [first] = records;
  assert.ok(first !== undefined);
  const base = { ...first, due_us: 1e6, sent_us: 1e6 + 10, end_us: 3e6, token_times_us: Float64Array.of(5e5, 19e5) };
  assert.deepEqual(
    spansOf(base).map(({ kind, to_s }) => [kind, to_s]),
    [
      ['client', 0.00001],
      ['waiting', 0.5],
      ['streaming', 2],
    ],
  );
  const held = { ...base, held_us: 3e5, sent_us: 1e6 + 3e5 + 10, prefill_us: 2e5 };
  assert.deepEqual(
    spansOf(held).map(({ kind, to_s }) => [kind, to_s]),
    [
      ['held', 0.3],
      ['client', 0.30001],
      ['prefill', 0.50001],
      ['streaming', 2],
    ],
  );
  const told = { ...base, prefill_queue_us: 3e5, prefill_us: 1e5, decode_us: 9e9 };
  const spans = spansOf(told);
  assert.deepEqual(
    spans.map(({ kind }) => kind),
    ['client', 'prefill_queue', 'prefill', 'decode'],
  );
  assert.equal(spans.at(-1)?.to_s, 2);
  spans.slice(1).forEach((span, i) => assert.equal(span.from_s, spans[i]?.to_s));
  assert.deepEqual(spansOf({ ...base, sent_us: null }), []);
  const handed = { ...told, prefill_call_us: 3e5, handover_us: 1e4, first_decode_us: 19e4 - 10 };
  assert.deepEqual(
    spansOf(handed).map(({ kind, to_s }) => [kind, to_s]),
    [
      ['client', 0.00001],
      ['prefill_call', 0.30001],
      ['handover', 0.31001],
      ['first_decode', 0.5],
      ['streaming', 2],
    ],
    'what the client saw adds up to the first token',
  );
  const words = requestWords(handed, CONTEXT).join(' ');
  assert.match(words, /Prefill server 0.300 s, hand-over 0.0100 s, first token of the decode server 0.190 s, streamed/);
  assert.match(words, /The servers tell: waited in the prefill queue 0.300 s, prefill 0.100 s/);
});

it('a row has its whole record beside it', () => {
  const chart = waterfallChart({ id: 'x', title: 'x', which: 'all', context: CONTEXT, requests: records.slice(0, 5) });
  for (const { fields } of chart.details ?? [])
    assert.deepEqual(new Set(fields.map(([name]) => name)), new Set(Object.keys(RECORD_COLUMNS)));
  assert.equal(chart.details?.length, 5);
  assert.match(JSON.stringify(chart.spec), /✗ timeout/);
});

it('a request that was refused at once keeps its row, and alone an axis', async () => {
  const refused = records.slice(0, 4).map((record, i) => ({ ...record, ...(i % 2 === 0 ? REFUSED : {}) }));
  const chart = waterfallChart({ id: 'x', title: 'x', which: 'all', context: CONTEXT, requests: refused });
  const view = await new View(parse(compile(chart.spec).spec), { renderer: 'none' }).runAsync();
  assert.deepEqual(view.scale('y').domain(), [1, 2, 3, 4]);
  assert.match(JSON.stringify(chart.spec), /"color":"var\(--missed\)"/, 'text that can be read');
  const alone = waterfallChart({ id: 'x', title: 'x', which: 'all', context: CONTEXT, requests: refused.slice(0, 1) });
  const small = await new View(parse(compile(alone.spec).spec), { renderer: 'none' }).runAsync();
  assert.deepEqual(small.scale('x').domain(), [0, 1]);
});

const REFUSED = { outcome: 'rejected', sent_us: null, end_us: null, token_times_us: new Float64Array(0) } as const;

describe('a request in words', () => {
  const [first] = records;
  assert.ok(first !== undefined);
  const answered: RequestRecord = {
    ...first,
    request_id: 'r 7',
    session_id: null,
    trace_row: 7,
    due_us: 250_312_000,
    sent_us: 250_312_200,
    connect_us: null,
    first_token_us: 262_512_000,
    end_us: 265_712_000,
    token_times_us: Float64Array.of(12.2e6, 12.225e6, 12.435e6, 12.46e6),
    input_tokens_planned: 845,
    input_tokens: 845,
    cached_tokens: 512,
    output_tokens_planned: 8,
    output_tokens: 4,
    outcome: 'ok',
    http_status: 200,
    error: null,
    finish_reason: 'stop',
    prefill_queue_us: 12_100_000,
    prefill_us: 84_000,
    decode_us: 3_200_000,
    client_stalled: false,
  };

  it('says when it was due and sent, where its time went, its tokens, how it ended and what it missed', () => {
    assert.deepEqual(requestWords(answered, CONTEXT), [
      'Due at 4:10.3 (250.312 s after the start), sent 200 us late.',
      'Waited in the prefill queue 12.1 s, prefill 0.0840 s, decode 3.20 s, streamed 0.0158 s.',
      '845 prompt tokens, 512 of them cached; 4 of 8 output tokens; first after 12.2 s, E2E 15.4 s.',
      'TPOT 86.7 ms, longest gap between tokens 210 ms.',
      'Outcome: ok, finish reason stop.',
      'Missed TTFT <= 500 ms (24.4 times as long) and TPOT <= 50 ms (1.73 times as long).',
      'Request r 7, row 7 of the workload; X-Request-Id night-1-r_7~200222137ed34e2ed077d17bee52c756.',
    ]);
  });

  it('of one that was never sent, and of one without an SLO or calls', () => {
    const unsent = {
      ...answered,
      ...REFUSED,
      outcome: 'unsent',
      error: 'the run was stopped',
      http_status: null,
    } as const;
    const words = requestWords(
      { ...unsent, cached_tokens: null, finish_reason: null },
      { id_prefix: null, starts: null, limits: null },
    );
    assert.deepEqual(words, [
      'Due at 4:10.3 (250.312 s after the start), never sent.',
      '845 prompt tokens; 0 of 8 output tokens.',
      'Outcome: unsent: the run was stopped.',
      'Request r 7, row 7 of the workload.',
    ]);
  });

  it('a failed request misses every limit, however fast', () => {
    const failed: RequestRecord = {
      ...answered,
      outcome: 'http_error',
      http_status: 503,
      error: 'overloaded',
      finish_reason: null,
    };
    const words = requestWords(failed, CONTEXT).join(' ');
    assert.match(words, /Outcome: http error \(HTTP 503\): overloaded\. Missed TTFT <= 500 ms and TPOT <= 50 ms\./);
    assert.doesNotMatch(words, /E2E/);
  });
});
