import { exp, ln } from '../../src/core/portable-math.ts';
import { standardNormal, uniform, type Random } from '../../src/core/random.ts';

/** Draws gaps between arrivals, whose mean is 1. */
export type Gaps = () => number;

/** Families of gaps with a coefficient of variation that one can choose. */
export const GAP_FAMILIES = ['gamma', 'weibull', 'lognormal'] as const;
export type GapFamily = (typeof GAP_FAMILIES)[number];

/** One family with its parameter. */
export interface Shape {
  /** A gap; its mean is 1. */
  draw(random: Random): number;
  /** A gap in which a moment falls that is drawn from all time: of long ones there is more. */
  drawAround(random: Random): number;
}

/** Those of a Poisson process. */
export function exponentialGaps(random: Random): Gaps {
  return () => exponential(random);
}

/** All alike, but for the first, which is met as it goes on. */
export function constantGaps(random: Random): Gaps {
  return met({ draw: () => 1, drawAround: () => 1 }, random);
}

/**
 * Gaps of a family and coefficient of variation, above 0. The first is what is left of one that was met at a random moment,
 * so that the expected number of arrivals is that of the rate from the beginning on: irregular gaps would else come in a
 * crowd first.
 */
export function gapsOf(family: GapFamily, cv: number, random: Random): Gaps {
  return met(shapeOf(family, cv), random);
}

function met(shape: Shape, random: Random): Gaps {
  let isFirst = true;
  return () => {
    if (!isFirst) return shape.draw(random);
    isFirst = false;
    return uniform(random) * shape.drawAround(random);
  };
}

function shapeOf(family: GapFamily, cv: number): Shape {
  if (family === 'gamma') return gammaShape(1 / (cv * cv));
  if (family === 'weibull') return weibullShape(weibullShapeOf(cv));
  const sigma = Math.sqrt(ln(1 + cv * cv));
  return {
    draw: (random) => exp(sigma * standardNormal(random) - (sigma * sigma) / 2),
    drawAround: (random) => exp(sigma * standardNormal(random) + (sigma * sigma) / 2),
  };
}

export function gammaShape(k: number): Shape {
  return { draw: (random) => gamma(k, random) / k, drawAround: (random) => gamma(k + 1, random) / k };
}

export function weibullShape(k: number): Shape {
  const scale = exp(-lnGamma(1 + 1 / k));
  return {
    draw: (random) => scale * exp(ln(exponential(random)) / k),
    drawAround: (random) => scale * exp(ln(gamma(1 + 1 / k, random)) / k),
  };
}

/** The shape of a Weibull distribution of this coefficient of variation, by bisection. */
function weibullShapeOf(cv: number): number {
  let [low, high] = [0.05, 100];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    const square = exp(lnGamma(1 + 2 / middle) - 2 * lnGamma(1 + 1 / middle)) - 1;
    if (square > cv * cv) low = middle;
    else high = middle;
  }
  return low;
}

function exponential(random: Random): number {
  return -ln(1 - uniform(random));
}

/** Gamma with this shape and scale 1, by Marsaglia and Tsang's method (2000); below 1 by a power of a uniform number. */
function gamma(shape: number, random: Random): number {
  if (shape < 1) return gamma(shape + 1, random) * exp(ln(1 - uniform(random)) / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = standardNormal(random);
    const root = 1 + c * x;
    const v = root * root * root;
    if (v > 0 && ln(1 - uniform(random)) < (x * x) / 2 + d - d * v + d * ln(v)) return d * v;
  }
}

/** Logarithm of the gamma function from 1 on: Stirling's series, from where its terms are small. */
function lnGamma(x: number): number {
  let [at, shift] = [x, 0];
  for (; at < 10; at++) shift += ln(at);
  const square = at * at;
  const series = (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * square)) / square) / square) / at;
  return (at - 0.5) * ln(at) - at + 0.5 * ln(2 * Math.PI) + series - shift;
}
