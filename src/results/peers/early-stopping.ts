import { exp, ln } from '../../core/portable-math.ts';

/** MLPerf passes a system that is just too slow in at most so many cases, if requests are independent. */
const FALSE_PASS = 0.01;

/**
 * MLPerf's early stopping: so many queries let a run pass with `over` of them over the latency limit, where the share `p`
 * has to stay within it. The chance of so few, were the true share just `p`, is then below 1 %. The floor of each
 * percentile is that of one over the limit.
 */
export function queriesNeeded(over: number, p: number): number {
  const most = Math.max(1, over);
  const passes = (queries: number): boolean => atMost(most, queries, 1 - p) < FALSE_PASS;
  let low = most;
  let high = Math.ceil((most + 8 * Math.sqrt(most) + 16) / (1 - p));
  while (!passes(high)) high *= 2;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (passes(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** P(X <= most) of a binomial X of `n` trials of probability `q`; 1 where `most` is no less than the mean. */
function atMost(most: number, n: number, q: number): number {
  if (most >= n * q) return 1;
  let term = exp(lnFactorial(n) - lnFactorial(most) - lnFactorial(n - most) + most * ln(q) + (n - most) * ln(1 - q));
  let total = 0;
  // Below the mean each term is smaller than the next.
  for (let i = most; i >= 0 && total + term !== total; i--) {
    total += term;
    term *= (i * (1 - q)) / ((n - i + 1) * q);
  }
  return total;
}

/** Stirling's series from 10 on: right to 1e-13. */
function lnFactorial(n: number): number {
  let product = 1;
  if (n < 10) {
    for (let i = 2; i <= n; i++) product *= i;
    return ln(product);
  }
  const n3 = n * n * n;
  const series = 1 / (12 * n) - 1 / (360 * n3) + 1 / (1260 * n3 * n * n) - 1 / (1680 * n3 * n3 * n);
  return (n + 0.5) * ln(n) - n + 0.5 * ln(2 * Math.PI) + series;
}
