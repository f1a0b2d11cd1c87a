import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parse, View } from 'vega';
import { compile } from 'vega-lite';
import { waterfallChart } from '../../reports/charts/waterfall-chart.ts';
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
});

it('a row has its whole record beside it', () => {
  const chart = waterfallChart({ id: 'x', title: 'x', which: 'all', requests: records.slice(0, 5) });
  for (const { fields } of chart.details ?? [])
    assert.deepEqual(new Set(fields.map(([name]) => name)), new Set(Object.keys(RECORD_COLUMNS)));
  assert.equal(chart.details?.length, 5);
  assert.match(JSON.stringify(chart.spec), /✗ timeout/);
});

it('a request that was refused at once keeps its row, and alone an axis', async () => {
  const refused = records.slice(0, 4).map((record, i) => ({ ...record, ...(i % 2 === 0 ? REFUSED : {}) }));
  const chart = waterfallChart({ id: 'x', title: 'x', which: 'all', requests: refused });
  const view = await new View(parse(compile(chart.spec).spec), { renderer: 'none' }).runAsync();
  assert.deepEqual(view.scale('y').domain(), [1, 2, 3, 4]);
  assert.match(JSON.stringify(chart.spec), /"color":"var\(--missed\)"/, 'text that can be read');
  const alone = waterfallChart({ id: 'x', title: 'x', which: 'all', requests: refused.slice(0, 1) });
  const small = await new View(parse(compile(alone.spec).spec), { renderer: 'none' }).runAsync();
  assert.deepEqual(small.scale('x').domain(), [0, 1]);
});

const REFUSED = { outcome: 'rejected', sent_us: null, end_us: null, token_times_us: new Float64Array(0) } as const;
