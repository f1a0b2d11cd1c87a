import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareRuns } from '../../src/compare/compare.ts';
import { comparisonJunit, comparisonMarkdown, comparisonText, junitXml, type GateResult } from '../../reports/index.ts';
import { changeDomain, changeTicks, lnOf } from '../../reports/charts/change-axis.ts';
import { signed } from '../../reports/comparison-words.ts';
import { latencyFinding, verdictCounts } from '../../reports/comparison-findings.ts';
import {
  JUDGED_NAMES,
  type ChangeVerdict as Verdict,
  type Comparison,
  type FigureName,
} from '../../src/schema/comparison.ts';
import { pageData } from '../../src/compare/page-data.ts';
import { exampleSide, type ExampleSide } from '../compare/example-sides.ts';
import { readXml, type XmlElement } from '../xml.ts';

const SLOWER: ExampleSide = { factors: [1.1, 1.102, 1.098] };
const AS_BEFORE: ExampleSide = { factors: [1, 1.002, 0.998] };

async function compared(base: ExampleSide, now: ExampleSide, margin = 0.02): Promise<Comparison> {
  return compareRuns(await exampleSide('base', base), await exampleSide('new', now), { margin, names: ['a', 'b'] });
}

const metricOf = (comparison: Comparison, name: string): Comparison['metrics'][number] => {
  const metric = comparison.metrics.find((each) => each.name === name);
  assert.ok(metric !== undefined, name);
  return metric;
};

/** The comparison with these verdicts of these metrics. */
function withVerdicts(comparison: Comparison, names: readonly FigureName[], verdicts: readonly Verdict[]): Comparison {
  const metrics = comparison.metrics.map((metric) => ({
    ...metric,
    verdict: verdicts[names.indexOf(metric.name)] ?? metric.verdict,
  }));
  return { ...comparison, metrics };
}

const changeOf = (comparison: Comparison, name: string): string =>
  `${(100 * (metricOf(comparison, name).change ?? NaN)).toFixed(1)} %`;

/** Cells of the table rows of a markdown text. */
function cellsOf(markdown: string): string[][] {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .slice(2, -2)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
}

describe('markdown of a comparison', () => {
  it('is the verdict, and a table with a row a metric and a cell a column', async () => {
    const comparison = await compared(AS_BEFORE, SLOWER);
    const markdown = comparisonMarkdown(comparison);
    assert.match(markdown, /^\*\*▼ Worse: .*TTFT p50 \+10\.0 % \(\+9\.\d % to \+10\.\d %\)/);
    const [head, rule, ...rows] = cellsOf(markdown);
    assert.ok(rule?.every((cell) => cell === '---'));
    assert.equal(rows.length, comparison.metrics.length);
    for (const row of rows) assert.equal(row.length, head?.length);
    assert.ok(rows.some(([name, , , , verdict]) => name === 'TTFT p50' && verdict === '▼ worse'));
  });

  it('is under 64 KiB, and a table, whatever the runs are named and however many doubts there are', async () => {
    const comparison = await compared(AS_BEFORE, SLOWER);
    const name = '|`<b>*[x](y)\n'.repeat(5000);
    const doubts = Array.from({ length: 3000 }, () => ({ code: 'not_valid', text: name, blocks: true }));
    const markdown = comparisonMarkdown({
      ...comparison,
      doubts,
      base: { ...comparison.base, name },
      new: { ...comparison.new, name },
    });
    assert.ok(Buffer.byteLength(markdown) < 64 * 1024);
    assert.match(markdown, /2980 more like these/);
    assert.equal(cellsOf(markdown).length, comparison.metrics.length + 2);
    assert.doesNotMatch(markdown, /<b>/);
  });
});

describe('whatever the runs are named', () => {
  it('text, markdown and JUnit stay short, and hold no control sequences', async () => {
    const comparison = await compared(AS_BEFORE, SLOWER);
    const name = `\u001B[31m\u0007\u0000\u202E|<&"\n${'x'.repeat(100_000)}`;
    const doubts = Array.from({ length: 300 }, () => ({ code: 'not_valid', text: name, blocks: true }));
    const odd = {
      ...comparison,
      doubts,
      base: { ...comparison.base, name },
      new: { ...comparison.new, name },
    };
    const text = comparisonText(odd, { color: false });
    const xml = junitXml(comparisonJunit(odd, []));
    for (const made of [text, comparisonMarkdown(odd), xml]) {
      assert.ok(Buffer.byteLength(made) < 2 ** 20, `${made.length}`);
      assert.doesNotMatch(made, /[^\P{Cc}\t\n]/u);
    }
    assert.match(text, /^! 280 more like these$/m);
    readXml(xml);
  });
});

