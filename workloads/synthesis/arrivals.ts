import { UserError } from '../../src/core/errors.ts';
import { ln, sineOfTurns } from '../../src/core/portable-math.ts';
import { randomStream, uniform, type Random } from '../../src/core/random.ts';
import { parseDurationUs } from '../../src/core/units.ts';
import { constantGaps, exponentialGaps, gapsOf, GAP_FAMILIES, type Gaps } from './gaps.ts';
import {
  checkKeys,
  fromZero,
  given,
  parseNamed,
  positive,
  positiveNumber,
  seconds,
  whatOf,
  type Named,
} from './grammar.ts';
import { arrivalTimes, stepTime, type Step, type TimeAt } from './time-change.ts';

/** How `--arrivals` is written; `cv` in brackets makes gaps those of a gamma distribution in place of exponential ones. */
export const ARRIVAL_FORMS = {
  poisson: 'poisson:rate=5',
  constant: 'constant:rate=5',
  gamma: 'gamma:rate=5,cv=2',
  weibull: 'weibull:rate=5,cv=2',
  lognormal: 'lognormal:rate=5,cv=2',
  mmpp: 'mmpp:rates=2/10,dwell=60s/10s[,cv=1.5]',
  onoff: 'onoff:rate=10,on=30s,off=60s[,cv=1.5]',
  piecewise: 'piecewise:0s=2,60s=8,120s=1[,cv=1.5]',
  diurnal: 'diurnal:rate=5,amplitude=0.8,period=24h[,phase=6h][,cv=1.5]',
} as const;

/** Draws arrival times in seconds from 0 on, in order, without an end where the rate has none. */
export type ArrivalProcess = (seed: number) => Iterable<number>;

/** Reads `--arrivals`. Throws a UserError that names the wrong part. */
export function parseArrivals(text: string): ArrivalProcess {
  const named = parseNamed(text, '--arrivals', ARRIVAL_FORMS);
  const family = GAP_FAMILIES.find((each) => each === named.name);
  if (family !== undefined || named.name === 'poisson' || named.name === 'constant') {
    checkKeys(named, family === undefined ? ['rate'] : ['rate', 'cv']);
    const rate = positive(named, 'rate');
    const cv = family === undefined ? 1 : positive(named, 'cv');
    const gaps = (random: Random): Gaps => {
      if (family !== undefined) return gapsOf(family, cv, random);
      return named.name === 'constant' ? constantGaps(random) : exponentialGaps(random);
    };
    return (seed) => arrivalTimes((arrivals) => arrivals / rate, gaps(randomStream(seed, 'synth', 'gaps')));
  }
  const cv = named.parameters.has('cv') ? positive(named, 'cv') : null;
  const timeAt = changingRate(named);
  return (seed) => {
    const random = randomStream(seed, 'synth', 'gaps');
    return arrivalTimes(
      timeAt(randomStream(seed, 'synth', 'rate')),
      cv === null ? exponentialGaps(random) : gapsOf('gamma', cv, random),
    );
  };
}

function changingRate(named: Named): (random: Random) => TimeAt {
  if (named.name === 'mmpp') {
    const states = mmppStates(named);
    return (random) => stepTime(switching(states, random));
  }
  if (named.name === 'onoff') {
    checkKeys(named, ['rate', 'on', 'off', 'cv']);
    const states = [
      { rate: positive(named, 'rate'), lengthS: seconds(named, 'on') },
      { rate: 0, lengthS: seconds(named, 'off') },
    ];
    return (random) => stepTime(switching(states, random));
  }
  if (named.name === 'piecewise') {
    const steps = pieces(named);
    return () => stepTime(steps);
  }
  return diurnal(named);
}

