import type { Manifest } from '../src/schema/manifest.ts';
import type { Summary } from '../src/schema/summary.ts';
import { GOAL } from '../src/core/slo.ts';
import { formatShare, withThousands } from '../src/core/units.ts';
import { METRIC_NAMES } from './definitions.ts';
import {
  countText,
  deviationText,
  intervalText,
  listText,
  latencyText,
  excludedText,
  limitsText,
  outcomeText,
} from './format.ts';

/** The answer of a run. `glyph` says the same as the colour that a report gives to `tone`. */
export interface Verdict {
  /** `unsure`: `GOAL` lies within the interval, the client fell behind, or records are missing. `none`: there is no SLO to judge by. */
  readonly tone: 'met' | 'missed' | 'unsure' | 'none';
  readonly glyph: string;
  readonly sentence: string;
  /** Said before the sentence: the run did not complete, every request failed, the client fell behind. */
  readonly warnings: readonly string[];
  /** Says that the client kept up; null if it did not, which is a warning. */
  readonly assurance: string | null;
  /** Says how many requests warm-up and cool-down exclude; null if every request is measured. */
  readonly excluded: string | null;
}

const GLYPHS = { met: '✓', missed: '✗', unsure: '≈', none: '●' } as const;

export function verdictOf(summary: Summary, manifest: Manifest): Verdict {
  const records = recordsWarning(summary, manifest);
  const tone = toneOf(summary, records === null);
  return {
    tone,
    glyph: GLYPHS[tone],
    sentence:
      summary.slo === null || summary.requests.scheduled === 0
        ? latencySentence(summary)
        : attainmentSentence(summary.slo),
    warnings: [...(records === null ? [] : [records]), ...warningsOf(summary)],
    assurance: assuranceOf(summary, manifest),
    excluded: excludedText(summary),
  };
}

function toneOf({ slo, requests, validity }: Summary, whole: boolean): Verdict['tone'] {
  if (slo === null || requests.scheduled === 0) return 'none';
  const { joint, ci95 } = slo.attainment;
  if (!whole || !validity.valid) return 'unsure';
  if (ci95 !== null && ci95[0] < GOAL && ci95[1] >= GOAL) return 'unsure';
  return joint >= GOAL ? 'met' : 'missed';
}

function attainmentSentence({ limits_ms, attainment, binding }: NonNullable<Summary['slo']>): string {
  const { joint, ci95, sufficient } = attainment;
  const interval =
    ci95 === null
      ? 'too few independent requests for an interval'
      : `95 % interval ${intervalText(ci95)}${sufficient ? '' : ', few independent requests'}`;
  // If no request meets the SLO, no limit binds more than another.
  const binds = binding === null || joint === 0 ? '' : `; ${METRIC_NAMES[binding]} binds`;
  return `${formatShare(joint)} of requests met ${limitsText(limits_ms)} (${interval})${binds}`;
}

function latencySentence({ latency_ms, requests }: Summary): string {
  if (requests.scheduled === 0) return 'No request was measured';
  const part = (metric: 'ttft' | 'tpot'): string => {
    const stats = latency_ms[metric];
    return `${METRIC_NAMES[metric]} p50 ${latencyText(stats, stats.p50)}, p99 ${latencyText(stats, stats.p99)}`;
  };
  return `${part('ttft')}; ${part('tpot')}; no SLO was given to judge by`;
}

/** Each request of the plan has one record. If not, parts of the run are missing or doubled, and no figure holds for the run. */
function recordsWarning({ requests, left_out, status }: Summary, { workload }: Manifest): string | null {
  const records = requests.scheduled + (left_out === null ? 0 : left_out.warmup_requests + left_out.cooldown_requests);
  if (status === 'running' || records === workload.requests) return null;
  return `Not the whole run: ${countText(records, 'record')} of ${countText(workload.requests, 'request')}; a part is missing from requests/, or there twice`;
}

function warningsOf({ status, reason, requests, validity, left_out, workload, delivered }: Summary): string[] {
  const { scheduled, sent, ok, by_outcome } = requests;
  const warnings: string[] = [];
  const cut = by_outcome.cut ?? 0;
  if (status !== 'complete')
    warnings.push(
      `${status === 'running' ? 'Still running' : status === 'failed' ? 'The run failed' : 'Interrupted'}${reason === null ? '' : `: ${reason}`}` +
        `; ${countText(scheduled - sent, 'request')} of ${withThousands(scheduled)} not sent, ${withThousands(cut)} cut off in flight`,
    );
  if (scheduled > 0 && ok === 0) {
    const kinds = Object.entries(by_outcome).map(
      ([outcome, count]) => `${withThousands(count)} ${outcomeText(outcome)}`,
    );
    warnings.push(`No ${left_out === null ? '' : 'measured '}request was answered: ${listText(kinds)}`);
  }
  if (!validity.valid) warnings.push(`Not valid: ${validity.reasons.join('; ')}`);
  const deviation = delivered.input_deviation_tokens;
  if (workload.prompts === 'exact' && deviation !== null && deviation.requests > 0)
    warnings.push(`Prompts were to be exactly as long as planned, and the server says: ${deviationText(deviation)}`);
  return warnings;
}

function assuranceOf({ validity }: Summary, { clock }: Manifest): string | null {
  if (!validity.valid) return null;
  return clock === 'virtual' ? 'Valid: virtual time, no client to fall behind' : 'Valid: the client kept up';
}
