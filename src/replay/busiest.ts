import type { ClientSample } from '../schema/client-sample.ts';
import type { ClientHealth } from '../schema/manifest.ts';

/** Samples cover a second each, but for the last, which is passed over if it covers less than this of one. */
const LEAST_S = 0.5;

/** What a client had to do in its busiest second, each thing in its own; undefined where it was not sampled. */
export function busiestSecond(samples: readonly ClientSample[]): ClientHealth['busiest_second'] {
  const seconds = samples.map((sample, i) => {
    const before = samples[i - 1];
    const lastedS = (sample.time_us - (before?.time_us ?? sample.time_us - 1e6)) / 1e6;
    return {
      lastedS,
      tokens_per_s: (sample.tokens - (before?.tokens ?? 0)) / lastedS,
      requests_per_s: (sample.sent - (before?.sent ?? 0)) / lastedS,
      streams: sample.in_flight,
    };
  });
  const whole = seconds.filter((each) => each.lastedS >= LEAST_S);
  if (whole.length === 0) return undefined;
  const most = (of: 'tokens_per_s' | 'requests_per_s' | 'streams'): number =>
    Math.max(...whole.map((each) => each[of]));
  return { tokens_per_s: most('tokens_per_s'), requests_per_s: most('requests_per_s'), streams: most('streams') };
}
