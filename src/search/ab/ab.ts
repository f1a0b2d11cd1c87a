import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { checkPlace } from '../../compare/files.ts';
import { unlikeLoad } from '../../compare/likeness.ts';
import { UserError } from '../../core/errors.ts';
import { shareServer } from '../../core/server-address.ts';
import { countText } from '../../core/words.ts';
import { planRun, type RunPlan } from '../../run/plan-run.ts';
import type { RunSpec } from '../../run/run-spec.ts';
import type { RunHooks } from '../../run/run.ts';
import { checkRunDirectory, LOCK_FILE, manifestFile } from '../../runs/run-directory.ts';
import type { Manifest } from '../../schema/manifest.ts';
import { checkTarget, isNoisy, type TargetConfig } from '../../target/target-spec.ts';
import { withFolder } from '../folder.ts';
import { abba, SIDES, type Place, type Side } from './order.ts';
import { keptRepeat, makeRepeat } from './repeat.ts';
import { foundAt } from '../../core/read-within.ts';

/** Repeats of two systems under one load, which `compare` then judges. */
export interface Ab {
  /** Holds `base/1`, `new/1` and so on. */
  readonly dir: string;
  /** Runs of each. */
  readonly repeats: number;
  /** A repeat of one of them, into a folder. */
  readonly specOf: (place: Place, dir: string) => RunSpec;
}

/** Receives the events of a comparison's runs. */
export interface AbHooks extends RunHooks {
  /** The run at a place begins, the `number`-th of so many; `isKept`: an earlier command made it. */
  readonly repeating: (place: Place, number: number, of: number, isKept: boolean) => void;
}

export const sideFolder = ({ dir }: Pick<Ab, 'dir'>, side: Side): string => join(dir, side);
const repeatFolder = (ab: Ab, { side, repeat }: Place): string => join(sideFolder(ab, side), String(repeat));

/**
 * Makes the runs in the order A B B A, each against a target that is opened for it alone, so that what changes from start
 * to start is in them. Where runs repeat to the bit, one of each is made. A comparison that was interrupted goes on: runs
 * that stand in its folder are not made again. Throws a UserError that names side and repeat.
 */
export async function runAb(ab: Ab, hooks: AbHooks): Promise<void> {
  const [ofBase, ofNew] = [
    ab.specOf({ side: 'base', repeat: 1 }, ab.dir),
    ab.specOf({ side: 'new', repeat: 1 }, ab.dir),
  ];
  const targets = [ofBase.target, ofNew.target];
  const isExact = targets.every(({ clock, spec }) => clock === 'virtual' && !isNoisy(spec));
  const places = abba(isExact ? 1 : ab.repeats);
  checkFolder(ab, places);
  for (const [i, target] of targets.entries())
    await named({ side: SIDES[i] ?? 'new', repeat: 1 }, async () => checkTarget(target));
  if (isExact) hooks.log.info('in virtual time without noise runs repeat to the bit: one of each is exact');
  const own = await planRun(ofBase, hooks, [ofNew]);
  const planOf = (place: Place, salt: string | null): RunPlan => ({
    ...own,
    spec: ab.specOf(place, repeatFolder(ab, place)),
    salt,
  });
  await withFolder(ab.dir, async () => {
    const kept: (Manifest | null)[] = [];
    for (const place of places) kept.push(await keptRepeat(planOf(place, null), repeatFolder(ab, place)));
    const salts = own.salt === null ? null : saltsOf(places, kept, haveOneServer(ofBase.target, ofNew.target), hooks);
    let first: Manifest | null = null;
    for (const [i, place] of places.entries()) {
      const there = kept[i] ?? null;
      hooks.repeating(place, i + 1, places.length, there !== null);
      const plan = planOf(place, salts?.[i] ?? null);
      const made = there ?? (await named(place, async () => makeRepeat(plan, repeatFolder(ab, place), hooks)));
      first ??= made;
      requireAlike(ab, place, first, made);
    }
  });
}

