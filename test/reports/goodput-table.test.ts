import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { goodputText } from '../../reports/index.ts';
import { writeGoodputHtml } from '../../reports/html/write-goodput-html.ts';
import { goodputMarkdown } from '../../reports/markdown/goodput.ts';
import { missedMost, pooled, rateGroups } from '../../reports/goodput-rates.ts';
import { goodputTable, narrowed, pooledNote, probesTable, stacked } from '../../reports/goodput-table.ts';
import { exampleGoodput, exampleProbe, TRACE_GOODPUT, TRAFFIC_GOODPUT } from './example-goodput.ts';

/** Of a text, the lines behind the empty one: its table. */
const tableLines = (text: string): string[] => text.split('\n\n').at(-1)?.split('\n') ?? [];

test('of a trace a row a run, the latencies that are limited, and where it stands', () => {
  const { columns, rows } = goodputTable(TRACE_GOODPUT);
  assert.deepEqual(columns, [
    'requests/s',
    'meet the SLO',
    '95 % interval',
    'TTFT p90',
    'TPOT p90',
    'misses most',
    'run',
  ]);
  assert.deepEqual(rows[0], ['4.00', 'at least 90.0 %', '-', '-', '-', 'TPOT', 'probes/4rps']);
  assert.deepEqual(rows[3], ['10.0', '91.5 %', '86.0-96.0 %', '160 ms', '24.0 ms', 'TPOT', 'probes/10rps']);
});

test('of a run that was cut when all had met, or all had missed, the share is known', () => {
  const [all, none] = [exampleProbe('run', 4, { met: 400 }), exampleProbe('run', 8, { met: 0 })];
  const cut = [all, none].map((probe) => ({ ...probe, attainment: null, latency_ms: null, decided: true }));
  const { rows } = goodputTable(exampleGoodput('trace', cut, [{ bracket_rps: [4, 8] }]));
  assert.deepEqual(
    rows.map(([, share]) => share),
    ['100 %', '0 %'],
  );
});

test('of traffic probes stand one by one, segments by rate; the whole list is another table', () => {
  const { rows } = goodputTable(TRAFFIC_GOODPUT);
  assert.deepEqual(
    rows.slice(0, 3).map(([rate, from]) => [rate, from]),
    [
      ['4.00', 'probe'],
      ['8.00', 'probe'],
      ['16.0', 'probe'],
    ],
  );
  assert.ok(rows.length <= 3 + 8);
  assert.equal(probesTable(TRAFFIC_GOODPUT).rows.length, TRAFFIC_GOODPUT.probes.length);
});

test('a group holds rates near each other on one side of the goodput, and every segment is in one', () => {
  const rates = fc.array(fc.double({ min: 0.1, max: 1000, noNaN: true }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(rates, fc.double({ min: 0.1, max: 1000, noNaN: true }), (all, goodput_rps) => {
      const probes = all.map((rate) => exampleProbe('segment', rate));
      const groups = rateGroups(exampleGoodput('traffic', probes, [{ goodput_rps }]));
      assert.ok(groups.length <= 8);
      assert.equal(
        groups.reduce((sum, group) => sum + pooled(group).requests, 0),
        400 * probes.length,
      );
      for (const { probes: group, rateRps } of groups) {
        const [low = 0, high = low] = [group[0]?.rate_rps, group.at(-1)?.rate_rps];
        assert.ok(low > goodput_rps === high > goodput_rps, `${low} to ${high} about ${goodput_rps}`);
        assert.ok(rateRps >= low * (1 - 1e-9) && rateRps <= high * (1 + 1e-9));
      }
    }),
  );
});

test('the share of a group is that of its requests, what it misses most that of its misses', () => {
  const [group] = rateGroups(
    exampleGoodput(
      'traffic',
      [
        exampleProbe('segment', 10, { requests: 100, met: 90, missed: 10, binding: 'ttft' }),
        exampleProbe('segment', 10.1, { requests: 300, met: 150, missed: 150, binding: 'tpot' }),
      ],
      [{ goodput_rps: 9 }],
    ),
  );
  assert.ok(group !== undefined);
  assert.equal(pooled(group).attainment, 0.6);
  assert.equal(missedMost(group), 'tpot');
});

test('misses that are of no limit are failures', () => {
  const [group] = rateGroups(exampleGoodput('trace', [exampleProbe('run', 10, { binding: null })], [{}]));
  assert.equal(group && missedMost(group), 'failures');
});

test('a terminal of 80 columns holds it', () => {
  for (const report of [TRACE_GOODPUT, TRAFFIC_GOODPUT]) {
    const lines = tableLines(goodputText(report, { color: false }));
    assert.ok(lines.length > 3);
    for (const line of lines) assert.ok(line.length <= 80, line);
  }
});

test('columns go in the order given, no further than it has to be', () => {
  const table = { columns: ['aaaa', 'bb', 'cc'], rows: [['1', '2', '3']] };
  assert.deepEqual(narrowed(table, ['bb', 'cc'], 12).columns, ['aaaa', 'bb', 'cc']);
  assert.deepEqual(narrowed(table, ['bb', 'cc'], 11), { columns: ['aaaa', 'cc'], rows: [['1', '3']] });
  assert.deepEqual(narrowed(table, ['bb'], 1).columns, ['aaaa', 'cc']);
});

test('where a row pools segments every report says of which its share is, and that its percentile is a median', async () => {
  const latencies = (columns: readonly string[]): string[] => columns.filter((name) => name.includes('p90'));
  assert.deepEqual(latencies(goodputTable(TRAFFIC_GOODPUT).columns), ['TTFT p90 (median)', 'TPOT p90 (median)']);
  const note = pooledNote(TRAFFIC_GOODPUT) ?? '';
  assert.match(note, /"meet the SLO" is of all their requests; p90 is the median .* of the p90 of each segment$/);
  const text = goodputText(TRAFFIC_GOODPUT, { color: false });
  assert.ok(text.includes(note), text);
  assert.match(text, /TTFT p90 +TPOT p90 .*\n +\(median\) +\(median\)\n/);
  const markdown = goodputMarkdown(TRAFFIC_GOODPUT);
  assert.match(markdown, /of the p90 of each segment\.\n/);
  assert.match(markdown, /\| TTFT p90 \(median\) \|/);
  const page = await writeGoodputHtml(TRAFFIC_GOODPUT);
  assert.match(page, /Segments are pooled by rate\. A row of several segments: .* p90 of each segment\./);
  assert.match(page, /<th scope="col" class="left">TTFT p90 \(median\)<\/th>/);
});

test('where no row pools segments the percentiles are those of the rows', () => {
  const few = exampleGoodput('traffic', [exampleProbe('probe', 4), exampleProbe('segment', 10)], [{ goodput_rps: 9 }]);
  for (const report of [few, TRACE_GOODPUT]) {
    assert.equal(pooledNote(report), null);
    assert.ok(goodputTable(report).columns.includes('TTFT p90'));
  }
  assert.ok(probesTable(TRAFFIC_GOODPUT).columns.includes('TTFT p90'), 'segment by segment nothing is pooled');
});

test('in a terminal what a column has in brackets stands under its name', () => {
  const table = { columns: ['a', 'b (c d)'], rows: [['1', '2']] };
  assert.deepEqual(stacked(table), {
    columns: ['a', 'b'],
    rows: [
      ['', '(c d)'],
      ['1', '2'],
    ],
  });
  assert.deepEqual(stacked({ ...table, columns: ['a', 'b'] }), { ...table, columns: ['a', 'b'] });
});
