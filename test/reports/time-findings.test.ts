import assert from 'node:assert/strict';
import { it } from 'node:test';
import { timeCharts, timeLead } from '../../reports/charts/time-charts.ts';
import type { Chart } from '../../reports/charts/chart.ts';
import { meanRate } from '../../src/core/rate.ts';
import type { Slo } from '../../src/core/slo.ts';
import { exampleRecord } from '../runs/example-records.ts';
import { exampleRun } from './example-run.ts';
import { overTime } from './over-time.ts';

const SLO: Slo = { ttft: 100 };

/** A chart of requests due at these times, in seconds, of which some miss the SLO; each takes a second. */
async function chart(id: string, dueS: readonly number[], missed: (i: number) => boolean, at?: number): Promise<Chart> {
  const { summary } = await exampleRun({ requests: 5, slo: 'ttft=100ms' });
  const records = dueS.map((due, i) => {
    const due_us = Math.round(due * 1e6);
    const token_times_us = Float64Array.of(missed(i) ? 200_000 : 50_000, 900_000);
    return exampleRecord({ due_us, sent_us: due_us, end_us: due_us + 1e6, token_times_us, outcome: 'ok' });
  });
  const sorted = dueS.toSorted((a, b) => a - b);
  const rate_rps = meanRate(dueS.length, (sorted[0] ?? 0) * 1e6, (sorted.at(-1) ?? 0) * 1e6) ?? 0;
  const { delivered } = summary;
  const judged = {
    ...summary,
    delivered: { ...delivered, asked: { ...delivered.asked, rate_rps } },
    slo: summary.slo === null ? null : { ...summary.slo, at: at ?? 0.9 },
  };
  const found = timeCharts(judged, overTime(records, SLO))
    .map(({ draw }) => draw())
    .find((each) => each.id === id);
  assert.ok(found !== undefined);
  return found;
}

/** So many requests a second for a minute, and more from the 20th to the 25th second. */
function minute(rate: number, burst: number): number[] {
  return Array.from({ length: 60 }, (_, second) => second).flatMap((second) => {
    const count = second >= 20 && second < 25 ? burst : rate;
    return Array.from({ length: count }, (_, i) => second + i / count);
  });
}
const none = (): boolean => false;

it('a peak of arrivals is named where it is more than chance, against the mean while requests came', async () => {
  assert.match(
    (await chart('load', minute(4, 40), none)).title,
    /^Arrivals peak at 40\.\d\/s after 20 s, 5\.7\d times/,
  );
  assert.equal((await chart('load', minute(4, 5), none)).title, 'Requests arrive at 4.08/s on average');
  // A request that comes late makes a long run of a short one.
  assert.equal((await chart('load', [0, 0.1, 0.2, 0.3, 20], none)).title, 'Requests arrive at 0.200/s on average');
  assert.equal((await chart('load', [3, 3, 3, 3, 3], none)).title, 'Requests arrive all at one time');
});

it('the peak in flight is the most at one time, not the mean of a bin', async () => {
  // Each takes a second. Bins are longer than a request, so that their means are below what was open.
  const apart = Array.from({ length: 60 }, (_, i) => i * 10);
  assert.equal((await chart('in-flight', apart, none)).title, 'In flight peaks at 1 at the start');
  const meet = [...apart, 100.2, 100.4];
  assert.equal((await chart('in-flight', meet, none)).title, 'In flight peaks at 3 after 96 s');
});

it('an output that hardly rises above its mean has no peak', async () => {
  assert.equal((await chart('tokens', minute(4, 4), none)).title, 'Output is at most 8.00 tokens/s');
  assert.match((await chart('tokens', minute(4, 40), none)).title, /^Output peaks at [\d.]+ tokens\/s, [\d.]+ times/);
});

it('a low of attainment is named where more than a few requests make it', async () => {
  const due = minute(4, 4);
  const low = await chart('attainment', due, (i) => i >= 80 && i < 100);
  assert.match(low.title, /^Attainment is lowest, [\d.]+ %, after \d+ s$/);
  const few = await chart('attainment', due, (i) => i === 80 || i === 82);
  assert.match(few.title, /^Attainment lies between [\d.]+ % and 100 %$/);
  assert.equal((await chart('attainment', due, none)).title, 'Attainment stays at 100 %');
});

it('the share wanted is a line with its words', async () => {
  const due = minute(4, 4);
  assert.match(
    JSON.stringify((await chart('attainment', due, none)).spec),
    /"value":0\.9\}.*"text":"line: 90 % wanted"/,
  );
  assert.match(JSON.stringify((await chart('attainment', due, none, 0.995)).spec), /"text":"line: 99\.5 % wanted"/);
  assert.doesNotMatch(JSON.stringify((await chart('load', due, none)).spec), /wanted/);
});

it('times stand in the unit of the axis, n with failures under the panel', async () => {
  const long = minute(4, 40).map((due) => due * 20);
  const { title, label } = await chart('in-flight', long, none);
  assert.match(title, /after [\d.]+ min$/);
  assert.match(label, /^Requests in flight over 20(\.\d)? min\. /);
  const { records, summary } = await failing();
  const drawn = timeCharts(summary, overTime(records, SLO)).map(({ draw }) => draw());
  for (const { id, note } of drawn) assert.match(note, /^n = .*40 requests, 4 failed[;.]/, id);
});

it('one time axis has labels, that of the last panel drawn, and all have its grid', async () => {
  const { records, summary } = await failing();
  const drawn = (count: number): Chart[] =>
    timeCharts(summary, overTime(records.slice(0, count), SLO))
      .filter(({ n, least }) => n >= least)
      .map(({ draw }) => draw());
  // Too few requests for attainment, which is last but for lateness.
  for (const count of [8, 40]) {
    const specs = drawn(count).map(({ spec }) => JSON.stringify(spec));
    assert.ok(specs.length >= 5);
    assert.deepEqual(
      specs.map((spec) => spec.includes('"title":"time since start (s)"')),
      specs.map((_, i) => i === specs.length - 1),
    );
    assert.ok(specs.every((spec) => spec.includes('"grid":true')));
  }
});

it('what all panels share is said once above them', async () => {
  const { records } = await failing();
  assert.equal(
    timeLead(overTime(records, SLO)),
    'Bins of 500 ms. TTFT and TPOT: the stronger the colour, the more requests; p50 and p90 of those due in a bin (at least 5), failed ones infinitely late, within 0.034 %.',
  );
  assert.equal(timeLead(overTime(records.slice(0, 4), SLO)), null);
  const failed = records.filter(({ outcome }) => outcome !== 'ok');
  const lost = [...failed, ...failed];
  assert.match(timeLead(overTime(lost, SLO)) ?? '', /^Bins of [\d.]+ (ms|s)\.$/);
});

async function failing(): Promise<Awaited<ReturnType<typeof exampleRun>>> {
  return exampleRun({
    requests: 40,
    slo: 'ttft=100ms',
    fate: (index) => (index % 10 === 3 ? { outcome: 'rejected' } : null),
  });
}
