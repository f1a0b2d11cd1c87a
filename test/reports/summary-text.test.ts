import assert from 'node:assert/strict';
import { it } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { summaryText } from '../../reports/index.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { exampleRun } from './example-run.ts';

it('begins with the verdict, then why and validity, then aligned tables', async () => {
  const { summary, manifest } = await exampleRun({ requests: 300, slo: 'ttft=200ms,tpot=12ms' });
  const lines = summaryText(summary, manifest, { color: false }).split('\n');
  assert.match(
    lines[0] ?? '',
    /^✗ [\d.]+ % of requests met TTFT <= 200 ms and TPOT <= 12 ms \(wanted: 90 %; 95 % interval .* for load like these 300 requests\)/,
  );
  assert.match(lines[1] ?? '', /^Why: /);
  assert.equal(lines[2], '✓ Valid: the client kept up');
  assert.match(
    lines[3] ?? '',
    /^Asked and got: 300 of 300 requests answered; ([\d.]+) of \1 requests\/s; prompts ([\d,.]+) of \2 tokens; outputs ([\d,.]+) of \3 tokens, as asked in 300 of 300$/,
  );
  const table = lines.slice(lines.findIndex((line) => line.startsWith('latency'))).slice(0, 5);
  assert.equal(new Set(table.map((line) => line.length)).size, 1, table.join('\n'));
  assert.ok(lines.every((line) => line === line.trimEnd()));
});

it('says what a cap on the requests in flight did', async () => {
  const { summary, manifest } = await exampleRun({ requests: 50, slo: null });
  const held = { max_in_flight: 1024, requests: 5, share: 0.1, still_waiting: 0 };
  const wait_ms = { p50: 1, p90: 2, p99: 3, max: 3 };
  const of = (found: typeof summary.held): string =>
    summaryText({ ...summary, held: found }, manifest, { color: false });
  assert.match(
    of({ ...held, wait_ms }),
    /^Asked and got: .* requests\/s; at most 1,024 in flight, 10\.0 % waited for a place; prompts/m,
  );
  assert.match(of({ ...held, requests: 0, share: 0, wait_ms: null }), /; at most 1,024 in flight, none waited;/);
});

it('says how far ITL percentiles are known by the client, not where the times are of the server', async () => {
  const { summary, manifest } = await exampleRun({ requests: 50, slo: null });
  const validity = { ...summary.validity, lateness_ms: { p50: 0.1, p90: 0.2, p99: 0.5, max: 1 } };
  const of = (stream: boolean): string =>
    summaryText({ ...summary, validity }, { ...manifest, stream }, { color: false });
  assert.match(of(true), /^ITL percentiles are known within ± /m);
  assert.doesNotMatch(of(false), /known within/);
});

it('does not call input tokens that no one counted none', async () => {
  const { summary, manifest } = await exampleRun({ requests: 5, slo: null });
  const throughput = { ...summary.throughput, input_tokens_per_s: null };
  assert.match(
    summaryText({ ...summary, throughput }, manifest, { color: false }),
    /^throughput .*, in not counted, out [\d.]+ tokens\/s$/m,
  );
});

it('says "fails" where a failed request stands, and counts outcomes', async () => {
  const { summary, manifest } = await exampleRun({
    requests: 100,
    slo: null,
    fate: (index) => (index < 5 ? { outcome: 'rejected' } : null),
  });
  const text = summaryText(summary, manifest, { color: false });
  assert.match(text, /^TTFT +[\d.]+ ms +[\d.]+ ms +fails /m);
  assert.match(text, /^failed: 5 rejected$/m);
});

it('tells of prefix caching where there is anything to tell', async () => {
  const { summary, manifest } = await exampleRun({ requests: 20, slo: null });
  const { workload, delivered } = summary;
  type Cached = Summary['delivered']['cached_tokens'];
  const text = (asked: number | null, got: number | null, cached_tokens: Cached = null): string =>
    summaryText(
      {
        ...summary,
        workload: { ...workload, prefix_reuse: asked },
        delivered: { ...delivered, prefix_reuse: got, cached_tokens },
      },
      manifest,
      { color: false },
    );
  assert.match(text(0.5, 0.25), /^prefix cache +25.0 % of input tokens, the trace allows 50.0 %$/m);
  assert.match(text(0.5, null), /^prefix cache +not told, the trace allows 50.0 %$/m);
  assert.match(text(null, 0.25), /^prefix cache +25.0 % of input tokens$/m);
  assert.doesNotMatch(text(null, 0), /prefix cache/);
  const cached_tokens = { requests: 1e6, input: 1000, cached: 400, allowed: 500, exceeds: false };
  assert.match(
    text(0.5, 0.25, cached_tokens),
    /^prefix cache +25.0 % of input tokens; with those not measured 40.0 %, the trace allows 50.0 %$/m,
  );
});

it('colours only when asked, and never prints control characters of a run', async () => {
  const { summary, manifest } = await exampleRun({
    requests: 5,
    slo: 'ttft=200ms',
    manifest: { status: 'failed', reason: 'server said \u001B[2Jgone\u0007\u009B31m\u202E' },
  });
  const plain = summaryText(summary, manifest, { color: false });
  assert.doesNotMatch(plain.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
  assert.match(plain.split('\n')[0] ?? '', /^! The run failed: server said .*gone/);
  const coloured = summaryText(summary, manifest, { color: true });
  assert.ok(coloured.startsWith('\u001B[31m!'));
  assert.equal(stripVTControlCharacters(coloured), plain);
});

it('says how long those waited that timed out, where nothing failed in another way', async () => {
  const row = async (outcomes: readonly RequestRecord['outcome'][]): Promise<string> => {
    const { summary, manifest } = await exampleRun({
      requests: 100,
      slo: null,
      maxOutputTokens: 20,
      fate: (index) => {
        const outcome = outcomes[index];
        return outcome === undefined ? null : { outcome, due_us: 0, sent_us: 0, end_us: 60_059_999 };
      },
    });
    const text = summaryText(summary, manifest, { color: false });
    return /^E2E .*$/m.exec(text)?.[0] ?? '';
  };
  assert.match(await row(['timeout', 'timeout']), / > 60 s \(timed out\) +98 +2 /);
  assert.match(await row(['timeout', 'rejected']), / fails +98 +2 /);
  assert.doesNotMatch(await row(['timeout']), /timed out|fails/);
});

it('mean and max stand apart from what counts failures, and say that they are of answered requests', async () => {
  const table = async (failed: number): Promise<string[]> => {
    const { summary, manifest } = await exampleRun({
      requests: 50,
      slo: null,
      fate: (index) => (index < failed ? { outcome: 'rejected' } : null),
    });
    const lines = summaryText(summary, manifest, { color: false }).split('\n');
    return lines.filter((line) => /^(latency|TTFT) /.test(line));
  };
  const [head = '', ttft = ''] = await table(5);
  assert.match(head, /^latency +p50 +p90 +p99 +n +failed +mean of ok +max of ok$/);
  assert.match(ttft, / fails +45 +5 +[\d.]+ ms +[\d.]+ ms$/);
  assert.match((await table(0))[0] ?? '', / n +failed +mean +max$/);
});
