import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { showProgress } from '../../src/commands/progress.ts';
import { countLine, progressLine } from '../../src/commands/progress-line.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { RunProgress } from '../../src/run/run.ts';

const stats = {
  requests: 500,
  firstDueUs: 0,
  lastDueUs: 60e6,
  firstDueAfterWarmupUs: null,
  firstRequests: [],
  inputTokens: 1,
  outputTokens: 1,
  minInputTokens: 1,
  maxInputTokens: 1,
  maxOutputTokens: 1,
  longest: { id: 'r0', traceRow: 2, inputTokens: 1, outputTokens: 1 },
  prefixReuse: null,
  sourceSha256: '',
  digest: '',
  warnings: [],
};
const plan: Plan = {
  workload: null,
  source: { name: 'test', format: 'test', path: '', transforms: [], open: async function* () {} },
  stats,
  endUs: 60e6,
  sessions: null,
  window: null,
  seed: 1,
  salt: null,
};

const now: RunProgress = {
  due: 301,
  sent: 301,
  ok: 286,
  failed: 3,
  tokens: 40_000,
  nowUs: 12e6,
  inFlight: 12,
  held: 0,
  isStopping: false,
  recent: { ttftMs: { p50: 48, p99: 210 }, met: 0.923 },
};
const line = (over: Partial<RunProgress>, columns: number | null = null, of: Plan = plan): string =>
  progressLine(of, { ...now, ...over }, 812, columns === null ? null : columns - 1);

