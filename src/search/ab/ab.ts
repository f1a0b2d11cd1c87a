import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { EXIT, UserError } from '../../core/errors.ts';
import { countText } from '../../core/words.ts';
import { reportRun } from '../../run/finish.ts';
import { unlikePlan } from '../../run/manifest.ts';
import { planRun, type RunPlan } from '../../run/plan-run.ts';
import type { RunSpec } from '../../run/run-spec.ts';
import { record, type RunHooks } from '../../run/run.ts';
import { checkRunDirectory, manifestFile, reportFile, writeManifest } from '../../runs/run-directory.ts';
import type { Manifest } from '../../schema/manifest.ts';
import { openTarget } from '../../target/open-target.ts';
import { checkTarget } from '../../target/target-spec.ts';
import { checkThere } from '../check-there.ts';
import { LOCK, lockFolder } from '../folder-lock.ts';
import { keptRun } from '../kept-run.ts';
import { isNoisy } from './noise-seeds.ts';
import { abba, SIDES, type Place, type Side } from './order.ts';

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

/** Whether runs of both repeat to the bit. */
function isExact(ab: Ab): boolean {
  return SIDES.every((side) => {
    const { target } = ab.specOf({ side, repeat: 1 }, ab.dir);
    return target.clock === 'virtual' && !isNoisy(target.spec);
  });
}

/**
 * Makes the runs in the order A B B A, each against a target that is opened for it alone, so that what changes from start
 * to start is in them. The i-th of both have one salt, and so the same prompts; other ones have others. A comparison that
 * was interrupted goes on: runs that stand in its folder are not made again. Where runs repeat to the bit, one of each is
 * made. Throws a UserError that names side and repeat.
 */
export async function runAb(ab: Ab, hooks: AbHooks): Promise<void> {
  const places = abba(isExact(ab) ? 1 : ab.repeats);
  checkFolder(ab, places);
  const specOf = (place: Place): RunSpec => ab.specOf(place, repeatFolder(ab, place));
  for (const place of places) await named(place, async () => checkTarget(specOf(place).target));
  if (isExact(ab)) hooks.log.info('in virtual time without noise runs repeat to the bit: one of each is exact');
  const own = await planRun(ab.specOf({ side: 'base', repeat: 1 }, ab.dir), hooks);
  const planOf = (place: Place, salt: string | null): RunPlan => ({ ...own, spec: specOf(place), salt });
  const unlock = lockFolder(ab.dir);
  try {
    const kept: (Manifest | null)[] = [];
    for (const place of places) kept.push(await keptRepeat(planOf(place, null), repeatFolder(ab, place)));
    const salts = new Map(
      kept.flatMap((run, i) => (run === null ? [] : [[places[i]?.repeat ?? 0, run.salt] as const])),
    );
    for (const [i, place] of places.entries()) {
      const isKept = (kept[i] ?? null) !== null;
      hooks.repeating(place, i + 1, places.length, isKept);
      if (isKept) continue;
      const salt = own.salt === null ? null : (salts.get(place.repeat) ?? hooks.newSalt());
      salts.set(place.repeat, salt);
      await named(place, async () => makeRepeat(planOf(place, salt), repeatFolder(ab, place), hooks));
    }
  } finally {
    unlock();
  }
}

/** A comparison goes on in its own folder, and in no other that holds something. */
function checkFolder(ab: Ab, places: readonly Place[]): void {
  const isOwn = [...SIDES, LOCK].some((name) => existsSync(join(ab.dir, name)));
  if (!isOwn) checkRunDirectory(ab.dir);
  const asked = new Set(places.map((place) => repeatFolder(ab, place)));
  for (const folder of SIDES.map((side) => sideFolder(ab, side)).filter((path) => existsSync(path)))
    for (const dir of readdirSync(folder).map((name) => join(folder, name)))
      if (existsSync(manifestFile(dir)) && !asked.has(dir))
        throw new UserError(
          `${dir}: would be compared too, and ${countText(places.length / 2, 'run')} of each ${places.length === 2 ? 'is' : 'are'} asked for; remove it, ask for more --repeats, or choose another --out`,
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

/** The finished run that an earlier command left; its target is not opened for that. */
async function keptRepeat(plan: RunPlan, dir: string): Promise<Manifest | null> {
  const kept = await keptRun(
    dir,
    'comparison',
    (found) => unlikeRepeat(found, plan),
    async (found) => (found.status === 'complete' ? found : null),
  );
  // The command may have ended before the report of this run was made.
  if (kept !== null && !existsSync(reportFile(dir))) await reportRun(dir, kept);
  return kept;
}

function unlikeRepeat(found: Manifest, plan: RunPlan): string[] {
  const { spec, adapter, model } = plan.spec.target;
  const isEngine = spec.kind === 'engine';
  // What the target tells of itself when it is asked is as it was then.
  const facts: Manifest['target'] = {
    ...found.target,
    spec: spec.text,
    kind: isEngine ? 'reference' : 'url',
    adapter: isEngine || adapter === 'auto' ? found.target.adapter : adapter,
    model: isEngine ? found.target.model : (model ?? found.target.model),
  };
  const asked = plan.spec.output.options;
  const isOtherStart = !isDeepStrictEqual(found.options?.['start'], asked?.['start']);
  return [...unlikePlan(found, plan, { facts }), ...(isOtherStart ? ['--base-start or --new-start'] : [])];
}

/** Opens the target, runs, and closes it. Throws a UserError where the run did not go to its end, or got no answer. */
async function makeRepeat(plan: RunPlan, dir: string, hooks: RunHooks): Promise<void> {
  const { target, measure } = plan.spec;
  const { stop, log } = hooks;
  const session = await openTarget(target, {
    plan,
    salt: plan.salt,
    dir,
    patienceUs: measure.ttftTimeoutUs,
    stop,
    log,
  });
  try {
    const { manifest, fault } = await record(session, plan, dir, hooks);
    if (fault !== null) throw fault.error;
    if (manifest.status !== 'complete')
      throw new UserError(`${dir}: ${manifest.reason ?? 'the run did not end'}; the same command goes on from here`, {
        exitCode: EXIT.unreachable,
      });
    const { requests, left_out } = await reportRun(dir, manifest);
    const { connect_error = 0, stream_broken = 0 } = requests.by_outcome;
    if (connect_error + stream_broken > 0) await checkThere(session, dir, manifest, hooks);
    if (requests.ok + (left_out?.ok ?? 0) === 0) {
      const reason = 'no request was answered';
      writeManifest(dir, { ...manifest, status: 'failed', reason });
      throw new UserError(`${dir}: ${reason}: see its report; the same command goes on from here`, {
        exitCode: EXIT.unreachable,
      });
    }
    // A server that goes on must not have the end of this run in the next one.
    if (target.spec.kind === 'server' && target.start === null) await session.settle(stop);
  } finally {
    await session.close();
  }
}
