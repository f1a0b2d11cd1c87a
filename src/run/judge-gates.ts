import { toneAt } from '../../reports/verdict.ts';
import type { GateVerdict } from '../core/gate.ts';
import type { LatencyGate, RunGate } from '../core/run-gate.ts';
import { formatMs, formatShare } from '../core/units.ts';
import { countText } from '../core/words.ts';
import { supports } from '../metrics/attainment-interval.ts';
import { ShareWithin } from '../metrics/share-within.ts';
import { stoppedRecords } from '../metrics/stopped.ts';
import { allowsVerdict } from '../metrics/warnings.ts';
import { readRecords } from '../runs/records.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { Summary } from '../schema/summary.ts';
import type { RunResult } from './run.ts';

export interface JudgedRunGate {
  readonly gate: RunGate;
  readonly verdict: GateVerdict;
  /** A sentence without its full stop. */
  readonly why: string;
}

/** What `toneAt` judges by. */
type Judged = Parameters<typeof toneAt>[0];

/**
 * Judges gates by the rules of a report's verdict: what makes a pass doubtful makes a gate undecided. Gates on latencies
 * read the records of the run once more.
 */
export async function judgeRunGates(
  { dir, manifest, summary }: RunResult,
  gates: readonly RunGate[],
): Promise<JudgedRunGate[]> {
  // As recorded first, then as the clock may have it wrong.
  const shares = gates.map((gate) =>
    gate.kind === 'latency' ? withClockError(gate, summary).map((one) => new CountedShare(one, manifest)) : [],
  );
  const counted = shares.flat();
  if (counted.length > 0)
    for await (const batch of readRecords(dir))
      for (const record of batch) if (record.measured) for (const share of counted) share.add(record);
  return gates.map((gate, i) => {
    const [recorded, ...others] = shares[i] ?? [];
    const found = verdictOf(gate, recorded?.judged(summary) ?? summary, summary);
    const isSure = others.every((other) => verdictOf(gate, other.judged(summary), summary).verdict === found.verdict);
    if (isSure) return { gate, ...found };
    return {
      gate,
      verdict: 'undecided',
      why: `${found.why}; the error of the clock could turn it (reprise calibrate)`,
    };
  });
}

/**
 * A gate, and the limits at which it would have to say the same: a latency is recorded too long by up to the error of the
 * clock, and a TPOT, whose both ends are, too long or too short.
 */
function withClockError(gate: LatencyGate, { clock_error_ms }: Summary): LatencyGate[] {
  const errorUs = (clock_error_ms?.[gate.metric] ?? 0) * 1000;
  if (errorUs === 0) return [gate];
  const further = { ...gate, limitUs: gate.limitUs + errorUs };
  return gate.metric === 'tpot' ? [gate, further, { ...gate, limitUs: gate.limitUs - errorUs }] : [gate, further];
}

/** The share of a run within the limit of a gate. */
class CountedShare {
  readonly #share: ShareWithin;
  readonly #isStopped: ReturnType<typeof stoppedRecords>;
  #stopped = 0;
  #cut = 0;

  constructor(gate: LatencyGate, { status }: Manifest) {
    const { text, metric, limitUs, share } = gate;
    this.#share = new ShareWithin(gate);
    this.#isStopped = stoppedRecords({ status, slo: { text, limits_ms: { [metric]: limitUs / 1000 }, at: share } });
  }

  add(record: Parameters<ShareWithin['add']>[0]): void {
    if (!this.#isStopped(record)) {
      this.#share.add(record);
      return;
    }
    this.#stopped++;
    if (record.outcome === 'cut') this.#cut++;
  }

  judged({ warnings, held, requests }: Summary): Judged {
    const counts = { ...requests, stopped: this.#stopped, stopped_in_flight: this.#cut };
    return { warnings, held, requests: counts, slo: { attainment: this.#share.result() } };
  }
}

function verdictOf(gate: RunGate, judged: Judged, summary: Summary): Pick<JudgedRunGate, 'verdict' | 'why'> {
  const tone = toneAt(judged, gate.share);
  const verdict = tone === 'met' || tone === 'missed' ? HELD[tone] : 'undecided';
  const { joint, ci95, overloaded } = judged.slo?.attainment ?? { joint: 0, ci95: null, overloaded: false };
  const interval = overloaded
    ? 'overloaded'
    : ci95 === null
      ? 'no interval'
      : `95 % interval ${formatShare(ci95[0])} to ${formatShare(ci95[1])}`;
  const told = supports({ joint, ci95, overloaded }, gate.share);
  const doubt = told === 'unsure' || verdict !== 'undecided' ? '' : `; ${doubtOf(judged, told)}`;
  return { verdict, why: `${foundText(gate, joint, summary)} (${interval})${doubt}` };
}

const HELD = { met: 'held', missed: 'missed' } as const;

/** Why what the interval says does not count. */
function doubtOf({ warnings }: Judged, told: 'met' | 'missed'): string {
  const voiding = warnings.find((warning) => !allowsVerdict([warning], told));
  return voiding?.text ?? 'requests that were given up could turn it';
}

function foundText(gate: RunGate, joint: number, { latency_ms }: Summary): string {
  if (gate.kind === 'attainment') return `${formatShare(joint)} met the SLO`;
  const { metric, limitUs, isStrict, share } = gate;
  const within = `${isStrict ? 'under' : 'within'} ${formatMs(limitUs / 1000)}`;
  const { n, missing } = latency_ms[metric];
  return `${formatShare(joint)} of ${countText(n + missing, 'request')} have ${metric.toUpperCase()} ${within}, ${formatShare(share)} wanted`;
}
