import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { Browser, Page } from 'playwright-core';
import { z } from 'zod';
import { launchBrowser, openPage } from '../browser.ts';
import { cli, temporaryFolder } from '../cli.ts';
import { type LiveItem, liveItems } from './live-marks.ts';

const folder = temporaryFolder();
const TTFT_US = 300_000;
const TPOT_US = 25_000;
/** An overloaded A100: requests miss either limit, both, or fail because no token came in time. */
const RUN =
  `run chat --clock virtual --speed 1.2 --slo ttft=${TTFT_US}us,tpot=${TPOT_US}us --ttft-timeout 1s ` +
  '--target reference:vllm-v1,model=llama-3.1-8b,gpu=a100-sxm-80g';

let browser: Browser;
let page: Page;
let sql: DuckDBConnection;

before(async () => {
  const { code, stderr } = await cli(...RUN.split(' '), '--out', join(folder, 'run'));
  assert.equal(code, 0, stderr);
  sql = await (await DuckDBInstance.create()).connect();
  // Infinity: it never came, or not in the sense of the SLO. A single token has no TPOT, which meets any limit.
  await sql.run(`create view requests as select *,
    outcome = 'ok' and len(token_times_us) > 0 as answered,
    case when answered then token_times_us[1] else 'inf'::double end as ttft_us,
    case when answered then coalesce((token_times_us[-1] - token_times_us[1]) / nullif(len(token_times_us) - 1, 0), 0)
      else 'inf'::double end as tpot_us,
    case when not answered then 'failed' when ttft_us > ${TTFT_US} and tpot_us > ${TPOT_US} then 'several limits'
      when ttft_us > ${TTFT_US} then 'TTFT only' when tpot_us > ${TPOT_US} then 'TPOT only' end as miss
    from '${folder}/run/requests/*.parquet'`);
  browser = await launchBrowser();
  const url = pathToFileURL(join(folder, 'run', 'report.html')).href;
  ({ page } = await openPage(browser, url, { width: 1280, colorScheme: 'light' }));
});
after(async () => {
  await browser?.close();
  sql?.closeSync();
});

async function numbers(query: string): Promise<number[]> {
  const row: unknown[] = (await sql.runAndReadAll(query)).getRows()[0] ?? [];
  return z.array(z.number()).parse(row);
}

/** The value that a reader finds at a place, going by the first and last name on the axis. */
function readAt(items: readonly LiveItem[], along: 'x' | 'y', pixel: number, scale: 'linear' | 'log'): number {
  // Names of the y axis stand left of the plot, those of the x axis below it.
  const labels = items.filter(({ role, x }) => role === 'axis-label' && x < 0 === (along === 'y'));
  const [first, last] = [labels[0], labels.at(-1)];
  const value = (label: LiveItem | undefined): number => {
    const named = z.number().parse(label?.datum['value']);
    return scale === 'log' ? Math.log(named) : named;
  };
  const at = (pixel - (first?.[along] ?? 0)) / ((last?.[along] ?? 0) - (first?.[along] ?? 0));
  const read = value(first) + at * (value(last) - value(first));
  return scale === 'log' ? Math.exp(read) : read;
}

function near(actual: number, expected: number, relative: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= relative * expected, `${what}: ${actual} against ${expected}`);
}

it('the SLO plane: each point of the 90 % contour is the strictest TPOT limit that DuckDB finds for its TTFT limit', async () => {
  const items = await liveItems(page, 'slo-plane');
  const Point = z.object({ ttft_ms: z.number(), tpot_ms: z.number(), text: z.string() });
  const contour = items.flatMap((item) => {
    const point = Point.safeParse(item.datum);
    return item.type === 'symbol' && point.success && point.data.text.startsWith('90 % meet')
      ? [{ item, ...point.data }]
      : [];
  });
  assert.ok(contour.length > 30, `${contour.length} points`);
  // The last one is the axis' end.
  for (const { item, ttft_ms, tpot_ms } of [contour[0], contour[20], contour.at(-2)].filter(
    (each) => each !== undefined,
  )) {
    const [strictest = 0] = await numbers(`select min(limit_us) from (select tpot_us as limit_us,
      count(*) over (order by tpot_us) as meeting from requests where ttft_us <= ${Math.round(ttft_ms * 1000)})
      where meeting >= 0.9 * (select count(*) from requests)`);
    near(tpot_ms, strictest / 1000, 1e-12, `TPOT limit at TTFT <= ${ttft_ms} ms`);
    near(readAt(items, 'y', item.y, 'log'), strictest / 1000, 1e-6, 'read off the axis');
    near(readAt(items, 'x', item.x, 'log'), ttft_ms, 1e-6, 'read off the axis');
  }
});

it('misses: every bar by prompt length is as high as the share that DuckDB counts', async () => {
  const items = await liveItems(page, 'misses-length');
  const Bar = z.object({ name: z.string(), kind: z.string(), value: z.number() });
  const bars = items.filter(({ type, role }) => type === 'rect' && role === 'mark');
  let drawn = 0;
  for (const bar of bars) {
    const { name, kind } = Bar.parse(bar.datum);
    const from = name.endsWith('k+') ? 1024 * Number.parseInt(name, 10) : Number.parseInt(name, 10);
    const [share = 0] = await numbers(`select coalesce(avg((miss is not distinct from '${kind}')::int), 0) from requests
      where input_tokens_planned >= ${from} and input_tokens_planned < ${from === 0 ? 64 : 2 * from}`);
    const height = readAt(items, 'y', bar.y, 'linear') - readAt(items, 'y', bar.y + bar.height, 'linear');
    assert.ok(Math.abs(height - share) < 1e-9, `${name} ${kind}: ${height} against ${share}`);
    if (share > 0) drawn++;
  }
  assert.ok(drawn >= 10, `${drawn} bars that are not flat`);
  assert.deepEqual(
    new Set(bars.map(({ datum }) => datum['kind'])),
    new Set(['TTFT only', 'TPOT only', 'several limits', 'failed']),
  );
});

