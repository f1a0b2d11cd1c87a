import { certificateKey } from '../certificate/stored.ts';
import {
  LOAD_AXES,
  type Certificate,
  type CertifiedCurve,
  type CertifiedPoint,
  type LoadAxis,
  type Polling,
} from '../schema/certificate.ts';
import { limitOf, loadAt, majority, type Ladder, type TrialVerdict } from './ladder.ts';
import { verdictOf, type Measured } from './measured.ts';

/** The trials of one ladder by rung. */
export interface Climbed {
  readonly axis: LoadAxis;
  readonly poll: Polling;
  readonly ladder: Ladder;
  readonly trials: ReadonlyMap<number, readonly Measured[]>;
}

/** The verdicts of trials, by rung. */
export function verdictsOf(trials: Climbed['trials'], limitMs: number): ReadonlyMap<number, readonly TrialVerdict[]> {
  return new Map([...trials].map(([rung, all]) => [rung, all.map((one) => verdictOf(one, limitMs))]));
}

export interface CertificateFacts {
  readonly calibratedAt: string;
  readonly tookS: number;
  readonly isQuick: boolean;
  readonly transport: Certificate['transport'];
  readonly limitMs: number;
}

/** The certificate that follows from the trials of all ladders. */
export function certificateOf(climbed: readonly Climbed[], facts: CertificateFacts): Certificate {
  const { calibratedAt, tookS, isQuick, transport, limitMs } = facts;
  const curves = climbed.map((each) => curveOf(each, limitMs));
  const most = Object.fromEntries(LOAD_AXES.map((axis) => [axis, limitFor(curves, axis)]));
  const { machine, versions } = certificateKey(transport);
  return {
    schema: 1,
    calibrated_at: calibratedAt,
    took_s: tookS,
    quick: isQuick,
    versions,
    machine,
    transport,
    limit_ms: limitMs,
    timestamp_error_us: atLimit(curves, 'tokens_per_s').timestamp_error_us,
    lateness_ms: atLimit(curves, 'requests_per_s').lateness_ms,
    max_tokens_per_s: most['tokens_per_s'] ?? 0,
    max_requests_per_s: most['requests_per_s'] ?? 0,
    max_streams: most['streams'] ?? 0,
    curves,
  };
}

function curveOf({ axis, poll, ladder, trials }: Climbed, limitMs: number): CertifiedCurve {
  const verdicts = verdictsOf(trials, limitMs);
  const found = limitOf(verdicts);
  const points = [...trials]
    .toSorted(([a], [b]) => a - b)
    .map(([rung, all]) => pointOf(loadAt(ladder, rung), all, majority(verdicts.get(rung) ?? [])));
  const deliveredAt = (rung: number | null): number =>
    rung === null ? 0 : (points.find(({ offered }) => offered === loadAt(ladder, rung))?.[axis] ?? 0);
  const value = deliveredAt(found.within);
  return {
    axis,
    poll,
    limit: {
      value,
      range: [Math.min(value, deliveredAt(found.surely)), Math.max(value, deliveredAt(found.ever))],
      at_least: found.because !== 'late',
      because: found.because,
    },
    points,
  };
}

function pointOf(offered: number, all: readonly Measured[], verdict: TrialVerdict): CertifiedPoint {
  const middle = (of: (one: Measured) => number): number => median(all.map(of));
  const repeated = (of: (one: Measured) => { readonly p50: number; readonly p99: number }, digits: number) => ({
    p50: rounded(
      middle((one) => of(one).p50),
      digits,
    ),
    p99: rounded(
      middle((one) => of(one).p99),
      digits,
    ),
    p99_range: rangeOf(all.map((one) => rounded(of(one).p99, digits))),
  });
  return {
    tokens_per_s: rounded(
      middle(({ tokensPerS }) => tokensPerS),
      1,
    ),
    requests_per_s: rounded(
      middle(({ requestsPerS }) => requestsPerS),
      1,
    ),
    streams: rounded(
      middle(({ streams }) => streams),
      0,
    ),
    offered,
    repetitions: all.length,
    timestamp_error_us: repeated(({ errorUs }) => errorUs, 1),
    lateness_ms: repeated(({ latenessMs }) => latenessMs, 4),
    verdict,
  };
}

function limitFor(curves: readonly CertifiedCurve[], axis: LoadAxis): number {
  return curves.find((curve) => curve.axis === axis && curve.poll === 'off')?.limit.value ?? 0;
}

/** The highest load within the limit; where none is, the lowest that was tried. */
function atLimit(curves: readonly CertifiedCurve[], axis: LoadAxis): CertifiedPoint {
  const curve = curves.find((each) => each.axis === axis && each.poll === 'off');
  const point = curve?.points.findLast((each) => each[axis] <= curve.limit.value) ?? curve?.points[0];
  if (point === undefined) throw new Error(`no trial was made of ${axis}`);
  return point;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? Number.NaN) + (sorted[sorted.length >> 1] ?? Number.NaN)) / 2;
}

function rangeOf(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