/** Throws a UserError as soon as a run shows that the two cannot be compared, before all others are made. */
function requireAlike(ab: Ab, place: Place, first: Manifest, made: Manifest): void {
  const unlike = unlikeLoad(first, made);
  if (unlike.length > 0)
    throw new UserError(
      `${repeatFolder(ab, { side: 'base', repeat: 1 })} and ${repeatFolder(ab, place)} cannot be compared: they differ in ${unlike.join(', ')}; no other run is made`,
    );
}

/**
 * The salts of all runs: the i-th of both have one, that of the run which is there already, and so the same prompts; other
 * ones have others. Where both are one server that goes on each run has its own.
 */
function saltsOf(
  places: readonly Place[],
  kept: readonly (Manifest | null)[],
  isServerShared: boolean,
  { newSalt, log }: Pick<AbHooks, 'newSalt' | 'log'>,
): string[] {
  if (isServerShared) {
    log.info('base and new are one server: each run has prompts of its own, which no run before has left in its cache');
    return places.map(() => newSalt());
  }
  const ofPairs = new Map<number, string>();
  for (const [i, { repeat }] of places.entries()) {
    const salt = kept[i]?.salt ?? null;
    if (salt !== null) ofPairs.set(repeat, salt);
  }
  return places.map(({ repeat }) => {
    const salt = ofPairs.get(repeat) ?? newSalt();
    ofPairs.set(repeat, salt);
    return salt;
  });
}

/**
 * Whether both have a server in common that is not started for each run: what one leaves in its cache the next one finds.
 */
function haveOneServer(base: TargetConfig, now: TargetConfig): boolean {
  const areKept = [base, now].every(({ spec, start }) => spec.kind === 'server' && start === null);
  return areKept && shareServer(base.spec.text, now.spec.text);
}

/** A comparison goes on in its own folder, and in no other that holds something. */
function checkFolder(ab: Ab, places: readonly Place[]): void {
  const sides = SIDES.map((side) => sideFolder(ab, side)).filter((path) => existsSync(path));
  const file = sides.find((path) => foundAt(path)?.isDirectory() !== true);
  if (file !== undefined)
    throw new UserError(`${file}: a folder of runs was to be made here, but this is a file; choose another --out`);
  const repeats = sides.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  const isOwn = repeats.some((dir) => existsSync(manifestFile(dir))) || isUnbegun(ab, repeats);
  if (!isOwn) checkRunDirectory(ab.dir);
  checkPlace(ab.dir);
  const asked = new Set(places.map((place) => repeatFolder(ab, place)));
  for (const dir of repeats)
    if (existsSync(manifestFile(dir)) && !asked.has(dir))
      throw new UserError(
        `${dir}: would be compared too, and ${countText(places.length / 2, 'run')} of each ${places.length === 2 ? 'is' : 'are'} asked for; remove it, ask for more --repeats, or choose another --out`,
      );
}

/** Whether the folder holds only what a comparison leaves that ended before a run of it had begun. */
function isUnbegun({ dir }: Ab, repeats: readonly string[]): boolean {
  if (foundAt(dir)?.isDirectory() !== true) return false;
  const isSide = (name: string): boolean => SIDES.some((side) => side === name);
  return (
    readdirSync(dir).every((name) => isSide(name) || name.startsWith(LOCK_FILE)) &&
    repeats.every((path) => /^\d+(?:\.\w+)*$/.test(basename(path)))
  );
}

/** Which repeat an error is of, and its options by the names that they have for one of two targets. */
async function named<T>(place: Place, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    const { message, exitCode, cause } = ofSide(place.side, thrown);
    throw new UserError(`${place.side}, repeat ${place.repeat}: ${message}`, { exitCode, cause });
  }
}

/** An error of the options of one run, as those of a side are called. */
export function ofSide(side: Side, { message, exitCode, cause }: UserError): UserError {
  const mended = message
    .replaceAll(/--target\b/g, `--${side}`)
    .replaceAll(/--(start|ready)\b(?!-)/g, (_, name: string) => `--${side}-${name}`);
  return new UserError(mended, { exitCode, cause });
}
