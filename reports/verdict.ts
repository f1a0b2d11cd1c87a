import type { Manifest } from '../src/schema/manifest.ts';
import type { Attainment } from '../src/schema/attainment.ts';
import type { Summary } from '../src/schema/summary.ts';
import { formatShare, threeFigures, withThousands } from '../src/core/units.ts';
import { countText } from '../src/core/words.ts';
import { supports } from '../src/metrics/attainment-interval.ts';
import { judgedRequests, stoppedByOutcome } from '../src/metrics/stopped.ts';
import { allowsVerdict } from '../src/metrics/warnings.ts';
import { METRIC_NAMES } from './definitions.ts';
import {
  amountText,
  bindsText,
  excludedText,
  goalText,
  intervalText,
  latencyText,
  limitsText,
  reuseText,
  secondsText,
} from './format.ts';

/** The answer of a run. `glyph` says the same as the colour that a report gives to `tone`. */
export interface Verdict {
  /**
   * `met` and `missed`: the interval of the share that met the SLO leaves out the share that is wanted, or the run was
   * overloaded. `unsure`: it does not, or a warning takes the verdict away. `none`: there is no SLO to judge by.
   */
  readonly tone: 'met' | 'missed' | 'unsure' | 'none';
  readonly glyph: string;
  readonly sentence: string;
  /** Said before the sentence. */
  readonly warnings: readonly string[];
  /** Says that the client kept up; null if it did not, which is a warning. */
  readonly assurance: string | null;
  /** Why requests missed or were slow, a paragraph; null where nothing is to be explained. */
  readonly why: string | null;
  /** What was asked of the server, beside what it got and gave. */
  readonly delivered: string;
  /** Says how many requests warm-up and cool-down exclude; null if every request is measured. */
  readonly excluded: string | null;
}

const GLYPHS = { met: '✓', missed: '✗', unsure: '≈', none: '●' } as const;

export function verdictOf(summary: Summary, manifest: Manifest): Verdict {
  const tone = toneOf(summary);
  return {
    tone,
    glyph: GLYPHS[tone],
    sentence:
      summary.slo === null || judgedRequests(summary.requests) === 0
        ? latencySentence(summary)
        : attainmentSentence(summary.slo, summary),
    warnings: summary.warnings.map(({ text }) => text),
    assurance: assuranceOf(summary, manifest),
    why: whyOf(summary),
    delivered: manifest.imported === undefined ? deliveredText(summary) : importedText(summary),
    excluded: excludedText(summary),
  };
}

function toneOf(summary: Summary): Verdict['tone'] {
  return summary.slo === null ? 'none' : toneAt(summary, summary.slo.at);
}

/** The figures of a run that a verdict is by. */
type Judged = Pick<Summary, 'warnings' | 'requests' | 'held'> & {
  readonly slo: {
    readonly attainment: Pick<Attainment, 'joint' | 'ci95' | 'overloaded'>;
    readonly not_judged?: number;
  } | null;
};

/** What a run says of a share of requests that should meet its SLO. */
export function toneAt(judged: Judged, goal: number): Verdict['tone'] {
  const { slo, warnings } = judged;
  if (slo === null || judgedRequests(judged.requests) === 0) return 'none';
  const verdict = supports(slo.attainment, goal);
  if (verdict === 'unsure' || !allowsVerdict(warnings, verdict) || couldTurn(judged, verdict, goal)) return 'unsure';
  return verdict;
}

/** Whether the requests that the user gave up, which are those that stay long, could turn a pass into a miss. */
function couldTurn({ slo, requests, held }: Judged, verdict: 'met' | 'missed', goal: number): boolean {
  if (slo === null || verdict === 'missed') return false;
  const judged = judgedRequests(requests) - (slo.not_judged ?? 0);
  const givenUp = stoppedByOutcome(requests).cut + (held?.still_waiting ?? 0);
  return slo.attainment.joint * judged < goal * (judged + givenUp);
}

