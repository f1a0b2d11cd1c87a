import assert from 'node:assert/strict';
import { it } from 'node:test';
import { summaryCsv } from '../../reports/csv/summary.ts';
import { METRIC_NAMES } from '../../reports/definitions.ts';
import { writeHtmlReport } from '../../reports/index.ts';
import { summaryMarkdown } from '../../reports/markdown/summary.ts';
import { summaryText } from '../../reports/text/summary.ts';
import { LATENCY_METRICS } from '../../src/schema/latency.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { type ExampleOptions, exampleRun, inBatches } from './example-run.ts';
import { exampleScrapes } from './example-scrapes.ts';

const SLO = 'ttft=200ms,tpot=12ms';
const RUNS: Readonly<Record<string, ExampleOptions>> = {
  'an answered run': { requests: 300, slo: SLO },
  'a run without an SLO': { requests: 300, slo: null },
  'three limits, failures and the metrics of the server': {
    requests: 400,
    slo: `${SLO},e2e=3s`,
    scrapes: exampleScrapes,
    fate: (index) => (index % 9 === 3 ? { outcome: 'rejected', http_status: 429 } : null),
  },
  'a run in which most fail': {
    requests: 60,
    slo: SLO,
    fate: (index) => (index % 3 === 0 ? null : { outcome: 'timeout', sent_us: 0, end_us: 9e7 }),
  },
  'a single request of a single token': { requests: 1, slo: SLO, maxOutputTokens: 1 },
  'a run that was interrupted': {
    requests: 100,
    slo: SLO,
    fate: (index) => (index > 60 ? { outcome: 'unsent' } : null),
    manifest: { status: 'interrupted' },
  },
  'requests of a single token': { requests: 100, slo: SLO, maxOutputTokens: 1 },
};

const UNIT_MS: Readonly<Record<string, number>> = { us: 1e-3, ms: 1, s: 1000, min: 60_000, h: 3_600_000 };
const CELL = String.raw`(> [\d.,]+ \w+ \(timed out\)|[\d.,]+ (?:us|ms|s|min|h)\b|fails|-)`;

/** Words and figures on one line, without what makes a page or a table of them. */
function wordsOf(text: string): string {
  return text
    .replaceAll(/<(script|style|nav|svg)\b.*?<\/\1>/gs, ' ')
    .replaceAll(/<[^>=]*(?:="[^"]*"[^>=]*)*>/g, ' ')
    .replaceAll('&gt;', '>')
    .replaceAll(/[|*\\]/g, ' ')
    .replaceAll(/\s+/g, ' ');
}

function assertSame(told: string, ms: number | null, what: string): void {
  const [, number, unit] = /^([\d.,]+) (us|ms|s|min|h)$/.exec(told) ?? [];
  if (ms === null) assert.match(told, /^(fails|-|> .*\(timed out\))$/, what);
  else {
    const toldMs = Number(number?.replaceAll(',', '')) * (UNIT_MS[unit ?? ''] ?? Number.NaN);
    assert.ok(Math.abs(toldMs - ms) <= 0.005 * ms, `${what}: ${told} for ${ms} ms`);
  }
}

/** Every figure and text of a summary by its path, as a script would look for it. */
function leavesOf(value: unknown, path = ''): [string, string][] {
  if (value === null) return [[path, '']];
  if (typeof value !== 'object') return [[path, typeof value === 'string' ? value : JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, part]: [string, unknown]) =>
    leavesOf(part, path === '' ? key : `${path}.${key}`),
  );
}

/** The one row of a CSV, by column. */
function rowOf(csv: string): Map<string, string> {
  const cells = [...`${csv}\n`.matchAll(/("(?:[^"]|"")*"|[^,\n]*)([,\n])/g)].map(([, cell = '']) =>
    cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell,
  );
  const half = cells.length / 2;
  return new Map(cells.slice(0, half).map((name, i) => [name, cells[half + i] ?? '']));
}

function assertFigures(words: string, summary: Summary, where: string): void {
  for (const metric of LATENCY_METRICS) {
    const stats = summary.latency_ms[metric];
    const row = new RegExp(`${METRIC_NAMES[metric]} ${CELL} ${CELL} ${CELL}`).exec(words);
    assert.ok(row !== null, `${where}: ${metric}`);
    for (const [i, key] of (['p50', 'p90', 'p99'] as const).entries())
      assertSame(row[i + 1] ?? '', stats[key], `${where}: ${metric} ${key}`);
  }
  const share = /([\d.]+) % of (?:requests|the [\d,]+ requests [^.]*?) met/.exec(words)?.[1];
  const joint = summary.slo?.attainment.joint;
  if (joint === undefined || joint === null) assert.equal(share, undefined, where);
  else assert.ok(Math.abs(Number(share) - joint * 100) <= 0.051, `${where}: ${share} % for ${joint}`);
  const out = /\bout(?:put)? ([\d.,]+) tokens\/s/.exec(words)?.[1];
  const rate = summary.throughput.output_tokens_per_s ?? 0;
  assert.ok(Math.abs(Number(out?.replaceAll(',', '')) - rate) <= 0.005 * rate, `${where}: ${out} for ${rate} tokens/s`);
}

for (const [name, options] of Object.entries(RUNS))
  it(`${name} has the same figures in every report`, async () => {
    const { summary, manifest, records } = await exampleRun(options);
    const scrapes = options.scrapes?.(records) ?? null;
    const page = await writeHtmlReport(summary, manifest, inBatches(records), scrapes);
    assertFigures(wordsOf(page), summary, 'page');
    assert.doesNotMatch(wordsOf(page), /\b(NaN|Infinity|null)\b/);
    assertFigures(wordsOf(summaryText(summary, manifest, { color: false })), summary, 'text');
    assertFigures(wordsOf(summaryMarkdown(summary, manifest)), summary, 'markdown');
    const row = rowOf(summaryCsv([summary]));
    for (const [path, value] of leavesOf(summary)) assert.equal(row.get(path), value, path);
  });
