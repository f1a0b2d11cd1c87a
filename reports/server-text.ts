import type { BucketQuantile, ServerGauge, ServerLatency } from '../src/schema/server-latency.ts';
import type { Summary } from '../src/schema/summary.ts';
import { formatMs, formatShare, withThousands } from '../src/core/units.ts';
import { METRIC_NAMES } from './definitions.ts';
import { countText } from '../src/core/words.ts';
import { amountText, plainMs } from './format.ts';

type Server = NonNullable<Summary['server']>;

/** Means count as equal within this share of the server's, or within so many milliseconds. */
const SAME_SHARE = 0.1;
const SAME_MS = { ttft: 5, itl: 1 } as const;
/** From this share on, a server's surplus of requests is put down to other clients. */
const OTHERS_SHARE = 0.02;

/** Load of the server: a part for each metric that its /metrics has. */
export function serverLoadText(server: Server): string[] {
  const gauge = (name: string, of: ServerGauge | null, text: (value: number) => string): string[] =>
    of === null ? [] : [`${name} ${text(of.mean)} (at most ${text(of.max)})`];
  return [
    ...gauge('running', server.running, amountText),
    ...gauge('waiting', server.waiting, amountText),
    ...gauge('KV cache', server.kv_usage, formatShare),
    ...(server.prefix_hit_rate === null ? [] : [`prefix cache hits ${formatShare(server.prefix_hit_rate)}`]),
    ...(server.preemptions === null ? [] : [countText(server.preemptions, 'preemption')]),
    ...(server.iteration_tokens === null ? [] : [`${amountText(server.iteration_tokens)} tokens an iteration`]),
  ];
}

/** A quantile with the bounds of its bucket: `31.2 ms (20-40 ms)`. */
export function quantileText(quantile: BucketQuantile | null): string {
  if (quantile === null) return '-';
  const [from, to] = quantile.bucket_ms;
  if (quantile.ms === null || to === null) return `over ${plainMs(plain(from))}`;
  // The first bucket is wide, and interpolating from 0 would invent a value.
  if (from === 0) return `up to ${plainMs(plain(to))}`;
  const [unit, unitMs] = to < 1000 ? ['ms', 1] : ['s', 1000];
  return `${formatMs(quantile.ms)} (${plain(from / unitMs)}-${plain(to / unitMs)} ${unit})`;
}

/** A bucket's bound without floating-point noise: servers choose round numbers of seconds. */
function plain(bound: number): number {
  return Number(bound.toPrecision(6));
}

/** Notes for reading the server's latencies beside the client's. */
export function serverNotes(summary: Summary): string[] {
  const { server, service_latency_ms, requests, left_out } = summary;
  if (server === null) return [];
  const { ttft, itl } = server.latency_ms;
  const sent = requests.sent + (left_out === null ? 0 : left_out.warmup_requests + left_out.cooldown_requests);
  return [
    ...(ttft !== null && ttft.n > sent * (1 + OTHERS_SHARE) + 1
      ? [
          `The server counts ${withThousands(ttft.n)} first tokens, this run sent ${countText(sent, 'request')}: others use it, and are in its figures.`,
        ]
      : []),
    ...differs('ttft', ttft, service_latency_ms.ttft.mean, {
      longer:
        'what lies between: the network or a proxy, the HTTP front end (reading and tokenising prompts), and this client (see how the measurement holds)',
      shorter: 'it counts requests of others, of the warm-up or failed ones, which ours does not',
    }),
    ...differs('itl', itl, service_latency_ms.itl.mean, {
      longer: 'what lies between: the HTTP front end, a proxy that buffers, the network, or this client',
      shorter:
        'tokens that come in one chunk, or that caught up with one held up on its way, are 0 apart here; or it counts requests of others',
    }),
    ...(server.scrapes_failed === 0
      ? []
      : [`${server.scrapes_failed} of ${countText(server.scrapes, 'scrape')} failed: gaps in its charts.`]),
  ];
}

function differs(
  metric: 'ttft' | 'itl',
  theirs: ServerLatency | null,
  ours: number | null,
  why: { readonly longer: string; readonly shorter: string },
): string[] {
  if (theirs === null || ours === null) return [];
  const more = ours - theirs.mean;
  if (Math.abs(more) <= Math.max(SAME_MS[metric], SAME_SHARE * theirs.mean)) return [];
  const [word, cause] = more > 0 ? ['longer', why.longer] : ['shorter', why.shorter];
  return [
    `The mean ${METRIC_NAMES[metric]} from sending is ${formatMs(Math.abs(more))} ${word} here than in the server's own count. Usual causes: ${cause}.`,
  ];
}