/** The states of a Markov process, each with the mean of its stays, which are exponential. */
function mmppStates(named: Named): Step[] {
  checkKeys(named, ['rates', 'dwell', 'cv']);
  const rates = given(named, 'rates')
    .split('/')
    .map((text) => (text === '0' ? 0 : positiveNumber(text, whatOf(named, 'rates'))));
  const dwells = given(named, 'dwell')
    .split('/')
    .map((text) => parseDurationUs(text, whatOf(named, 'dwell')) / 1e6);
  if (rates.length < 2 || rates.length !== dwells.length || dwells.some((dwell) => dwell <= 0))
    throw new UserError(
      `--arrivals: mmpp needs two rates or more, and a mean stay above 0 for each; write ${ARRIVAL_FORMS.mmpp}`,
    );
  if (rates.every((rate) => rate === 0)) throw new UserError('--arrivals: all rates of mmpp are 0: nothing arrives');
  return rates.map((rate, i) => ({ rate, lengthS: dwells[i] ?? 0 }));
}

/** From one state to any other, as likely each; the first is drawn by the time that is spent in each. */
function* switching(states: readonly Step[], random: Random): Generator<Step> {
  let left = uniform(random) * states.reduce((sum, { lengthS }) => sum + lengthS, 0);
  let at = states.findIndex(({ lengthS }) => (left -= lengthS) < 0);
  for (;;) {
    const { rate, lengthS } = states[Math.max(0, at)] ?? { rate: 0, lengthS: 1 };
    yield { rate, lengthS: -ln(1 - uniform(random)) * lengthS };
    at = (at + 1 + Math.floor(uniform(random) * (states.length - 1))) % states.length;
  }
}

/** Rates from the times on that are their keys; the last has no end. */
function pieces(named: Named): Step[] {
  const points = [...named.parameters.keys()]
    .filter((key) => key !== 'cv')
    .map((key) => ({ fromS: parseDurationUs(key, '--arrivals: piecewise') / 1e6, rate: fromZero(named, key) }));
  const isInOrder = points.every(({ fromS }, i) => (i === 0 ? fromS === 0 : fromS > (points[i - 1]?.fromS ?? 0)));
  if (points.length === 0 || !isInOrder)
    throw new UserError(`--arrivals: piecewise needs rates from 0s on, in order; write ${ARRIVAL_FORMS.piecewise}`);
  return points.map(({ fromS, rate }, i) => ({
    rate,
    lengthS: (points[i + 1]?.fromS ?? Number.POSITIVE_INFINITY) - fromS,
  }));
}

/** Halvings of the range in which a time of day is searched: to a fraction of a microsecond. */
const HALVINGS = 60;

/** A mean rate and a sine around it: the least at the beginning of its period, which `phase` moves back. */
function diurnal(named: Named): () => TimeAt {
  checkKeys(named, ['rate', 'amplitude', 'period', 'phase', 'cv']);
  const rate = positive(named, 'rate');
  const amplitude = fromZero(named, 'amplitude');
  if (amplitude > 1)
    throw new UserError(`${whatOf(named, 'amplitude')}: got ${amplitude}, expected a share from 0 to 1`);
  const periodS = seconds(named, 'period');
  const phaseS = named.parameters.has('phase')
    ? parseDurationUs(given(named, 'phase'), whatOf(named, 'phase')) / 1e6
    : 0;
  const swingS = (amplitude * periodS) / (2 * Math.PI);
  const sine = (atS: number): number => sineOfTurns((atS + phaseS) / periodS);
  // The rate is rate * (1 - amplitude * cos(2 pi t / period)).
  const expected = (atS: number): number => rate * (atS - swingS * (sine(atS) - sine(0)));
  return () => (arrivals) => {
    let [low, high] = [Math.max(0, arrivals / rate - 2 * swingS), arrivals / rate + 2 * swingS];
    for (let i = 0; i < HALVINGS && low < high; i++) {
      const middle = (low + high) / 2;
      if (expected(middle) < arrivals) low = middle;
      else high = middle;
    }
    return high;
  };
}