it('percentiles: the dots of the ECDFs and the key figures are those that DuckDB computes, failures infinitely late', async () => {
  for (const metric of ['ttft', 'tpot'] as const) {
    const items = await liveItems(page, `${metric}-ecdf`);
    const dots = items.filter(({ type, datum }) => type === 'text' && /^p\d/.test(String(datum['text'])));
    // More than 1 in 100 failed: there is no p99 to draw.
    assert.deepEqual(
      dots.map(({ datum }) => String(datum['text']).slice(0, 3)),
      ['p50', 'p90'],
    );
    const percentiles =
      await numbers(`select quantile_disc(${metric}_us, 0.5) / 1000, quantile_disc(${metric}_us, 0.9) / 1000
      from requests where ${metric === 'ttft'} or not answered or len(token_times_us) > 1`);
    const row = await page
      .locator('tr', { hasText: new RegExp(`^\\s*${metric.toUpperCase()}`) })
      .first()
      .locator('td')
      .allTextContents();
    for (const [i, expected] of percentiles.entries()) {
      near(readAt(items, 'x', dots[i]?.x ?? 0, 'log'), expected, 1e-6, `${metric} dot ${i}`);
      const shown = row[i + 1] ?? '';
      near(Number.parseFloat(shown) * (shown.endsWith(' s') ? 1000 : 1), expected, 0.005, `${metric} key figure ${i}`);
    }
    // All that failed timed out after 1 s; how long their tokens would have taken is not known.
    assert.equal(row[3], metric === 'ttft' ? '> 1 s (timed out)' : 'fails');
  }
});

/** Stands for infinity, which no number from DuckDB may be. */
const NEVER_MS = 1e12;

it('latency over time: each bin has the requests and the percentiles that DuckDB finds among those due in it', async () => {
  for (const metric of ['ttft', 'tpot'] as const) {
    const rows = await page
      .locator(`#${metric}-over-time tbody tr`)
      .evaluateAll((all) =>
        all.map((row) => [...row.querySelectorAll('td')].map((cell) => (cell.textContent ?? '').replaceAll(',', ''))),
      );
    assert.ok(rows.length > 10, `${rows.length} bins`);
    const widthS = Number(rows[1]?.[0]) - Number(rows[0]?.[0]);
    for (const [fromS = '', requests, failed, p50, p90, p99] of rows) {
      const due = `due_us >= ${Number(fromS) * 1e6} and due_us < ${(Number(fromS) + widthS) * 1e6}`;
      const counted = `${metric === 'ttft' ? 'true' : 'not answered or len(token_times_us) > 1'}`;
      const counts = await numbers(`select count(*)::int, count(*) filter (not answered)::int from requests
        where ${due} and (${counted})`);
      assert.deepEqual([requests, failed].map(Number), counts, `${metric} from ${fromS} s`);
      if (counts[0] === 0) continue;
      const exact =
        await numbers(`select ${[0.5, 0.9, 0.99].map((q) => `least(quantile_disc(${metric}_us, ${q}) / 1000, ${NEVER_MS})`).join()}
        from requests where ${due} and (${counted})`);
      for (const [i, shown] of [p50, p90, p99].entries())
        if (exact[i] === NEVER_MS) assert.equal(shown, 'fails', `${metric} from ${fromS} s`);
        else near(Number(shown), exact[i] ?? 0, 0.0054, `${metric} from ${fromS} s`);
    }
  }
});

it('attainment is what DuckDB counts', async () => {
  const [met = 0] = await numbers('select avg((miss is null)::int) from requests');
  const heading = (await page.locator('h1').textContent()) ?? '';
  assert.ok(met > 0.3 && met < 0.9);
  assert.ok(heading.includes(`${(met * 100).toFixed(1)} % of requests met`), heading);
});

it('the waterfall: a row runs from due to end of the request that it names', async () => {
  const items = await liveItems(page, 'sample');
  const Span = z.object({ row: z.number(), from: z.number(), to: z.number(), text: z.string() });
  const spans = items.flatMap((item) => {
    const span = Span.safeParse(item.datum);
    return item.type === 'rect' && span.success ? [span.data] : [];
  });
  const rows = Map.groupBy(spans, ({ row }) => row);
  assert.equal(rows.size, 20);
  for (const parts of rows.values()) {
    const id = /^\d+: (\S+):/.exec(parts[0]?.text ?? '')?.[1] ?? '';
    const [endS = 0] = await numbers(`select (end_us - due_us) / 1e6 from requests where request_id = '${id}'`);
    // What rounding leaves, at most 10 us, is not drawn.
    const unitS = parts[0]?.text.endsWith(' ms') === true ? 1e-3 : 1;
    assert.ok(Math.abs(Math.max(...parts.map(({ to }) => to)) * unitS - endS) < 11e-6, id);
  }
});

it('a distribution that ends where requests fail keeps every tick of its shares', async () => {
  const names = (await liveItems(page, 'ttft-ecdf')).filter(({ role, x }) => role === 'axis-label' && x < 0);
  assert.deepEqual(
    names.map(({ datum }) => datum['value']),
    [0, 0.25, 0.5, 0.75, 0.9, 1],
  );
});