describe('a comparison that cannot be believed', () => {
  it('claims nothing, and says what its runs would show', async () => {
    const late: ExampleSide = { ...SLOWER, manifest: { status: 'interrupted', reason: 'of a signal' } };
    for (const [base, now, shows] of [
      [AS_BEFORE, late, /By these runs: Worse: /],
      [late, AS_BEFORE, /By these runs: Better: /],
    ] as const) {
      const comparison = await compared(base, now);
      assert.equal(comparison.verdict, 'undecided');
      assert.match(comparisonText(comparison, { color: false }), shows);
    }
  });
});

describe('an interval that knows nothing', () => {
  it('is said as one', async () => {
    const comparison = await compared({ factors: [1, 9] }, { factors: [2, 0.3] });
    assert.match(
      comparisonText(comparison, { color: false }),
      /TTFT p50 .* to over \+1000 %\) +≈ undecided +over ± 1000 %/,
    );
  });
});

function suitesOf(comparison: Comparison, gates: readonly GateResult[] = []): readonly XmlElement[] {
  return readXml(junitXml(comparisonJunit(comparison, gates))).children;
}

/** By the name of a case: its outcome, and its properties. */
function casesOf(
  suite: XmlElement | undefined,
): Map<string, { outcome: string; message: string; has: Map<string, string> }> {
  return new Map(
    (suite?.children ?? []).map(({ attributes, children }) => {
      const told = children.find(({ name }) => name !== 'properties');
      const properties = children.find(({ name }) => name === 'properties')?.children ?? [];
      const has = new Map(properties.map((each) => [each.attributes['name'] ?? '', each.attributes['value'] ?? '']));
      return [
        attributes['name'] ?? '',
        { outcome: told?.name ?? 'passed', message: told?.attributes['message'] ?? '', has },
      ];
    }),
  );
}

describe('JUnit of a comparison', () => {
  it('fails the metrics that are worse, passes those that are better or the same, with their figures', async () => {
    const comparison = await compared(AS_BEFORE, SLOWER);
    const [suite, ...others] = suitesOf(comparison);
    assert.deepEqual(others, []);
    const cases = casesOf(suite);
    assert.deepEqual([...cases.keys()], ['comparable', ...JUDGED_NAMES]);
    assert.equal(cases.get('comparable')?.outcome, 'passed');
    const EXPECTED: Readonly<Record<string, string>> = {
      worse: 'failure',
      better: 'passed',
      same: 'passed',
      undecided: 'skipped',
      provisional: 'skipped',
    };
    for (const { name, verdict } of comparison.metrics) assert.equal(cases.get(name)?.outcome, EXPECTED[verdict], name);
    const ttft = metricOf(comparison, 'ttft.p50');
    assert.equal(ttft.verdict, 'worse');
    const { has, message } = cases.get('ttft.p50') ?? {};
    assert.match(message ?? '', /TTFT p50 worse: .* ms -> .* ms, \+10\.0 %/);
    assert.deepEqual(
      [...(has ?? [])],
      [
        ['base', ttft.base],
        ['new', ttft.new],
        ['change', ttft.change],
        ['change.ci95.low', ttft.ci95?.[0]],
        ['change.ci95.high', ttft.ci95?.[1]],
        ['p_adjusted', ttft.p_adjusted],
        ['margin', 0.02],
      ].map(([name, value]) => [name, String(value)]),
    );
    const better = casesOf(suitesOf(await compared(SLOWER, AS_BEFORE))[0]);
    assert.equal(better.get('ttft.p50')?.outcome, 'passed');
  });

  it('skips every metric of one run a system, and leaves figures out that are not there', async () => {
    const cases = casesOf(suitesOf(await compared({ factors: [1] }, { factors: [1.1] }))[0]);
    for (const name of JUDGED_NAMES) assert.equal(cases.get(name)?.outcome, 'skipped', name);
    assert.deepEqual([...(cases.get('ttft.p90')?.has.keys() ?? [])], ['base', 'new', 'change', 'margin']);
  });

  it('neither passes nor fails a metric of runs that cannot be believed', async () => {
    const comparison = await compared(AS_BEFORE, SLOWER);
    const doubts = [{ code: 'not_valid', text: 'runs/<1> is not valid', blocks: true }];
    const cases = casesOf(suitesOf({ ...comparison, doubts })[0]);
    assert.deepEqual([cases.get('comparable')?.outcome, cases.get('comparable')?.message], ['error', doubts[0]?.text]);
    for (const name of JUDGED_NAMES) assert.equal(cases.get(name)?.outcome, 'skipped');
  });

  it('has the gates as a suite, the undecided as the user wants them', async () => {
    const comparison = await compared(AS_BEFORE, SLOWER);
    const gate = (verdict: GateResult['verdict'], counts: GateResult['counts']): GateResult => ({
      text: `${verdict} ${counts}`,
      verdict,
      counts,
      why: 'of "this"',
    });
    const gates = [
      gate('held', 'missed'),
      gate('missed', 'held'),
      gate('undecided', 'undecided'),
      gate('undecided', 'held'),
      gate('undecided', 'missed'),
    ];
    const [, suite] = suitesOf(comparison, gates);
    assert.deepEqual(suite?.attributes['name'], 'gates');
    assert.deepEqual(
      [...casesOf(suite).values()].map(({ outcome }) => outcome),
      ['passed', 'failure', 'skipped', 'passed', 'failure'],
    );
    assert.deepEqual([suite?.attributes['failures'], suite?.attributes['skipped']], ['2', '1']);
  });
});

