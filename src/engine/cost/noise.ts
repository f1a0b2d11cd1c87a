import { exp } from '../../core/portable-math.ts';
import { randomStream, standardNormal, type Random } from '../../core/random.ts';
import type { CostModel } from './cost-model.ts';

export interface Noise {
  /** Deviation of the logarithm of a factor drawn for each iteration; 0: none. */
  readonly perIteration: number;
  /** The same for one factor per model object, as a machine is a little faster on some days. */
  readonly perRun: number;
  readonly seed: number;
  /** Name of the instance: instances draw from streams of their own. */
  readonly instance: string;
}

/**
 * `cost` with lognormal factors of mean 1 from a stream of its own; without noise `cost` itself. Each call draws: a
 * policy that predicts times uses the model without noise, or its calls would change the measured times.
 */
export function noisy(cost: CostModel, { perIteration, perRun, seed, instance }: Noise): CostModel {
  if (perIteration === 0 && perRun === 0) return cost;
  const runFactor = lognormal(randomStream(seed, 'noise of a run', instance), perRun);
  const random = randomStream(seed, 'noise of iterations', instance);
  return {
    timeUs: (batch, share) => cost.timeUs(batch, share) * runFactor * lognormal(random, perIteration),
  };
}

function lognormal(random: Random, deviation: number): number {
  return deviation === 0 ? 1 : exp(deviation * standardNormal(random) - (deviation * deviation) / 2);
}
