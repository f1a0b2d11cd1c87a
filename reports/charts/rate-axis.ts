import type { Position } from './chart.ts';
import { logTicks } from './log-axis.ts';

/** Room on both sides of the first and the last rate, and the least that an axis spans, as factors. */
const ROOM = 1.04;
const LEAST_SPAN = 1.5;

/** A logarithmic domain that holds all rates, in requests/s above 0. */
export function rateDomain(rates: readonly number[]): [number, number] {
  const positive = rates.filter((rate) => rate > 0);
  const [low, high] = positive.length === 0 ? [1, 1] : [Math.min(...positive), Math.max(...positive)];
  const wider = Math.sqrt(Math.max(1, LEAST_SPAN / (high / low)));
  return [low / ROOM / wider, high * wider * ROOM];
}

/** The x axis of what is drawn against the rate. */
export function rateAxis(domain: readonly [number, number]): Position {
  return {
    field: 'rps',
    type: 'quantitative',
    scale: { type: 'log', domain: [...domain], nice: false },
    axis: { title: 'requests/s (log scale)', values: ticksOf(domain), grid: false, format: ',~r' },
  };
}

/** Where a domain is narrow, steps of the same size. */
function ticksOf(domain: readonly [number, number]): number[] {
  const [low, high] = domain;
  if (high / low > 4) return logTicks(domain);
  const power = 10 ** Math.floor(Math.log10(high - low));
  const step = [0.1, 0.2, 0.5, 1].map((each) => each * power).find((each) => (high - low) / each <= 9) ?? power;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(6)),
  );
}
