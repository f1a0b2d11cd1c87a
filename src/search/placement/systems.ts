import { engineOptions, modelFacts, refusalOf, systemNames } from './shapes.ts';
import { UserError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { didYouMean } from '../../core/did-you-mean.ts';
import { KINDS, type Group, type Kind, type PlacementReport, type Shape } from '../../schema/placement.ts';
import { gpusOf, unitOptions, type Cluster } from './candidates.ts';

/** The systems to compare, as the user names them. */
export interface SystemsSpec {
  readonly model: string;
  readonly gpu: string;
  /** `SYSTEM[,key=value...]` without model, GPU and shape. */
  readonly disaggregated: string;
  readonly collocated: string;
}

/** The same systems, with the shapes that each can have. */
export interface ResolvedSystems {
  readonly disaggregated: string;
  readonly collocated: string;
  /** Of the collocated system; null where it has none. */
  readonly mixedBatchPenalty: number | null;
  readonly maxModelLen: number;
  /** Kinds whose system finds in its memory what a prompt begins with. */
  readonly prefixesKeptBy: readonly Kind[];
  readonly shapes: { readonly disaggregated: readonly Shape[]; readonly collocated: readonly Shape[] };
  readonly leftOut: PlacementReport['left_out'];
}

type Unit = (shape: Shape) => Group[];
const pair: Unit = (shape) => [
  { role: 'prefill', instances: 1, ...shape },
  { role: 'decode', instances: 1, ...shape },
];
const single: Unit = (shape) => [{ role: 'both', instances: 1, ...shape }];

/** Finds the shapes that fit. Throws a UserError where neither system can serve the model on these GPUs. */
export function resolveSystems(spec: SystemsSpec, cluster: Cluster, log: Log): ResolvedSystems {
  const { model, gpu } = spec;
  const facts = modelFacts(model, gpu);
  const all = facts.shapes.filter(({ tp }) => tp <= cluster.gpusPerNode);
  const on = (text: string): string => `${text},model=${model},gpu=${gpu}`;

  requirePlaceable(spec.disaggregated, 'disaggregated');
  requirePlaceable(spec.collocated, 'collocated');
  const own = on(spec.disaggregated);
  const pairs = fitting(withCost(own, fitting(own, pair, all), pair, all, log), pair, all);
  requireShapes(pairs, `--system ${spec.disaggregated}`);
  const singles = fitting(withSameCost(fitting(on(spec.collocated), single, all), pairs), single, all);
  requireShapes(singles, `--collocated ${spec.collocated}`);

  const shapes = {
    // A unit has at least one prefill and one decode instance.
    disaggregated: pairs.shapes.filter((shape) => gpusOf([shape]) + leastGpus(pairs) <= cluster.gpus),
    collocated: singles.shapes.filter((shape) => gpusOf([shape]) <= cluster.gpus),
  };
  if (shapes.disaggregated.length === 0 && shapes.collocated.length === 0)
    throw fitsNowhere(spec, cluster, pairs, singles);
  if (shapes.disaggregated.length === 0)
    log.warn(
      `prefill beside decode takes at least ${2 * leastGpus(pairs)} GPUs of ${gpu}: nothing to disaggregate on ${cluster.gpus}`,
    );
  const leftOut = [pairs, singles].flatMap(({ system, refused }) =>
    refused.filter((shape) => gpusOf([shape]) <= cluster.gpus).map((shape) => ({ system, ...shape })),
  );
  return {
    disaggregated: pairs.system,
    collocated: singles.system,
    mixedBatchPenalty: penaltyOf(singles),
    maxModelLen: facts.maxModelLen,
    prefixesKeptBy: KINDS.filter((kind) => keepsPrefixes(kind === 'collocated' ? singles : pairs)),
    shapes,
    leftOut,
  };
}

interface Fitting {
  readonly system: string;
  readonly unit: Unit;
  readonly shapes: readonly Shape[];
  readonly refused: readonly (Shape & { readonly why: string })[];
}

function fitting(system: string, unit: Unit, all: readonly Shape[]): Fitting {
  const shapes: Shape[] = [];
  const refused: (Shape & { why: string })[] = [];
  for (const shape of all) {
    const why = refusalOf(`${system},${unitOptions(unit(shape))}`);
    if (why === null) shapes.push(shape);
    else refused.push({ ...shape, why });
  }
  return { system, unit, shapes, refused };
}

/** A system whose published times are of other hardware takes the roofline's times, unless the user gives a cost. */
function withCost(system: string, found: Fitting, unit: Unit, all: readonly Shape[], log: Log): string {
  const first = found.refused[0];
  const timed = `${system},cost=roofline`;
  if (found.shapes.length > 0 || first === undefined || has(system, 'cost')) return system;
  if (fitting(timed, unit, all).shapes.length === 0) return system;
  log.warn(`${first.why}; cost=roofline is taken`);
  return timed;
}

/**
 * The search compares the placement of phases, so both systems get the same kernels and the same dispatch, unless the
 * user gives the collocated one its own.
 */
function withSameCost(singles: Fitting, pairs: Fitting): string {
  const { system, shapes, unit } = singles;
  const [pairShape, singleShape] = [pairs.shapes[0], shapes[0]];
  const options = singleShape === undefined ? null : engineOptions(`${system},${unitOptions(unit(singleShape))}`);
  const added: string[] = [];
  if (!has(system, 'cost') && pairShape !== undefined) {
    const cost = engineOptions(`${pairs.system},${unitOptions(pairs.unit(pairShape))}`).get('cost');
    if (cost !== undefined) added.push(`cost=${cost}`);
  }
  if (!has(system, 'router') && options?.has('router') === true) added.push('router=least-requests');
  return [system, ...added].join(',');
}

/** Throws a UserError where a system cannot be placed, whatever the shape. */
function requirePlaceable(text: string, kind: 'disaggregated' | 'collocated'): void {
  const option = kind === 'disaggregated' ? '--system' : '--collocated';
  const [name = '', ...pairs] = text.split(',').map((part) => part.trim());
  const unit = kind === 'disaggregated' ? pair : single;
  const searched = unitOptions(unit({ tp: 1, pp: 1 }))
    .split(',')
    .map(keyOf);
  const known = optionsOf(name, option);
  if (searched.some((key) => !known.has(key))) {
    const others = systemNames().filter((other) => searched.every((key) => engineOptions(other).has(key)));
    throw new UserError(`${option} ${name}: it has no ${searched.join(', ')}; these have: ${others.join(', ')}`);
  }
  for (const key of pairs.map(keyOf)) {
    if (['model', 'gpu', 'tp', 'pp', ...searched].includes(key))
      throw new UserError(
        `${option} ${text}: leave out ${key}: shapes and counts are searched, --model and --gpu say the rest`,
      );
    if (!known.has(key))
      throw new UserError(
        `${option} ${text}: "${key}" is not an option of ${name}${didYouMean(key, [...known.keys()])}`,
      );
  }
}

function optionsOf(name: string, option: string): ReadonlyMap<string, string> {
  const why = refusalOf(name);
  if (name === '' || name.includes('=')) throw new UserError(`${option}: name the system first: SYSTEM[,key=value...]`);
  if (why !== null) throw new UserError(`${option} ${name}: ${why}`);
  return engineOptions(name);
}

/** Throws a UserError where no shape fits. */
function requireShapes({ shapes, refused }: Fitting, option: string): void {
  if (shapes.length === 0) throw new UserError(`${option}: ${refused.at(-1)?.why ?? 'no shape'}`);
}

function keyOf(option: string): string {
  return option.split('=')[0]?.trim() ?? '';
}

function penaltyOf(found: Fitting): number | null {
  const penalty = optionOf(found, 'mixed_batch_penalty');
  return penalty === undefined ? null : Number(penalty);
}

/** SGLang's radix tree has no option to turn it off. */
function keepsPrefixes(found: Fitting): boolean {
  return found.system.split(',')[0] === 'sglang' || optionOf(found, 'prefix_caching') === 'on';
}

/** An option as given or by default. */
function optionOf({ system, unit, shapes }: Fitting, key: string): string | undefined {
  const [shape] = shapes;
  return shape === undefined ? undefined : engineOptions(`${system},${unitOptions(unit(shape))}`).get(key);
}

function leastGpus({ shapes }: Fitting): number {
  const [least] = shapes;
  return least === undefined ? Infinity : gpusOf([least]);
}

function fitsNowhere({ model, gpu }: SystemsSpec, { gpus }: Cluster, pairs: Fitting, singles: Fitting): UserError {
  const least = Math.min(leastGpus(pairs), leastGpus(singles));
  const shape = [...singles.shapes, ...pairs.shapes].find((each) => gpusOf([each]) === least);
  return new UserError(
    `--gpus ${gpus}: ${model} does not fit on ${gpus} ${gpu}; one instance needs at least ${least} (tp=${shape?.tp}, pp=${shape?.pp}), and ` +
      `${2 * leastGpus(pairs)} hold one of prefill and one of decode`,
  );
}

function has(system: string, key: string): boolean {
  return system.split(',').some((part) => part.trim().startsWith(`${key}=`));
}
