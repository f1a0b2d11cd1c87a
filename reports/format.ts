import type { Manifest } from '../src/schema/manifest.ts';
import type { LatencyMetric, LatencyStats, Summary } from '../src/schema/summary.ts';
import { SLO_METRICS } from '../src/core/slo.ts';
import { formatMs, formatShare, threeFigures, withThousands } from '../src/core/units.ts';

/** How the field writes its metrics. */
export const METRIC_NAMES: Readonly<Record<LatencyMetric, string>> = {
  ttft: 'TTFT',
  tpot: 'TPOT',
  itl: 'ITL',
  e2e: 'E2E',
};

/** What each figure means (`contract.md`, "Metrics"), for whoever did not run it. */
export const DEFINITIONS = {
  attainment:
    'Attainment: share of all scheduled requests that were answered and met every limit of the SLO. Failed, rejected and unsent requests miss it.',
  interval:
    'CI: 95 % interval of the attainment, from resampled blocks of time, because requests near in time share a queue: what another stretch of the same traffic would give. n_eff: that many independent requests would tell as much.',
  ttft: 'TTFT, time to first token: first token minus the time the request was due.',
  tpot: 'TPOT, time per output token: (last token - first token) / (output tokens - 1). With a single token it is undefined and counts as met.',
  itl: 'ITL, inter-token latency: every gap between successive tokens of a request; tokens of one chunk are 0 apart.',
  e2e: 'E2E: end of the answer minus the time the request was due.',
  percentile:
    'Nearest rank over all scheduled requests: the smallest value that at least this share does not exceed. A failed request is infinitely late.',
  failed: 'Scheduled requests that were not answered, for whatever reason. Each is infinitely late and misses the SLO.',
  throughput: 'Delivered per second, from the first due time to the last end, of measured requests.',
  good: 'Requests that met every limit of the SLO, per second.',
  asked: 'What the workload plans, beside what was delivered.',
  prompts:
    'Prompt lengths: exact where prompts are token ids or made with a tokenizer, approximate where they are plain words; beside it, how far the input tokens that the server counted were from the plan.',
  cached:
    'Input tokens cached: the share that an endless prefix cache would have had of the plan, beside what the server says it had.',
  lateness: 'Lateness: how long after its due time a request left the client.',
  event_loop: 'Event-loop delay: how long the client could not react to what the network brought.',
  client_cpu: 'CPU time of the client for each token, without its polling.',
  polling:
    'Share of the run that the client spent polling: ahead of due times, and while streams were open where the kernel had kept it waiting with a core idle.',
  core_wait:
    'Share of the run in which the client was ready to run and others had the cores. If it is large, give the client a core or a machine of its own.',
  touched:
    'Measured requests in flight while the client stood still, or sent more than 10 ms late: their times may be wrong. The records have them as `touched`.',
  left_out:
    'Requests of the warm-up and the cool-down were sent and recorded, and enter no figure; lateness too is of measured requests, stalls are of the whole run.',
  server:
    'From the histograms of its /metrics, by what they grew during the run, whoever asked. A percentile lies somewhere in its bucket, whose bounds stand beside it. The server counts from the arrival of a request, ours here from sending it.',
  little:
    "Little's law: requests in flight, sampled, against arrival rate times time in the system. A large difference means that records are wrong.",
} as const;

/** A latency, `fails` where a failed request stands, `-` where nothing was measured. */
export function latencyWords(stats: LatencyStats, value: number | null): string {
  if (value !== null) return formatMs(value);
  return stats.missing > 0 ? 'fails' : '-';
}

/** `TTFT <= 200 ms and TPOT <= 50 ms`. */
export function limitsWords(limits: NonNullable<Summary['slo']>['limits_ms']): string {
  const parts = SLO_METRICS.flatMap((metric) => {
    const limitMs = limits[metric];
    return limitMs === undefined ? [] : [`${METRIC_NAMES[metric]} <= ${plainMs(limitMs)}`];
  });
  return joinWords(parts);
}

/** Text for a page, where `<=` has a sign of its own. */
export function typeset(text: string): string {
  return text.replaceAll('<=', '≤');
}

/** An interval of shares, with as many decimals as it takes to tell its ends apart: `91.8-93.0 %`. */
export function intervalWords([low, high]: readonly [number, number]): string {
  const digits = [1, 2].find((each) => (low * 100).toFixed(each) !== (high * 100).toFixed(each)) ?? 3;
  return `${(low * 100).toFixed(digits)}-${(high * 100).toFixed(digits)} %`;
}

