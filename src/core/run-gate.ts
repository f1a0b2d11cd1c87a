import { didYouMean } from './did-you-mean.ts';
import { UserError } from './errors.ts';
import { readCondition, type Condition } from './gate.ts';
import { REQUEST_LATENCIES, type RequestLatency } from './slo.ts';
import { parseDurationUs } from './units.ts';

/** A condition on a run: a share of its requests that has to do well enough. */
export type RunGate = AttainmentGate | LatencyGate;

/** At least this share of the requests meets the SLO of the run. */
interface AttainmentGate {
  readonly kind: 'attainment';
  readonly text: string;
  readonly share: number;
}

/** At least this share of the requests has a latency within a limit, which says that the quantile of this share has. */
export interface LatencyGate {
  readonly kind: 'latency';
  readonly text: string;
  readonly metric: RequestLatency;
  readonly share: number;
  readonly limitUs: number;
  /** Whether a latency on the limit is none within it. */
  readonly isStrict: boolean;
}

const EXAMPLES = '"attainment>=0.9" or "ttft.p99<500ms"';

/** Shares by the names of quantiles. */
const QUANTILES = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99, p999: 0.999 } as const;
const LATENCIES = REQUEST_LATENCIES.flatMap((metric) =>
  Object.entries(QUANTILES).map(([quantile, share]) => ({ name: `${metric}.${quantile}`, metric, share })),
);
const NAMES = ['attainment', ...LATENCIES.map(({ name }) => name)];

/** Reads `attainment>=0.9`, `attainment>=90%` or `ttft.p99<500ms`. Throws a UserError for any other text. */
export function parseRunGate(given: string): RunGate {
  const condition = readCondition(given, EXAMPLES);
  const { name } = condition;
  if (name === 'attainment') return attainmentGate(condition);
  const latency = LATENCIES.find((each) => each.name === name);
  if (latency !== undefined) return latencyGate(condition, latency);
  if (/^itl\b/.test(name))
    throw new UserError(
      `--gate: "${name}" is a quantile of tokens, not of requests, and a run has no interval for it; gate tpot.p99 or e2e.p99, or attainment with an SLO on the gaps of each request (--slo itl.p99=100ms)`,
    );
  throw new UserError(`--gate: "${name}" is not judged of a run; write e.g. ${EXAMPLES}${didYouMean(name, NAMES)}`);
}

function attainmentGate({ text, operator, value, unit }: Condition): AttainmentGate {
  const example = '"attainment>=0.9"';
  if (operator !== '>=') throw new UserError(`--gate: "${text}": attainment is gated by >=, e.g. ${example}`);
  const share = Number(value) / (unit === '%' ? 100 : 1);
  if ((unit !== '' && unit !== '%') || share <= 0 || share > 1)
    throw new UserError(`--gate: "${text}": expected a share above 0 and below 1 or 100%, e.g. ${example}`);
  if (share === 1)
    throw new UserError(
      `--gate: "${text}" never holds: no run shows that each request of such a load would meet the SLO; write a share below 1, e.g. "attainment>=0.999"`,
    );
  return { kind: 'attainment', text, share };
}

function latencyGate(
  { text, name, operator, value, unit }: Condition,
  { metric, share }: Pick<LatencyGate, 'metric' | 'share'>,
): LatencyGate {
  if (operator !== '<' && operator !== '<=')
    throw new UserError(
      `--gate: "${text}": less of ${name} is better, so that it is gated by < or <=, e.g. ${name}<500ms`,
    );
  const limitUs = parseDurationUs(`${value}${unit}`, `--gate ${name}`);
  if (limitUs === 0) throw new UserError(`--gate: "${text}": the limit must be above zero, e.g. ${name}<500ms`);
  return { kind: 'latency', text, metric, share, limitUs, isStrict: operator === '<' };
}
