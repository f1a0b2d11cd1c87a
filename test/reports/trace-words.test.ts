import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { traceReuseChart } from '../../reports/charts/trace-reuse-chart.ts';
import { traceSections } from '../../reports/charts/trace-sections.ts';
import { traceFigures, traceSentence, watchOuts } from '../../reports/trace-words.ts';
import { randomStream } from '../../src/core/random.ts';
import type { TraceInspection } from '../../src/core/trace-inspection.ts';
import { exampleTrace, inspected } from './example-trace.ts';

const plain = (rows: number, stepUs: number): object[] =>
  Array.from({ length: rows }, (_, i) => ({ t_us: i * stepUs, input_tokens: 10 + (i % 7), output_tokens: 5 }));

function charts(found: TraceInspection): string[] {
  return traceSections(found, null).flatMap(({ charts: all }) => all.map(({ id }) => id));
}

describe('the page of a trace', () => {
  it('has every chart of a trace that has everything', async () => {
    assert.deepEqual(charts(await exampleTrace()), [
      'arrivals-over-time',
      'input-over-time',
      'output-over-time',
      'burstiness',
      'lengths',
      'turns',
      'turn-gaps',
      'think-times',
      'reuse',
    ]);
  });

  it('leaves out what a trace has not', async () => {
    assert.deepEqual(charts(await inspected(plain(1, 0))), ['lengths']);
    assert.deepEqual(charts(await inspected(plain(50, 0))), ['lengths']);
    assert.deepEqual(charts(await inspected([])), []);
    const random = randomStream(1, 'arrivals');
    const bursty = plain(500, 0).map((row, i) => ({ ...row, t_us: i * 100_000 + (random() % 100_000) }));
    assert.deepEqual(charts(await inspected(bursty)), [
      'arrivals-over-time',
      'input-over-time',
      'output-over-time',
      'burstiness',
      'lengths',
    ]);
    const blocks = plain(50, 0).map((row, i) => ({ ...row, input_tokens: 16, blocks: [i] }));
    assert.deepEqual(charts(await inspected(blocks)), ['lengths'], 'prompts that share no block');
  });

  it('says in a sentence what the trace is', async () => {
    assert.match(
      traceSentence(await exampleTrace()),
      /^\d+ requests of 150 sessions in [\d.]+ min, [\d.]+ requests\/s; counts in a minute vary [\d.]+ times as much as Poisson's$/,
    );
    assert.equal(traceSentence(await inspected([])), 'There is no request in this trace');
    assert.equal(traceSentence(await inspected(plain(3, 0))), '3 requests, all at one time');
    const unknown = plain(4, 1000).map((row, i) => ({ ...row, session: `s${i % 2}` }));
    const found = await inspected(unknown, { reprise_trace: 1, starts: 'none' });
    assert.equal(traceSentence(found), '4 requests of 2 sessions, without the times at which sessions start');
    assert.deepEqual([found.duration_s, found.rate_rps, found.sessions], [null, null, 2]);
    for (const [name, value] of traceFigures(found)) assert.doesNotMatch(`${name}: ${value}`, /null|NaN|undefined/);
  });
});

describe('what to watch out for', () => {
  const texts = (found: TraceInspection): string =>
    watchOuts(found, { name: 'one GPU', tokens: 1600 })
      .map((each) => `${each.found} -> ${each.todo}`)
      .join('\n');

  it('begins with the warnings, each with what to do', async () => {
    const rows = Array.from({ length: 200 }, (_, i) => ({
      t_us: Math.floor(i / 5) * 3e6,
      input_tokens: 5,
      output_tokens: 1,
    }));
    const [first] = watchOuts(await inspected([...rows, { t_us: 'soon' }]), null);
    assert.match(first?.found ?? '', /example\.rtrace\.jsonl:202: /);
    assert.match(first?.todo ?? '', /--on-bad-row skip/);
    assert.match(texts(await inspected(rows)), /^clumped: .* -> Spread them with --declump uniform/);
    const unsorted = [...plain(150, 1e6), ...plain(1, 0)];
    assert.match(texts(await inspected(unsorted)), /^not_sorted: 1 of 151 rows .* -> Nothing, if/);
  });

  it('says when the rate changes, sessions have later turns, and a cache is too small for the reuse', async () => {
    const found = texts(await exampleTrace());
    assert.match(found, /The rate itself changes: .* -> .*--window/);
    assert.match(found, /\d+ of 150 sessions have later turns.* -> --sessions think/);
    assert.match(
      found,
      /A cache of 1,600 tokens, as one GPU has, holds [\d.]+ % of the blocks, where one without limit holds/,
    );
    assert.match(found, /-> Empty the server.s prefix cache before each run \(--reset-cache\)/);
  });

  it('says where a trace has no starts, rows that are estimates, and parents that are not there', async () => {
    const rows = plain(120, 1000).map((row, i) => ({
      ...row,
      session: `s${i % 3}`,
      estimated: true,
      parent: `none-${i}`,
    }));
    const found = texts(await inspected(rows, { reprise_trace: 1, starts: 'none' }));
    assert.match(found, /does not say when its sessions start\. -> Give --session-rate RPS/);
    assert.match(found, /The lengths of 120 rows of 120 are estimates .* -> --tokenizer/);
    assert.match(found, /120 rows follow one that is not in the trace/);
  });

  it('says of reuse by cache size that sessions come one after another, where the trace has no starts of them', async () => {
    const rows = plain(6, 0).map((row, i) => ({
      ...row,
      input_tokens: 16 * (1 + (i % 3)),
      session: `s${Math.floor(i / 3)}`,
      turn: i % 3,
      blocks: [0, 1, 2].slice(0, 1 + (i % 3)).map((block) => block + 10 * Math.floor(i / 3)),
    }));
    const [apart, timed] = [
      await inspected(rows, { reprise_trace: 1, block_size: 16, starts: 'none' }),
      await inspected(rows),
    ];
    assert.match(texts(apart), /one session after another.* -> N at a time need about N times the cache/);
    const chart = traceReuseChart(apart, null);
    assert.match(
      `${chart?.title} ${chart?.note}`,
      /^Of one session after another, a cache .* one session after another/,
    );
    assert.doesNotMatch(texts(timed), /one session after another/);
    assert.match(traceReuseChart(timed, null)?.title ?? '', /^A cache/);
  });

  it('is nothing for a trace that is sound', async () => {
    const sound = plain(3000, 0).map((row, i) => ({ ...row, t_us: i * 500_000 + ((i * 7919) % 400_000) }));
    assert.equal(texts(await inspected(sound)), '');
  });
});