/** What a warm-up and a cool-down left out; null where all is measured. */
export function leftOutWords({ left_out, requests }: Summary): string | null {
  if (left_out === null) return null;
  const { warmup_s, cooldown_s, warmup_requests, cooldown_requests } = left_out;
  const parts = [
    ...(warmup_s === 0
      ? []
      : [`${countWords(warmup_requests, 'request')} of the first ${secondsWords(warmup_s)} (warm-up)`]),
    ...(cooldown_s === 0
      ? []
      : [`${countWords(cooldown_requests, 'request')} of the last ${secondsWords(cooldown_s)} (cool-down)`]),
  ];
  return `Left out of the figures: ${joinWords(parts)}; ${withThousands(requests.scheduled)} measured`;
}

/** An SLO with where it comes from: by name, and in place of which other. */
export function sloWords(slo: Manifest['slo']): string {
  if (slo === null) return 'none';
  const { text, profile, in_place_of, limits_ms } = slo;
  const named = profile === undefined ? text : `${profile.name}: ${limitsWords(limits_ms)} (${profile.source})`;
  return in_place_of === undefined ? named : `${named}, in place of the run's: ${in_place_of}`;
}

/** A limit as it was given, not rounded: `200 ms`, `1.25 s`. */
export function plainMs(ms: number): string {
  if (ms < 1) return `${ms * 1000} us`;
  return ms < 1000 ? `${ms} ms` : `${withThousands(ms / 1000)} s`;
}

/** `a`, `a and b`, `a, b and c`. */
export function joinWords(parts: readonly string[]): string {
  if (parts.length < 2) return parts.join('');
  return `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

/** `1 request`, `2,000 requests`. */
export function countWords(count: number, noun: string): string {
  return `${withThousands(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** A count, or a mean of counts: `31`, `7.29`. */
export function amountWords(amount: number): string {
  return Number.isInteger(amount) ? withThousands(amount) : threeFigures(amount);
}

/** A duration in seconds: `60.1 s`, `5 s`. */
export function secondsWords(seconds: number): string {
  return formatMs(seconds * 1000).replace(/\.0+ /, ' ');
}

/** When something was, from the run's start. */
export function afterWords(seconds: number): string {
  return seconds === 0 ? 'at the start' : `after ${secondsWords(seconds)}`;
}

/** Whether there is anything to say of prefix caching. */
export function tellsPrefixReuse({ workload, delivered }: Pick<Summary, 'workload' | 'delivered'>): boolean {
  return workload.prefix_reuse !== null || (delivered.prefix_reuse ?? 0) > 0;
}

/** How far the server's counts of input tokens were from the plan. */
export function deviationWords(deviation: Summary['delivered']['input_deviation_tokens']): string {
  if (deviation === null) return 'not counted by the server';
  const { requests, counted, mean, max } = deviation;
  if (requests === 0) return `as asked in all ${withThousands(counted)}`;
  const signed = `${mean > 0 ? '+' : ''}${threeFigures(mean)}`;
  return `${withThousands(requests)} of ${withThousands(counted)} differ, ${signed} tokens on average, ${withThousands(max)} at most`;
}

/** A share of input tokens, as far as it is known. */
export function reuseWords(share: number | null): string {
  return share === null ? 'not told' : formatShare(share);
}

/** A load as it was planned: `200 requests in 5.97 s, 33.5 requests/s`. */
export function loadWords({ requests, duration_s, rate_rps }: Manifest['workload']): string {
  const count = countWords(requests, 'request');
  if (duration_s === 0) return requests > 1 ? `${count} at once` : count;
  return `${count} in ${secondsWords(duration_s)}, ${rateWords(rate_rps, 'requests')}`;
}

export function rateWords(perSecond: number, noun: string): string {
  return `${threeFigures(perSecond)} ${noun}/s`;
}

/** `http_error` -> `http error`. */
export function outcomeWords(outcome: string): string {
  return outcome.replaceAll('_', ' ');
}

/** The command line as a shell would take it. */
export function commandWords(command: readonly string[]): string {
  return command.map((part) => (/^[\w@%+=:,./-]+$/.test(part) ? part : `'${part.replaceAll("'", `'\\''`)}'`)).join(' ');
}
