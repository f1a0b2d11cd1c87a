import { UserError } from '../../src/core/errors.ts';
import { exp, ln } from '../../src/core/portable-math.ts';
import { standardNormal, uniform, type Random } from '../../src/core/random.ts';
import { parseDurationUs } from '../../src/core/units.ts';
import { checkKeys, given, parseNamed, positive, positiveNumber, whatOf, type Named } from './grammar.ts';

/** How numbers that are drawn are written; times have units. `0.3*512+0.7*NAME:...` is a mixture of them by shares. */
export const DISTRIBUTION_FORMS = {
  fixed: 'fixed:value=512, or 512',
  uniform: 'uniform:from=100,to=2000',
  lognormal: 'lognormal:median=1000,sigma=1.2[,min=10][,max=8000]',
  exponential: 'exponential:mean=30[,max=600]',
  geometric: 'geometric:mean=5[,max=100]',
  zipf: 'zipf:alpha=1.2,max=1000',
} as const;

/** Longest table of a Zipf distribution. */
const MOST_RANKS = 2 ** 20;

export type Draw = (random: Random) => number;

/** Reads a distribution of whole numbers from 1. Throws a UserError that names the option and the wrong part. */
export function parseCounts(text: string, option: string): Draw {
  const draw = parseMixture(text, option, positiveNumber);
  return (random) => Math.max(1, Math.round(draw(random)));
}

/** Reads a distribution of times, each with its unit; draws seconds. */
export function parseTimes(text: string, option: string): Draw {
  return parseMixture(text, option, (value, what) => parseDurationUs(value, what) / 1e6);
}

type ReadNumber = (text: string, what: string) => number;

function parseMixture(text: string, option: string, read: ReadNumber): Draw {
  const parts = text.split('+').map((part) => {
    const [, share, of = part] = /^\s*(\d*\.?\d+)\*(.*)$/s.exec(part) ?? [];
    return { share: share === undefined ? null : Number(share), draw: parseOne(of.trim(), option, read) };
  });
  const [only] = parts;
  if (only !== undefined && parts.length === 1 && only.share === null) return only.draw;
  const total = parts.reduce((sum, { share }) => sum + (share ?? Number.NaN), 0);
  if (!(Math.abs(total - 1) < 1e-6))
    throw new UserError(`${option}: the parts of "${text}" need shares that sum to 1; write e.g. 0.3*512+0.7*2048`);
  return (random) => {
    let left = uniform(random);
    const part = parts.find(({ share }) => (left -= share ?? 0) < 0) ?? parts.at(-1);
    return part?.draw(random) ?? 0;
  };
}

function parseOne(text: string, option: string, read: ReadNumber): Draw {
  if (/^[\d.]/.test(text)) {
    const value = read(text, option);
    return () => value;
  }
  const named = parseNamed(text, option, DISTRIBUTION_FORMS);
  const number = (key: string): number => read(given(named, key), whatOf(named, key));
  const between = (draw: Draw): Draw => clipped(named, draw, read);
  switch (named.name) {
    case 'fixed': {
      checkKeys(named, ['value']);
      const value = number('value');
      return () => value;
    }
    case 'uniform': {
      checkKeys(named, ['from', 'to']);
      const [from, to] = [number('from'), number('to')];
      if (to < from) throw new UserError(`${option}: "${text}" ends below its start`);
      return (random) => from + (to - from) * uniform(random);
    }
    case 'lognormal': {
      checkKeys(named, ['median', 'sigma', 'min', 'max']);
      const [median, sigma] = [number('median'), positive(named, 'sigma')];
      return between((random) => median * exp(sigma * standardNormal(random)));
    }
    case 'exponential': {
      checkKeys(named, ['mean', 'max']);
      const mean = number('mean');
      return between((random) => -mean * ln(1 - uniform(random)));
    }
    case 'geometric': {
      checkKeys(named, ['mean', 'max']);
      const mean = positive(named, 'mean');
      if (mean < 1) throw new UserError(`${whatOf(named, 'mean')}: got ${mean}, expected a number from 1`);
      return between((random) => (mean === 1 ? 1 : 1 + Math.floor(ln(1 - uniform(random)) / ln(1 - 1 / mean))));
    }
    default: {
      checkKeys(named, ['alpha', 'max']);
      const ranks = positive(named, 'max');
      if (!Number.isInteger(ranks) || ranks > MOST_RANKS)
        throw new UserError(`${whatOf(named, 'max')}: got ${ranks}, expected a whole number up to ${MOST_RANKS}`);
      const rank = zipf(ranks, positive(named, 'alpha'));
      return (random) => rank(random) + 1;
    }
  }
}

/** Values beyond `min` and `max` become those. */
function clipped(named: Named, draw: Draw, read: ReadNumber): Draw {
  const end = (key: string, none: number): number =>
    named.parameters.has(key) ? read(given(named, key), whatOf(named, key)) : none;
  const [min, max] = [end('min', 0), end('max', Number.POSITIVE_INFINITY)];
  if (max < min) throw new UserError(`${named.option}: max of ${named.name} is below its min`);
  return (random) => Math.min(max, Math.max(min, draw(random)));
}

/** Numbers from 0, `count` of them; the i-th is as likely as (i + 1) to the power -alpha. */
export function zipf(count: number, alpha: number): Draw {
  return weighted(Float64Array.from({ length: count }, (_, i) => exp(-alpha * ln(i + 1))));
}

/** Numbers from 0, each as likely as its weight; the weights are from 0, and not all 0. */
export function weighted(weights: Float64Array): Draw {
  let total = 0;
  const sums = weights.map((weight) => (total += weight));
  return (random) => {
    const wanted = uniform(random) * total;
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sums[middle] ?? 0) > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