describe('what the charts of a comparison claim', () => {
  it('is what the verdicts say, and no more', async () => {
    const [a, b] = [await exampleSide('base', { factors: [1] }), await exampleSide('new', { factors: [1.1] })];
    const comparison = compareRuns(a, b, { margin: 0.02, names: ['a', 'b'] });
    const pair = pageData(comparison, a, b).latencies.ttft;
    const finding = (verdicts: readonly Verdict[]): string =>
      latencyFinding(withVerdicts(comparison, ['ttft.p50', 'ttft.p90', 'ttft.p99'], verdicts), 'ttft', pair);
    assert.equal(finding(['provisional', 'provisional', 'provisional']), 'TTFT: one run stands for a system');
    assert.match(finding(['better', 'worse', 'worse']), /^Worse: TTFT p90 \+10\.0 %, TTFT p99 .*; better: TTFT p50 /);
    assert.equal(finding(['undecided', 'same', 'better']), `Better: TTFT p99 +${changeOf(comparison, 'ttft.p99')}`);
    assert.equal(finding(['same', 'same', 'undecided']), 'TTFT: no change beyond ± 2 % is shown');
    assert.equal(finding(['same', 'same', 'same']), 'TTFT: the same within ± 2 %');
    const noNumbers = comparison.metrics.map((metric) => ({ ...metric, change: null, verdict: 'undecided' as const }));
    assert.equal(
      latencyFinding({ ...comparison, metrics: noNumbers }, 'ttft', {
        ...pair,
        new: { ...pair.new, missing: 20, n: 40 },
      }),
      'TTFT: 0 % fail in base, 33.3 % in new',
    );
  });

  it('has a sign where there is something to see', () => {
    assert.deepEqual([0.0512, -0.0002, -1e-9, 0].map(signed), ['+5.1 %', '-0.02 %', '0 %', '0 %']);
  });

  it('counts the verdicts', async () => {
    const comparison = await compared({ factors: [1] }, { factors: [1.1] });
    const counts = (verdicts: readonly Verdict[]): string =>
      verdictCounts(withVerdicts(comparison, JUDGED_NAMES, verdicts));
    assert.equal(counts(JUDGED_NAMES.map(() => 'same')), 'All 9 metrics are the same');
    assert.equal(
      counts(JUDGED_NAMES.map((_, i) => (i === 0 ? 'better' : i < 3 ? 'undecided' : 'same'))),
      '1 metric is better, 2 undecided, 6 the same',
    );
  });

  it('has an axis of changes with 0 and the margin, round ticks, and an end', () => {
    const domain = changeDomain([lnOf(-0.01), lnOf(0.08)], 0.02);
    assert.ok(domain[0] < lnOf(-0.02) && domain[1] > lnOf(0.08));
    assert.deepEqual(
      changeTicks(domain).map((ln) => Math.round(Math.expm1(ln) * 1e4) / 100),
      [-2, 0, 2, 4, 6, 8],
    );
    const wide = changeDomain([lnOf(-0.9999), lnOf(1e6)], 0);
    assert.deepEqual(wide, [-Math.log(10), Math.log(10)]);
    assert.equal(changeTicks(wide).length, 7);
    for (const edge of [0.001, 0.01, 0.05, 0.3, 0.9, 5]) {
      const ticks = changeTicks(changeDomain([lnOf(edge)], 0.001));
      assert.ok(ticks.length >= 2 && ticks.length <= 9, `${ticks.length} ticks to ${edge}`);
      assert.ok(ticks.some((tick) => Math.abs(tick) < 1e-12));
    }
  });
});
