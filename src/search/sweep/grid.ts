import { join } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { wholePower } from '../../core/portable-math.ts';
import { threeFigures } from '../../core/units.ts';
import type { RunSpec } from '../../run/run-spec.ts';
import type { TargetSpec } from '../../target/target-spec.ts';
import { gpusOfTarget } from '../target-gpus.ts';

/** A target of a sweep, before anything is known of it but what the user gave. */
export interface GridTarget {
  /** Short, and different from that of every other target. */
  readonly name: string;
  /** Null where the target does not tell. */
  readonly gpus: number | null;
  /** Folder of its runs, from that of the sweep. */
  readonly folder: string;
}

/** One run: a target at a rate. */
export interface Cell {
  readonly target: GridTarget;
  readonly rateRps: number;
  readonly rateRpsPerGpu: number | null;
  /** From the folder of the sweep. */
  readonly dir: string;
  /** `distserve at 2.00 requests/s per GPU`. */
  readonly what: string;
  readonly spec: RunSpec;
}

/** The targets of a sweep in their order. Throws a UserError where `--per-gpu` needs to know the GPUs of one. */
export function gridTargets(
  specs: readonly TargetSpec[],
  { gpus, perGpu }: { readonly gpus: readonly (number | null)[]; readonly perGpu: boolean },
): GridTarget[] {
  const names = targetNames(specs);
  return specs.map((spec, i) => {
    const count = gpusOfTarget(spec, gpus[i] ?? null);
    if (count === null && perGpu)
      throw new UserError(`--per-gpu: ${spec.text} does not tell how many GPUs it has; say so with --gpus`);
    return { name: names[i] ?? spec.name, gpus: count, folder: join('runs', `${i + 1}-${spec.name}`) };
  });
}

/** The runs of one target in order of rate. `rates`: per GPU where `perGpu` says so. */
export function cellsOf(
  target: GridTarget,
  rates: readonly number[],
  perGpu: boolean,
  specAt: (rateRps: number, dir: string) => RunSpec,
): Cell[] {
  const { gpus, name, folder } = target;
  return rates.map((rate) => {
    const rateRps = tidy(perGpu ? rate * (gpus ?? 1) : rate);
    const dir = join(folder, `${rateRps}rps`);
    const unit = `requests/s${perGpu ? ' per GPU' : ''}`;
    return {
      target,
      rateRps,
      rateRpsPerGpu: gpus === null ? null : perGpu ? rate : rateRps / gpus,
      dir,
      what: `${name} at ${threeFigures(rate)} ${unit}`,
      spec: specAt(rateRps, dir),
    };
  });
}

/** A product of two numbers of a few figures, without the rounding of doubles. */
function tidy(value: number): number {
  return Number(value.toPrecision(12));
}

/** A sweep without rates: from a quarter of the trace's own to four times it, by factors of the square root of 2. */
export function usualRates(ownRps: number): number[] {
  return Array.from({ length: 9 }, (_, i) => Number(((ownRps / 4) * wholePower(Math.SQRT2, i)).toPrecision(6)));
}

/**
 * A name for each target: the system or the host, and behind it what tells it from others of the same; two that are given
 * alike get their number.
 */
function targetNames(specs: readonly TargetSpec[]): string[] {
  const shorts = specs.map(shortName);
  const names = specs.map((spec, i) => {
    const short = shorts[i] ?? spec.name;
    const same = specs.filter((_, j) => shorts[j] === short);
    const own = partsOf(spec).filter((part) => !same.every((other) => partsOf(other).includes(part)));
    return same.length === 1 || own.length === 0 ? short : `${short} ${own.join(' ')}`;
  });
  return names.map((name, i) => (names.filter((each) => each === name).length === 1 ? name : `${name} (${i + 1})`));
}

function shortName(spec: TargetSpec): string {
  if (spec.kind === 'engine') return spec.engine.system;
  return spec.endpoints.length === 1 ? new URL(spec.endpoints[0].url).host : spec.name;
}

/** The options of a system as given; of a server its path, of several servers where they are. */
function partsOf(spec: TargetSpec): string[] {
  if (spec.kind === 'server') {
    const urls = spec.endpoints.map(({ url }) => new URL(url));
    return urls.map(({ host, pathname }) => (urls.length === 1 ? pathname : host + pathname.replace(/\/$/, '')));
  }
  return spec.system
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part.includes('='));
}
