import { ln } from '../core/portable-math.ts';
import { LOAD_AXES, type Certificate, type Polling } from '../schema/certificate.ts';
import { curveOf, loadOfWorker, pointFor, type Load } from './load.ts';

const NOTHING_KNOWN = ln(1e6);

/** How late tokens are recorded, in microseconds. */
export interface ClockError {
  readonly p50: number;
  readonly p99: number;
}

/**
 * How late token times are at a load: the largest of what was measured at least at it on each axis that is known. Null
 * where the load is beyond what was tried.
 */
export function clockErrorAt(certificate: Certificate, load: Load, poll: Polling, workers = 1): ClockError | null {
  const each = loadOfWorker(load, workers);
  const errors: ClockError[] = [];
  for (const axis of LOAD_AXES) {
    const asked = each[axis];
    const curve = curveOf(certificate, axis, poll);
    if (asked === null || curve === null) continue;
    const point = pointFor(curve, asked);
    if (point === null) return null;
    errors.push(point.timestamp_error_us);
  }
  if (errors.length === 0) return null;
  return { p50: Math.max(...errors.map(({ p50 }) => p50)), p99: Math.max(...errors.map(({ p99 }) => p99)) };
}

/**
 * What the clock alone may make of a change of a latency from one system to another, in ln. A recorded time is between 0
 * and the p99 of the timestamp error too late, so that a latency is too long by as much at most, and a change is wrong by
 * the larger of both errors at most. That is a bias: it does not shrink with repeats, and is added to an interval
 * linearly. `errorsMs` and `latenciesMs`: of both sides. A latency no longer than the error says nothing at all, which is
 * written as a factor of a million.
 */
export function lnClockError(errorsMs: readonly number[], latenciesMs: readonly number[]): number {
  const [error, latency] = [Math.max(0, ...errorsMs), Math.min(...latenciesMs)];
  if (error === 0) return 0;
  return error < latency ? Math.min(NOTHING_KNOWN, -ln(1 - error / latency)) : NOTHING_KNOWN;
}