describe('the progress line', () => {
  it('says how far the run is, what is in flight, what the latest requests got, and what failed', () => {
    const facts =
      '12 s of 60 s · 301 of 500 sent · 12 in flight · TTFT p50 48.0 ms p99 210 ms · 92.3 % met · 3 failed · 812 tokens/s';
    assert.equal(line({}), facts);
    assert.equal(line({}, 200), `━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ ${facts}`);
    assert.equal(
      line({ failed: 0, recent: { ttftMs: null, met: null } }),
      '12 s of 60 s · 301 of 500 sent · 12 in flight · 812 tokens/s',
    );
    assert.match(line({ held: 40 }), /12 in flight · 40 held · TTFT/);
    assert.match(
      line({ recent: { ttftMs: { p50: 48, p99: Infinity }, met: null } }),
      / TTFT p50 48\.0 ms p99 fails · 3 failed/,
    );
  });

  it('knows the time before the first request is due, and after the last', () => {
    assert.match(line({ nowUs: -2e5, due: 0 }), /^starting · /);
    const late = { ...plan, stats: { ...stats, firstDueUs: 30e6 } };
    assert.match(line({ nowUs: 2e6, due: 0 }, null, late), /^first due in 28 s · /);
    assert.match(line({ nowUs: 65e6 }), /^draining: 12 in flight, 5 s after the last was due · 301 of 500 sent · TTFT/);
    assert.match(line({ nowUs: 65e6, held: 40 }), /^draining: 12 in flight, 40 held, 5 s after the last was due · /);
    assert.match(line({ isStopping: true, held: 40 }), /^stopping: 12 in flight · /);
    const over = 'making the report · 500 of 500 sent · 3 failed';
    assert.equal(line({ nowUs: 65e6, sent: 500, ok: 497, inFlight: 0 }), over);
    assert.match(line({ isStopping: true, inFlight: 0 }), /^making the report · 301 of 500 sent · 3 failed$/);
    assert.match(line({}, null, { ...plan, endUs: null }), /^12 s · 301 of at most 500 sent/);
    assert.match(line({ nowUs: 0 }, null, { ...plan, endUs: 0 }), /^0 s of 0 s · /);
  });

  it('drops what matters least where it is narrow', () => {
    assert.equal(
      line({}, 120),
      '━━╌╌╌╌╌╌ 12 s of 60 s · 301 sent · 12 in flight · TTFT p50 48.0 ms p99 210 ms · 92.3 % met · 3 failed · 812 tokens/s',
    );
    assert.equal(line({}, 80), '12/60 s · 12 in flight · TTFT p50 48.0 ms p99 210 ms · 92.3 % met · 3 failed');
    assert.equal(line({}, 60), '20 % · TTFT p50 48.0 ms p99 210 ms · 92.3 % met · 3 failed');
    assert.equal(line({}, 40), '20 % · TTFT p99 210 ms · 3 failed');
    assert.equal(line({}, 20), '20 % · 3 failed');
    const draining = { nowUs: 65e6, failed: 0 };
    assert.equal(line(draining, 80), 'draining for 5 s: 12 in flight · TTFT p50 48.0 ms p99 210 ms · 92.3 % met');
    assert.equal(line(draining, 40), 'draining: 12 · TTFT p99 210 ms');
    assert.equal(line(draining, 20), 'draining: 12');
    assert.equal(line({ nowUs: 700e6 }, 80, { ...plan, endUs: 1200e6 }).split(' · ')[0], '11.7/20.0 min');
  });

  it('fits any width from 20 columns, and cuts no word', () => {
    const counts = fc.oneof(fc.nat(20), fc.nat(2_000_000));
    const drawn = fc.record({
      due: counts,
      sent: counts,
      ok: counts,
      failed: counts,
      tokens: counts,
      nowUs: fc.integer({ min: -300_000, max: 2e11 }),
      inFlight: counts,
      held: counts,
      isStopping: fc.boolean(),
      recent: fc.record({
        ttftMs: fc.option(
          fc.record({ p50: fc.double({ min: 0, max: 1e7, noNaN: true }), p99: fc.constantFrom(3.21, 9e6, Infinity) }),
        ),
        met: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
      }),
    });
    const anyPlan = fc.record({ endUs: fc.option(fc.nat(1e11)), firstDueUs: fc.nat(1e11) });
    const width = fc.oneof(fc.constantFrom(20, 40, 80, 120, 200), fc.integer({ min: 20, max: 250 }));
    const word =
      /^(?:starting|making|report|first|due|in|draining:?|stopping:|for|after|the|last|was|of|at|most|sent|flight,?|held,?|TTFT|p50|p99|fails|met|failed|tokens\/s|(?:us|ms|s|min|h):?|%|(?:(?:s|min|h)\/|[\d.]+\/)?[\d,.]+:?|·|[━╌]{8}|[━╌]{20})$/;
    fc.assert(
      fc.property(drawn, anyPlan, width, (progress, { endUs, firstDueUs }, columns) => {
        const of = { ...plan, endUs, stats: { ...stats, firstDueUs } };
        const narrow = progressLine(of, progress, 1e6, columns - 1);
        assert.ok(narrow.length > 0 && narrow.length < columns, `${narrow.length} of ${columns}: ${narrow}`);
        for (const each of narrow.split(' ')) assert.match(each, word, narrow);
      }),
    );
  });

  it('follows a terminal whose width changes, and writes plain lines elsewhere', (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const written: string[] = [];
    const terminal = { isTTY: true, columns: 40, write: (text: string) => written.push(text) };
    const end = showProgress(plan, () => now, terminal);
    for (const columns of [40, 120, 20, 0]) {
      terminal.columns = columns;
      t.mock.timers.tick(250);
    }
    end();
    const shown = written.map((text) => text.replace('\r\u001B[2K', ''));
    assert.ok(written.every((text) => text.startsWith('\r\u001B[2K') && !text.includes('\n')));
    assert.deepEqual(
      shown.map((text, i) => text.length > 0 && text.length < ([40, 120, 20, 80][i] ?? 0)),
      [true, true, true, true, false],
    );
    assert.equal(shown[2], '20 % · 3 failed');

    const lines: string[] = [];
    const endPlain = showProgress(plan, () => now, { write: (text) => lines.push(text) });
    t.mock.timers.tick(10_000);
    endPlain();
    assert.equal(lines.length, 2);
    assert.match(lines[1] ?? '', /^12 s of 60 s · 301 of 500 sent · .* · 0 tokens\/s\n$/);
  });
});

it('the line of a search fits any width too', () => {
  const best = 'disaggregated, prefill tp 2 and decode tp 1: 3.2 requests/s a GPU';
  const of = (columns: number): string => countLine('configurations', 1234, 20_000, `best so far ${best}`, columns - 1);
  assert.equal(of(140), `━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ 1,234 of 20,000 configurations · best so far ${best}`);
  assert.equal(of(80), '1,234 of 20,000 configurations');
  assert.equal(of(20), '1,234 of 20,000');
  assert.equal(countLine('configurations', 1_234_567, 20_000_000, null, 19), '6 %');
});
