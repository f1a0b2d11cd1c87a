import { latencyOf, type SloMetric } from '../src/core/slo.ts';
import type { LatencyMetric } from '../src/schema/latency.ts';

/** The metrics by the names that the field uses. */
export const METRIC_NAMES: Readonly<Record<LatencyMetric | SloMetric, string>> = {
  ttft: 'TTFT',
  tpot: 'TPOT',
  itl: 'ITL',
  e2e: 'E2E',
  'itl.p50': 'ITL p50',
  'itl.p90': 'ITL p90',
  'itl.p95': 'ITL p95',
  'itl.p99': 'ITL p99',
  'itl.max': 'ITL max',
};

/** What each figure of a report means (`contract.md`, "Metrics"): shown on hover and in the glossary. */
export const DEFINITIONS = {
  attainment:
    'Share of all scheduled requests that were answered and met every limit of the SLO. Failed, rejected and unsent requests miss it.',
  interval:
    'CI: 95 % interval of the attainment, for load like these requests. n_eff: so many independent requests would tell as much; requests near in time share a queue, and tell less.',
  ttft: 'Time to first token: first token minus the time the request was due.',
  tpot: 'Time per output token: (last token - first token) / (output tokens - 1). With a single token it is undefined and counts as met.',
  itl: 'Inter-token latency: every gap between successive tokens of a request; tokens of one chunk are 0 apart.',
  e2e: 'End to end: end of the answer minus the time the request was due.',
  percentile:
    'Nearest rank over all scheduled requests: the smallest value that at least this share does not exceed. A failed request is infinitely late.',
  failed: 'Scheduled requests that were not answered, for whatever reason. Each is infinitely late and misses the SLO.',
  throughput: 'Delivered per second, from the first due time to the last end, of measured requests.',
  good: 'Requests that met every limit of the SLO, per second.',
  asked: 'What the workload plans, beside what was delivered.',
  prompts:
    'Exact where prompts are token ids or made with a tokenizer, approximate where they are plain words; beside it, how far the input tokens that the server counted were from the plan.',
  cached:
    'The share of input tokens that an endless prefix cache would have had of the plan, beside what the server says it had.',
  held: 'Share of the requests that waited for a place in flight (--max-in-flight), and how long these waited from their due time. The wait is in TTFT and E2E, and not in lateness.',
  lateness:
    'How long after its due time a request left the client, less the time spent connecting or waiting for a place in flight.',
  event_loop: 'How long the client could not react to what the network brought.',
  client_cpu:
    'CPU time of the client for each token, without its polling: reading what arrived (sockets, HTTP, tokens), and everything else (sending, records, start and end).',
  polling:
    'Share of the run that the client spent polling: ahead of due times, and while streams were open where that pays: by the certificate of the machine, or because the kernel had kept it waiting with a core idle.',
  stimulus:
    'Whether what was sent is what was planned, connecting and waiting for a place left out. Gaps: the largest difference between the distribution of the gaps at which requests left and that of the planned ones, where gaps count as equal up to 1 ms, or a tenth of the mean gap if that is more. Bursts: how long after the first of those that were due at one instant a request left.',
  gc: 'Share of the run in which the thread that sends and reads collected garbage, and its longest pause.',
  unread:
    'While the client deals with what one look at its sockets brought, bytes that come wait in the kernel: how much of the run they may have waited for more than 1 ms, and the longest such time. A token among them is stamped so much late at most.',
  core_wait:
    'Share of the run in which the client was ready to run and others had the cores. If it is large, give the client a core or a machine of its own.',
  stalled: 'Share of the run in which the event loop of the client stood still for 20 ms or more at a time.',
  itl_within:
    'A token that waits for the client is stamped late, and the gap before it grows by what the gap behind it loses: as much as requests were late, at p99.',
  touched:
    'Measured requests in flight while the client stood still, or sent more than 10 ms late: their times may be wrong. The records have them as `client_stalled`.',
  left_out:
    'Requests of the warm-up and the cool-down were sent and recorded, and enter no figure; lateness too is of measured requests, stalls are of the whole run.',
  server:
    'From the histograms of its /metrics, by what they grew during the run, whoever asked. A percentile lies somewhere in its bucket, whose bounds stand beside it. The server counts from the arrival of a request, ours here from sending it.',
  little:
    'Requests in flight, sampled, against arrival rate times time in the system. A large difference means that records are wrong.',
} as const;

/** What an SLO limits by a metric. */
export function limitDefinition(metric: SloMetric): string {
  const latency = latencyOf(metric);
  return latency === 'itl'
    ? `${DEFINITIONS.itl} ${METRIC_NAMES[metric]}: of the gaps of each request its own ${metric === 'itl.max' ? 'longest' : metric.slice(4)}. With a single token there is none, and it counts as met.`
    : DEFINITIONS[latency];
}

/** The words of a report: those of its figures, and those of the field that it takes for granted. */
export const GLOSSARY: readonly (readonly [term: string, meaning: string])[] = [
  ['SLO', 'Service level objective: limits on latencies, and the share of requests that has to meet all of them.'],
  ['attainment', DEFINITIONS.attainment],
  ['CI, n_eff', DEFINITIONS.interval],
  [
    'goodput',
    'The highest rate of requests at which the wanted share still meets the SLO; the command goodput searches it.',
  ],
  ['TTFT', DEFINITIONS.ttft],
  ['TPOT', DEFINITIONS.tpot],
  ['ITL', DEFINITIONS.itl],
  ['E2E', DEFINITIONS.e2e],
  ['p50, p90, p99', DEFINITIONS.percentile],
  ['due', 'When the workload says that a request has to be sent. Latencies count from then, however late it was sent.'],
  ['open loop', 'Requests are sent when they are due, whether or not earlier ones have been answered, as users do.'],
  ['in flight', 'Sent and not yet ended.'],
  ['binds', 'The limit that fewest requests meet: the one to loosen, or to work on, first.'],
  [
    'prefill',
    'The pass over the whole prompt, which makes the first token. Before it a request may wait in the prefill queue.',
  ],
  ['decode', 'The making of the further tokens, one a step, in a batch with other requests.'],
  [
    'KV cache',
    'The memory of the server that keeps what it has computed of each token in flight. Where it is full, requests wait or are preempted.',
  ],
  ['KV transfer', 'Where prefill and decode have GPUs of their own: moving what prefill computed to those of decode.'],
  ['preemption', 'The server gives up the KV cache of a request for others, and computes it again later.'],
  ['failed', DEFINITIONS.failed],
  ['answered, input, output', DEFINITIONS.throughput],
  ['good', DEFINITIONS.good],
  ['asked and got', DEFINITIONS.asked],
  ['prompt lengths', DEFINITIONS.prompts],
  ['input tokens cached', DEFINITIONS.cached],
  ['waited for a place', DEFINITIONS.held],
  ['lateness', DEFINITIONS.lateness],
  ['event-loop delay', DEFINITIONS.event_loop],
  ['client CPU per token', DEFINITIONS.client_cpu],
  ['polling share', DEFINITIONS.polling],
  ['left as planned', DEFINITIONS.stimulus],
  ['garbage collection', DEFINITIONS.gc],
  ['bytes unread', DEFINITIONS.unread],
  ['waited for a core', DEFINITIONS.core_wait],
  ['stood still', DEFINITIONS.stalled],
  ['ITL percentiles, within', DEFINITIONS.itl_within],
  ['requests the client touched', DEFINITIONS.touched],
  ['requests left out', DEFINITIONS.left_out],
  ["the server's latencies", DEFINITIONS.server],
  ["Little's law", DEFINITIONS.little],
];
