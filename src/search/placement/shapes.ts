import { UserError } from '../../core/errors.ts';
import { didYouMean } from '../../core/did-you-mean.ts';
import type { Shape } from '../../schema/placement.ts';
import { describeSystem, engineCatalogue, parseEngineSpec } from '../../engine/index.ts';

/** Facts of a model that a search needs before it builds engines. */
export interface ModelFacts {
  readonly maxModelLen: number;
  /** Every shape that divides the model, fewest GPUs first. */
  readonly shapes: readonly Shape[];
}

/** Throws a UserError with the nearest names if the engine has no such model or GPU. */
export function modelFacts(modelName: string, gpuName: string): ModelFacts {
  const { models, gpus } = engineCatalogue();
  const model = named(models, modelName, '--model');
  named(gpus, gpuName, '--gpu');
  const stages = Array.from({ length: model.layers }, (_, i) => i + 1).filter((pp) => model.layers % pp === 0);
  return {
    maxModelLen: model.max_model_len_tokens,
    shapes: model.tp
      .flatMap((tp) => stages.map((pp) => ({ tp, pp })))
      .sort((a, b) => a.tp * a.pp - b.tp * b.pp || a.pp - b.pp),
  };
}

export function systemNames(): string[] {
  return engineCatalogue().systems.map(({ name }) => name);
}

/** The options of a system, given and by default. Throws the UserError of a run against it. */
export function engineOptions(system: string): ReadonlyMap<string, string> {
  return new Map(describeSystem(system).options.map(({ key, value }) => [key, String(value)]));
}

/** The reason for which the engine rejects a system; null if it accepts it. */
export function refusalOf(system: string): string | null {
  try {
    parseEngineSpec(system);
    return null;
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    return thrown.message.replace(/^reference engine: /, '');
  }
}

function named<T extends { readonly name: string }>(known: readonly T[], name: string, option: string): T {
  const found = known.find((each) => each.name === name);
  if (found !== undefined) return found;
  const names = known.map((each) => each.name);
  throw new UserError(`${option}: "${name}" is not known${didYouMean(name, names)} (reprise engine list)`);
}
