import type { Manifest } from '../../src/core/manifest.ts';

/** A complete run on the wall clock with a healthy client and no SLO; as changed by `over`. */
export function exampleManifest(over: Partial<Manifest> = {}): Manifest {
  return {
    schema: 1,
    run_id: 'example',
    status: 'complete',
    reason: null,
    command: ['run', 'example.csv'],
    pid: 1,
    started_at: '2026-11-21T08:00:00Z',
    ended_at: '2026-11-21T08:01:00Z',
    versions: { reprise: '0.1.0' },
    machine: { os: 'linux', cpu: 'example', cores: 2, memory_bytes: 8e9 },
    clock: 'real',
    seed: 1,
    plan_sha256: '00',
    workload: {
      name: 'example.csv',
      format: 'azure',
      path: '/example.csv',
      sha256: '00',
      transforms: [],
      on_bad_row: 'fail',
      bad_rows: 0,
      requests: 4,
      duration_s: 10,
      rate_rps: 0.4,
      input_tokens: 40,
      output_tokens: 12,
    },
    measured: null,
    target: { spec: 'reference:vllm', kind: 'reference', adapter: 'reference', model: null, facts: {} },
    slo: null,
    timeout_s: 600,
    ttft_timeout_s: 60,
    client: {
      duration_s: 10,
      machine_zero_us: 0,
      cpu_s: 1,
      polling_s: 0.5,
      event_loop_delay_ms: { p50: 0.1, p90: 0.2, p99: 0.3, max: 1 },
      stalls: [],
      mean_in_flight: 0.1,
    },
    ...over,
  };
}
