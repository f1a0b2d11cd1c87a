import type { Certificate, CertifiedCurve, CertifiedPoint, LoadAxis, Polling } from '../../src/schema/certificate.ts';

export interface ExampleLadder {
  readonly axis: LoadAxis;
  readonly poll?: Polling;
  /** Load, and p99 of timestamp error and of lateness in ms. */
  readonly points: readonly (readonly [load: number, errorMs: number, latenessMs: number])[];
}

/** A ladder whose limit is the highest load within 1 ms. */
function exampleCurve({ axis, poll = 'off', points }: ExampleLadder): CertifiedCurve {
  const all = points.map(([load, errorMs, latenessMs]): CertifiedPoint => {
    const errorUs = errorMs * 1000;
    return {
      tokens_per_s: 0,
      requests_per_s: 0,
      streams: 0,
      [axis]: load,
      offered: load,
      repetitions: 1,
      timestamp_error_us: { p50: errorUs / 3, p99: errorUs, p99_range: [errorUs, errorUs] },
      lateness_ms: { p50: latenessMs / 3, p99: latenessMs, p99_range: [latenessMs, latenessMs] },
      verdict: errorMs <= 1 && latenessMs <= 1 ? 'within' : 'late',
    };
  });
  const within = all.filter(({ verdict }) => verdict === 'within').map(({ offered }) => offered);
  const value = Math.max(0, ...within);
  const isLate = within.length < all.length;
  return {
    axis,
    poll,
    limit: { value, range: [value, value], at_least: !isLate, because: isLate ? 'late' : 'tried' },
    points: all,
  };
}

export function exampleCertificate(ladders: readonly ExampleLadder[]): Certificate {
  const curves = ladders.map(exampleCurve);
  const most = (axis: LoadAxis): number => curves.find((curve) => curve.axis === axis)?.limit.value ?? 0;
  return {
    schema: 1,
    calibrated_at: '2026-11-29T21:00:00.000Z',
    took_s: 120,
    quick: false,
    versions: { reprise: '0.3.0', node: '24.21.0' },
    machine: { host: 'client', os: 'linux x64', kernel: '6.8.0', cpu: 'a CPU', cores: 2 },
    transport: 'plain',
    limit_ms: 1,
    timestamp_error_us: { p50: 100, p99: 400, p99_range: [380, 450] },
    lateness_ms: { p50: 0.1, p99: 0.4, p99_range: [0.35, 0.5] },
    max_tokens_per_s: most('tokens_per_s'),
    max_requests_per_s: most('requests_per_s'),
    max_streams: most('streams'),
    curves,
  };
}

/** Of a machine that times 40,000 tokens/s, 1,000 requests/s and 8,000 streams; polling helps from 20,000 tokens/s on. */
export const EXAMPLE_CERTIFICATE: Certificate = exampleCertificate([
  {
    axis: 'tokens_per_s',
    points: [
      [5000, 0.1, 0.1],
      [20_000, 0.3, 0.2],
      [40_000, 0.8, 0.5],
      [80_000, 3, 2],
    ],
  },
  {
    axis: 'tokens_per_s',
    poll: 'on',
    points: [
      [5000, 0.05, 0.05],
      [20_000, 0.1, 0.05],
      [40_000, 0.2, 0.1],
      [80_000, 0.6, 0.3],
    ],
  },
  {
    axis: 'requests_per_s',
    points: [
      [500, 0.1, 0.1],
      [1000, 0.2, 0.3],
      [2000, 0.4, 1.5],
    ],
  },
  {
    axis: 'requests_per_s',
    poll: 'on',
    points: [
      [500, 0.08, 0.1],
      [1000, 0.15, 0.28],
      [2000, 0.3, 0.9],
    ],
  },
  {
    axis: 'streams',
    points: [
      [1000, 0.1, 0.1],
      [8000, 0.6, 0.3],
    ],
  },
]);
