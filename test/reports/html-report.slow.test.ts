import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runSections } from '../../reports/charts/run-sections.ts';
import { collectReportData } from '../../reports/data/report-data.ts';
import { DEFINITIONS, GLOSSARY } from '../../reports/definitions.ts';
import { writeHtmlReport } from '../../reports/index.ts';
import type { Manifest } from '../../src/schema/manifest.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import { type ExampleOptions, exampleManifest, exampleRun, inBatches } from './example-run.ts';

const SLO = 'ttft=200ms,tpot=12ms';

async function report(options: ExampleOptions): Promise<string> {
  const { summary, manifest, records } = await exampleRun(options);
  return writeHtmlReport(summary, manifest, inBatches(records));
}

/** Visible text, without scripts, style and tags. */
function textOf(page: string): string {
  return page
    .replaceAll(/<(script|style)\b.*?<\/\1>/gs, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');
}

it('says first what share met the SLO, then whether the client kept up', async () => {
  const page = await report({ requests: 300, slo: SLO });
  const text = textOf(page.replace(/<nav\b.*?<\/nav>/s, ''));
  const verdict =
    /([\d.]+) % of requests met TTFT ≤ 200 ms and TPOT ≤ 12 ms \(wanted: 90 %; 95 % interval .*?\); TPOT binds/.exec(
      text,
    );
  assert.ok(verdict !== null, text.slice(0, 500));
  const order = ['of requests met', 'Valid: the client kept up', 'Key figures', 'Latencies', 'Over time'];
  const places = [...order, 'The measurement holds', 'How to repeat it'].map((part) => text.indexOf(part));
  assert.ok(
    places.every((place) => place >= 0),
    String(places),
  );
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
});

it('sets the prefix reuse of the plan beside what the server had cached', async () => {
  const { summary, manifest, records } = await exampleRun({ requests: 20, slo: null });
  assert.doesNotMatch(textOf(await writeHtmlReport(summary, manifest, inBatches(records))), /cached (?:[\d.]+ %|not)/);
  const workload = { ...summary.workload, prefix_reuse: 0.5 };
  const told = { ...summary, workload, delivered: { ...summary.delivered, prefix_reuse: 0.25 } };
  const text = textOf(await writeHtmlReport(told, manifest, inBatches(records)));
  assert.match(text, /input tokens cached 50\.0 % 25\.0 %/);
});

it("the shares at the SLO line are the summary's, and the curve passes through them", async () => {
  const { summary, manifest, records } = await exampleRun({
    requests: 500,
    slo: `${SLO},e2e=2s`,
    fate: (index) => (index % 20 === 3 ? { outcome: 'rejected', http_status: 429 } : null),
  });
  const data = await collectReportData(inBatches(records), manifest);
  const charts = runSections(summary, data).flatMap((section) => section.charts);
  for (const metric of ['ttft', 'tpot', 'e2e'] as const) {
    const limitMs = summary.slo?.limits_ms[metric] ?? Number.NaN;
    const share = summary.slo?.attainment[metric] ?? Number.NaN;
    const curve = data[metric].points.findLast(({ ms }) => ms <= limitMs)?.share;
    // The example has no request of a single token, which would count as met without being drawn.
    assert.equal(data.without_tpot, 0);
    assert.ok(Math.abs((curve ?? Number.NaN) - share) < 1e-12, `${metric}: ${curve} against ${share}`);
    const chart = charts.find(({ id }) => id === `${metric}-ecdf`);
    assert.match(JSON.stringify(chart?.spec), new RegExp(`"${(share * 100).toFixed(1)} % meet"`));
  }
});

it('key figures link to where they are drawn, and every link has a target', async () => {
  const page = await report({
    requests: 300,
    slo: SLO,
    fate: (index) => (index % 20 === 3 ? { outcome: 'rejected', http_status: 429 } : null),
  });
  const links = [...page.matchAll(/href="#([^"]*)"/g)].map(([, id]) => id);
  for (const id of ['slo-plane', 'ttft-ecdf', 'tpot-ecdf', 'itl-ecdf', 'e2e-ecdf', 'load', 'tokens', 'outcomes'])
    assert.ok(links.includes(id), `nothing links to ${id}`);
  for (const id of links) assert.equal(page.split(`id="${id}"`).length, 2, `${id} is not the name of one place`);
  assert.match(textOf(page), /failed 5.0 % 15 of 300/);
  assert.match(textOf(page), /Of the answered requests alone/);
});

it('the contents have every section, in the order of the page, and the glossary every definition', async () => {
  const page = await report({
    requests: 300,
    slo: SLO,
    fate: (index) => (index === 3 ? { outcome: 'timeout' } : null),
  });
  const nav = /<nav\b.*?<\/nav>/s.exec(page)?.[0] ?? '';
  const sections = [...page.matchAll(/<section id="([^"]*)"/g)].map(([, id]) => id);
  assert.deepEqual(
    [...nav.matchAll(/href="#([^"]*)"/g)].map(([, id]) => id),
    ['top', ...sections],
  );
  for (const id of ['key-figures', 'promise', 'distributions', 'reasons', 'timeline', 'requests', 'dependence'])
    assert.ok(sections.includes(id), id);
  assert.deepEqual(sections.slice(-4), ['quality', 'outcomes', 'repeat', 'glossary']);
  const meanings = new Set(GLOSSARY.map(([, meaning]) => meaning));
  for (const definition of Object.values(DEFINITIONS)) assert.ok(meanings.has(definition), definition);
  const glossary = textOf(page.slice(page.indexOf('<section id="glossary"')));
  for (const word of [
    'TTFT',
    'goodput',
    'nearest rank',
    'prefill',
    'KV cache',
    'preemption',
    'open loop',
    'due',
    'n_eff',
  ])
    assert.ok(glossary.toLowerCase().includes(word.toLowerCase()), word);
});

it('an interval is never written with a width of zero', async () => {
  const text = textOf(await report({ requests: 20_000, slo: 'ttft=60s,tpot=1s', maxOutputTokens: 20 }));
  assert.match(
    text,
    /100 % of requests met TTFT ≤ 60 s and TPOT ≤ 1 s \(wanted: 90 %; 95 % interval 99\.9\d-100\.00? % /,
  );
});

it('stays under 5 MB at 100,000 requests', async (t) => {
  const { summary, manifest, records } = await exampleRun({ requests: 100_000, slo: SLO, maxOutputTokens: 40 });
  const started = performance.now();
  const page = await writeHtmlReport(summary, manifest, inBatches(records));
  const bytes = Buffer.byteLength(page);
  t.diagnostic(`${bytes} bytes, built in ${Math.round(performance.now() - started)} ms`);
  assert.ok(bytes < 5e6, `${bytes} bytes`);
});

describe('hostile strings are only ever text', () => {
  const evil = `"'><img src=x onerror=alert(1)></script><script>alert(2)</script><!--\u2028`;
  const target: Manifest['target'] = { spec: evil, kind: 'url', adapter: evil, model: evil, facts: { [evil]: evil } };

  it('marks of writing direction become visible, in the page and in the markdown that it copies', async () => {
    const backwards = 'a\u202Evsc.b\u2066';
    const page = await report({
      requests: 30,
      slo: SLO,
      fate: (index) => (index === 3 ? { outcome: 'http_error', http_status: 500, error: backwards } : null),
      manifest: { target: { ...target, spec: backwards, model: backwards } },
    });
    assert.doesNotMatch(page.replace(/<script>.*?<\/script>/gs, ''), /\p{Bidi_Control}/u);
    assert.ok(page.includes('a\uFFFDvsc.b\uFFFD'));
  });

  it('names, errors and the command open no tag, attribute or script', async () => {
    const page = await report({
      requests: 30,
      slo: SLO,
      fate: (index) => (index % 2 === 0 ? { outcome: 'http_error', http_status: 500, error: evil } : null),
      manifest: { target, run_id: evil, reason: evil, status: 'failed', command: ['reprise', 'run', evil] },
    });
    assert.doesNotMatch(page, /<img/);
    assert.equal(page.match(/<script\b/g)?.length, 4);
    assert.equal(page.match(/<\/script>/g)?.length, 4);
    assert.ok(textOf(page).includes('&lt;img src=x onerror=alert(1)&gt;'));
  });

  it('the markdown in the page is what the copy button copies', async () => {
    const page = await report({ requests: 3, slo: null, manifest: { target } });
    const stored = /<script type="application\/json" id="markdown">(.*?)<\/script>/s.exec(page)?.[1] ?? '';
    assert.ok(String(JSON.parse(stored)).includes(String.raw`\<img src=x`));
  });
});

describe('runs that are not as one hopes', () => {
  it('without an SLO it shows latencies and judges nothing', async () => {
    const text = textOf(await report({ requests: 50, slo: null }));
    assert.match(text, /TTFT p50 [\d.]+ ms, p99 .*? no SLO was given to judge by/);
    assert.doesNotMatch(text, /of requests met|Attainment is lowest/);
  });

  it('when all failed it says so first, and why', async () => {
    const text = textOf(
      await report({ requests: 40, slo: SLO, fate: () => ({ outcome: 'connect_error', error: 'ECONNREFUSED' }) }),
    );
    assert.ok(text.indexOf('No request was answered: 40 connect error') < text.indexOf('0 % of requests met'));
    assert.match(text, /40 requests failed/);
    assert.match(text, /ECONNREFUSED/);
    assert.match(text, /No limits on TTFT and TPOT would have been met by even one in ten/);
    assert.match(text, /fails/);
  });

  it('failures that differ in their numbers alone are told together', async () => {
    const error = (index: number): string => `${index} tokens are too many`;
    const fate = (index: number): Partial<RequestRecord> | null =>
      index % 2 === 0 ? { outcome: 'rejected', http_status: 400, error: error(index) } : null;
    const text = textOf(await report({ requests: 40, slo: null, fate }));
    assert.match(text, /rejected 20 400 0 tokens are too many \(and the like, with other numbers\)/);
    assert.doesNotMatch(text, /20 400 2 tokens/);
  });

  it('one request is a run', async () => {
    assert.match(textOf(await report({ requests: 1, slo: SLO })), /wanted: 90 %; too few independent requests to tell/);
  });

  it('no request at all is a run', async () => {
    assert.match(textOf(await report({ requests: 0, slo: SLO })), /No request was measured/);
  });

  it('an interrupted run says so before its figures', async () => {
    const text = textOf(
      await report({
        requests: 100,
        slo: SLO,
        fate: (index) => (index >= 80 ? { outcome: 'unsent' } : index >= 76 ? { outcome: 'cut', sent_us: 1 } : null),
        manifest: { status: 'interrupted', reason: 'the client was killed' },
      }),
    );
    const warning =
      'Interrupted: the client was killed; the figures are of 76 of the 80 requests that were due until then (4 cut off in flight before they had missed a limit are left out), of 100';
    assert.ok(text.includes(warning), text.slice(0, 300));
    assert.ok(text.indexOf(warning) < text.indexOf('of the 76 requests due until it was stopped met'));
  });

  it('a client that stood still makes the report say so before its figures, and not call it good', async () => {
    const { client } = exampleManifest([], { requests: 0, slo: null });
    const stalled = client === null ? null : { ...client, stalls: [{ from_us: 1e6, to_us: 2e6 }] };
    const text = textOf(await report({ requests: 60, slo: 'ttft=10s', manifest: { client: stalled } }));
    const warning = text.indexOf('! Not valid: the client stood still for 1.00 s');
    assert.ok(warning >= 0 && warning < text.indexOf('of requests met'), text.slice(0, 300));
    assert.doesNotMatch(text, /✓ [\d.]+ % of requests/);
    assert.match(text, /The measurement does not hold/);
  });
});
