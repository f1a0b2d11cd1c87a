import type { ProbeLoad, ProbeReport } from '../../src/schema/probe.ts';

const handshakes = { p50: 0.2, p99: 0.9, max: 0.9, n: 50 };

export function exampleLoad(requestsPerS: number, more: Partial<ProbeLoad> = {}): ProbeLoad {
  return {
    connections: 8,
    seconds: 2,
    answers: requestsPerS * 2,
    requests_per_s: requestsPerS,
    latency_ms: { p50: 4, p99: 9.5, max: 12, n: requestsPerS * 2 },
    failures: [],
    client_busy: 0.25,
    machine_idle: 0.4,
    client_bound: false,
    ...more,
  };
}

/** A probe of a vLLM server that found nothing wrong. */
export function exampleProbe(more: Partial<ProbeReport> = {}): ProbeReport {
  const works = { works: true, why: null, counted_by: 'token_ids', count_fault: null } as const;
  const routes = [
    { route: '/health', kind: 'health', why: null, loads: [exampleLoad(2000)] },
    { route: '/v1/models', kind: 'models', why: 'HTTP 404', loads: [] },
    { route: '/v1/completions', kind: 'completion', why: null, loads: [exampleLoad(150)] },
  ] as const;
  return {
    schema: 1,
    probed_at: '2026-11-29T10:00:00.000Z',
    versions: { reprise: '0.3.0', node: '24.0.0' },
    target: 'http://127.0.0.1:8000',
    url: 'http://127.0.0.1:8000/',
    server: {
      engine: 'vllm',
      version: '0.32.0',
      adapter: 'vllm',
      models: ['tiny'],
      models_why: null,
      model: 'tiny',
      context_tokens: 4096,
    },
    endpoints: [
      { endpoint: 'completions', ...works, prompts: 'ids', ignore_eos: true, final_usage: true },
      { endpoint: 'chat', ...works, prompts: 'text', ignore_eos: true, final_usage: true },
    ],
    pages: {
      tokenize: { works: true, why: null },
      cache_reset: { route: '/reset_prefix_cache', why: null },
      metrics: { known: 30, why: null },
    },
    floor: {
      clock_step_us: 0.05,
      client_handshake_ms: handshakes,
      handshake_ms: handshakes,
      handshake_failures: 0,
      round_trip_ms: { p50: 0.6, p99: 2, max: 2, n: 50 },
      page: '/health',
      resolution_ms: 0.7,
    },
    front_end: { load_s: 2, max_requests: 5000, sent_completions: 640, routes: [...routes] },
    workload: null,
    warnings: [],
    ...more,
  };
}
