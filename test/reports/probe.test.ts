import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { probeText } from '../../reports/index.ts';
import type { ProbeReport } from '../../src/schema/probe.ts';
import { exampleLoad, exampleProbe } from '../probe/example-probe.ts';

const textOf = (more: Partial<ProbeReport> = {}): string => probeText(exampleProbe(more), { color: false });
const workload = (fits: NonNullable<ProbeReport['workload']>['fits']): NonNullable<ProbeReport['workload']> => ({
  name: 'trace.csv',
  transforms: [],
  plan_sha256: 'p',
  requests: 900,
  busiest_second: { requests: 140, from_s: 61.5 },
  carried_rps: 150,
  fits,
  longest_tokens: 900,
  fits_context: true,
});

describe('the text of a probe', () => {
  it('is the answer first, then what the server is, what lies in between, and its front end', () => {
    assert.equal(
      textOf(),
      `● http://127.0.0.1:8000: vllm 0.32.0, model tiny; its front end carries 150 completions of one token a second, at 8 connections

engine       vllm 0.32.0; adapter vllm
model        tiny, context 4,096 tokens; 1 model listed
tokenize     POST /tokenize (--tokenizer server)
cache reset  POST /reset_prefix_cache (--reset-cache; not called here)
metrics      /metrics, 30 metrics of use

endpoint     answers  prompts    tokens counted by     ignore_eos
completions  yes      token ids  token ids of a chunk  yes
chat         yes      text       token ids of a chunk  yes

network and clock                   n        p50      p99
TCP handshake within this client   50     200 us   900 us
TCP handshake with the server      50     200 us   900 us
GET /health on an open connection  50     600 us  2.00 ms
smallest step of the clock             0.0500 us
two TTFTs that differ by less than 700 us cannot be told apart

front end                   connections  requests/s      p50      p99  failed  client busy
/health                               8       2,000  4.00 ms  9.50 ms       -       25.0 %
/v1/completions, one token            8         150  4.00 ms  9.50 ms       -       25.0 %
/v1/models: not loaded (HTTP 404)
closed loops of 2 s each; 640 completions of one token sent`,
    );
  });

  it('says at least where the client was the limit', () => {
    const loads = [exampleLoad(1234, { client_busy: 0.98, client_bound: true })];
    const route = { route: '/v1/completions', kind: 'completion', why: null, loads } as const;
    const front_end = { load_s: 2, max_requests: 5000, sent_completions: 1, routes: [route] };
    const text = textOf({ front_end, workload: workload('unknown') });
    assert.match(text, /^≈ .* carries at least 1,234 completions of one token a second/);
    assert.match(text, /may fit or not: that much was not measured$/m);
    assert.match(text, /^\/v1\/completions, one token +8 +at least 1,234 .*98\.0 %$/m);
    assert.match(text, /^at least: the client was at its limit, or left no core idle/m);
  });

  const verdicts = [
    ['fits', '✓', 'fits into that'],
    ['nearly', '≈', 'hardly fits into that'],
    ['does_not_fit', '✗', 'does not fit into that'],
  ] as const;
  for (const [fits, glyph, words] of verdicts)
    it(`with a workload that ${fits}`, () => {
      const [first = ''] = textOf({ workload: workload(fits) }).split('\n');
      assert.ok(first.startsWith(`${glyph} `), first);
      assert.ok(first.endsWith(`the busiest second of trace.csv (140 requests, from 61.5 s on) ${words}`), first);
    });

  it('of a server that answers nothing, warnings and failures, without control sequences', () => {
    const fails = { works: false, prompts: null, counted_by: null, count_fault: null, ignore_eos: null } as const;
    const endpoints = [{ endpoint: 'chat', ...fails, final_usage: null, why: '404 on /v1/chat: \u001B[2J' }];
    const loads = [exampleLoad(0, { latency_ms: null, failures: [{ what: 'HTTP 503\u0007', count: 7 }] })];
    const front_end = {
      load_s: 2,
      max_requests: 5000,
      sent_completions: 0,
      routes: [{ route: '/health', kind: 'health', why: null, loads } as const],
    };
    const text = textOf({ endpoints, front_end, warnings: [{ of: 'server', text: 'no\u001B[1m' }] });
    assert.match(text, /^✗ .*: no endpoint answers a request for tokens; its front end answered no completion$/m);
    assert.match(text, /^! no\\u001b\[1m$/m);
    assert.match(text, /^chat +no +- +- +- +404 on \/v1\/chat: \\u001b\[2J$/m);
    assert.match(text, /^\/health +8 +0 +- +- +7 /m);
    assert.match(text, /^\/health at 8: 7 times HTTP 503\\u0007$/m);
    assert.doesNotMatch(text.replaceAll('\n', ''), /\p{Cc}/u);
  });

  it('without a front end', () => {
    const text = textOf({ front_end: null });
    assert.doesNotMatch(text, /front end/);
  });
});
