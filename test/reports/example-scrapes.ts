import type { Scrape, ServerSample } from '../../src/schema/server-metrics.ts';
import type { RequestRecord } from '../../src/core/record.ts';

const BOUNDS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

/** What a server of vLLM's kind would have told once a second of requests that were answered so. */
export async function* exampleScrapes(records: readonly RequestRecord[]): AsyncGenerator<Scrape> {
  const ok = records.filter(({ outcome }) => outcome === 'ok');
  const endUs = Math.max(0, ...ok.map(({ end_us }) => end_us ?? 0));
  let overflow = 0;
  for (let timeUs = -300_000; timeUs < endUs + 1e6; timeUs += 1e6) {
    const running = ok.filter(({ due_us, end_us }) => due_us <= timeUs && (end_us ?? 0) > timeUs).length;
    const arrived = ok.filter(({ due_us }) => due_us <= timeUs);
    const asked = arrived.reduce((sum, { input_tokens }) => sum + (input_tokens ?? 0), 0);
    const begun = ok.filter(({ first_token_us }) => (first_token_us ?? Number.POSITIVE_INFINITY) <= timeUs);
    overflow += Math.max(0, running - 9);
    const second = Math.ceil(timeUs / 1e6);
    // One scrape in twenty fails.
    const isLost = Math.round(timeUs / 1e6) % 20 === 7;
    yield {
      timeUs,
      samples: isLost
        ? null
        : [
            value('vllm:num_requests_running', Math.min(running, 6)),
            value('vllm:num_requests_waiting', Math.max(0, running - 6)),
            value('vllm:kv_cache_usage_perc', Math.min(1, running / 9)),
            value('vllm:prefix_cache_queries_total', asked),
            value('vllm:prefix_cache_hits_total', Math.round(asked * 0.3)),
            value('vllm:num_preemptions_total', Math.floor(overflow)),
            value('vllm:iteration_tokens_total_sum', asked + 20 * second * Math.min(running, 6)),
            value('vllm:iteration_tokens_total_count', 20 * second),
            ...histogram(
              'vllm:time_to_first_token_seconds',
              begun.map((record) => ((record.first_token_us ?? 0) - record.due_us) / 1e6 - 0.001),
            ),
          ],
    };
  }
}

function value(name: string, of: number, labels: Readonly<Record<string, string>> = {}): ServerSample {
  return { name, labels: JSON.stringify({ engine: '0', ...labels }), value: of };
}

function histogram(name: string, seconds: readonly number[]): ServerSample[] {
  return [
    ...[...BOUNDS_S, Number.POSITIVE_INFINITY].map((bound) =>
      value(`${name}_bucket`, seconds.filter((second) => second <= bound).length, {
        le: Number.isFinite(bound) ? String(bound) : '+Inf',
      }),
    ),
    value(
      `${name}_sum`,
      seconds.reduce((sum, second) => sum + second, 0),
    ),
    value(`${name}_count`, seconds.length),
  ];
}
