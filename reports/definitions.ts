import type { LatencyMetric } from '../src/schema/summary.ts';

/** The metrics by the names that the field uses. */
export const METRIC_NAMES: Readonly<Record<LatencyMetric, string>> = {
  ttft: 'TTFT',
  tpot: 'TPOT',
  itl: 'ITL',
  e2e: 'E2E',
};

/** What each figure of a report means (`contract.md`, "Metrics"), for readers who did not make the run. */
export const DEFINITIONS = {
  attainment:
    'Attainment: share of all scheduled requests that were answered and met every limit of the SLO. Failed, rejected and unsent requests miss it.',
  interval:
    'CI: 95 % interval of the attainment, for load like these requests: requests near in time share a queue, so that they tell less than as many independent ones would. n_eff: that many independent requests would tell as much.',
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
  held: 'Share of the requests that waited for a place in flight (--max-in-flight), and how long these waited from their due time. The wait is in TTFT and E2E, and not in lateness.',
  lateness:
    'Lateness: how long after its due time a request left the client, less the time spent connecting or waiting for a place in flight.',
  event_loop: 'Event-loop delay: how long the client could not react to what the network brought.',
  client_cpu: 'CPU time of the client for each token, without its polling.',
  polling:
    'Share of the run that the client spent polling: ahead of due times, and while streams were open where the kernel had kept it waiting with a core idle.',
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
    "Little's law: requests in flight, sampled, against arrival rate times time in the system. A large difference means that records are wrong.",
} as const;