function attainmentSentence(
  {
    limits_ms,
    attainment: { joint, ci95, overloaded },
    binding,
    binding_class,
    at,
    not_judged = 0,
  }: NonNullable<Summary['slo']>,
  { status, requests, held }: Summary,
): string {
  const judged = judgedRequests(requests) - not_judged;
  const wanted = `wanted: ${goalText(at)}`;
  const isOpen = supports({ ci95, overloaded, joint }, at) === 'unsure';
  const told = overloaded
    ? `${wanted}; overloaded: the backlog still grew when the last request was due`
    : ci95 === null
      ? `${wanted}; too few independent requests to tell`
      : `${wanted}; 95 % interval ${intervalText(ci95)} for load like these ${countText(judged, 'request')}${isOpen ? ' leaves it open' : ''}`;
  // If no request meets the SLO, no limit binds more than another.
  const binds = joint === 0 ? '' : bindsText({ binding, ...(binding_class === undefined ? {} : { binding_class }) });
  const left = not_judged === 0 ? '' : `; ${countText(not_judged, 'request')} of classes without limits not judged`;
  const fails = requests.failed === 0 ? '' : `; ${withThousands(requests.failed)} failed`;
  const until = (held?.still_waiting ?? 0) === 0 ? 'due until it was stopped' : 'that can be judged';
  const who = status === 'interrupted' ? `the ${countText(judged, 'request')} ${until}` : 'requests';
  return `${formatShare(joint)} of ${who} met ${limitsText(limits_ms)} (${told})${binds}${fails}${left}`;
}

function latencySentence(summary: Summary): string {
  if (judgedRequests(summary.requests) === 0) return 'No request was measured';
  const part = (metric: 'ttft' | 'tpot'): string => {
    const stats = summary.latency_ms[metric];
    return `${METRIC_NAMES[metric]} p50 ${latencyText(stats, stats.p50)}, p99 ${latencyText(stats, stats.p99)}`;
  };
  return `${part('ttft')}; ${part('tpot')}; no SLO was given to judge by`;
}

function whyOf({ diagnosis }: Summary): string | null {
  return diagnosis.length === 0 ? null : diagnosis.map(({ text }) => text).join(' ');
}

function assuranceOf({ validity }: Summary, { clock }: Manifest): string | null {
  if (!validity.valid) return null;
  return clock === 'virtual' ? 'Valid: virtual time, no client to fall behind' : 'Valid: the client kept up';
}

/** `Asked and got: 301 of 301 requests answered at 5.02 of 5.02 requests/s; prompts 1,155 of 1,155 tokens; ...`. */
function deliveredText({ delivered, workload, held }: Summary): string {
  const { asked, got, cached_tokens, outputs } = delivered;
  const pair = (of: number | null, planned: number | null): string =>
    `${of === null ? 'not counted' : amountText(of)} of ${planned === null ? '-' : amountText(planned)}`;
  const parts = [
    `${withThousands(got.requests)} of ${countText(asked.requests, 'request')} answered`,
    ...(asked.rate_rps === 0 ? [] : [`${threeFigures(got.rate_rps)} of ${threeFigures(asked.rate_rps)} requests/s`]),
    ...(held === null ? [] : [heldText(held)]),
    ...(got.input_tokens_mean === null
      ? []
      : [`prompts ${pair(got.input_tokens_mean, asked.input_tokens_mean)} tokens`]),
    ...(outputs === null
      ? []
      : [
          `outputs ${pair(got.output_tokens_mean, asked.output_tokens_mean)} tokens, as asked in ${withThousands(outputs.as_asked)} of ${withThousands(outputs.requests)}`,
        ]),
    ...(cached_tokens === null || cached_tokens.cached + cached_tokens.allowed === 0
      ? []
      : [
          `${reuseText(cached_tokens.cached / cached_tokens.input)} of prompts cached, the trace allows ${reuseText(workload.prefix_reuse ?? 0)}`,
        ]),
  ];
  return `Asked and got: ${parts.join('; ')}`;
}

/** `Got: 120 of 120 requests answered, 4.02 a second; prompts 1,155 tokens; outputs 230 tokens`: what was asked is not known. */
function importedText({ delivered: { got, asked, input_tokens, output_tokens, duration_s }, held }: Summary): string {
  const lengths = [['prompts', input_tokens] as const, ['outputs', output_tokens] as const].flatMap(([name, stats]) =>
    stats === null ? [] : [`${name} ${amountText(stats.mean)} tokens`],
  );
  const rate = got.rate_rps > 0 ? `, sent at ${threeFigures(got.rate_rps)} a second` : ` in ${secondsText(duration_s)}`;
  return [
    `Got: ${withThousands(got.requests)} of ${countText(asked.requests, 'request')} answered${rate}`,
    ...(held === null ? [] : [heldText(held)]),
    ...lengths,
  ].join('; ');
}

function heldText({ max_in_flight, requests, share }: NonNullable<Summary['held']>): string {
  const waited = requests === 0 ? 'none waited' : `${formatShare(share)} waited for a place`;
  return `at most ${withThousands(max_in_flight)} in flight, ${waited}`;
}
