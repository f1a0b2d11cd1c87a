import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { messageOf, UserError } from '../../core/errors.ts';
import { SILENT } from '../../core/log.ts';
import { meanRate } from '../../core/rate.ts';
import { unlessStopped } from '../../core/stop.ts';
import { planRun, type RunPlan } from '../../run/plan-run.ts';
import { patienceUs, type RunSpec } from '../../run/run-spec.ts';
import type { RunHooks } from '../../run/run.ts';
import { checkDirectory, checkRunDirectory, LOCK_FILE } from '../../runs/run-directory.ts';
import type { SweepReport } from '../../schema/sweep.ts';
import { openTarget } from '../../target/open-target.ts';
import { checkTarget } from '../../target/target-spec.ts';
import { withFolder } from '../folder.ts';
import { openThreads } from '../threads.ts';
import { checkSweepFiles, isSweep, readSweep } from './files.ts';
import { foldSweep, type MeasuredRun, sweepSlo } from './fold.ts';
import { type Cell, cellsOf, gridTargets, usualRates } from './grid.ts';
import { type Measured, measurePoint, named, type PointAnswer, type PointQuestion } from './point.ts';

export interface SweepSpec {
  /** For each target, the run of the trace at a rate into a folder; null: at the trace's own rate. */
  readonly targets: readonly ((rateRps: number | null, dir: string) => RunSpec)[];
  /** The folder of `sweep.json`; the runs stand in `runs`. */
  readonly dir: string;
  /** In ascending order; null: about the trace's own. */
  readonly rates: readonly number[] | null;
  /** Whether the rates are those of one GPU of a target. */
  readonly perGpu: boolean;
  /** In ascending order, 1 among them. */
  readonly sloScales: readonly number[];
  /** GPUs of each target; null: as the reference engine tells, and not known of a server. */
  readonly gpus: readonly (number | null)[];
}

/** Receives the events of a sweep. */
export interface SweepHooks extends RunHooks {
  /** The plan is made, nothing was sent. `rates`: as the grid has them. */
  readonly begins: (runs: number, rates: readonly number[]) => void;
  readonly measured: (what: string, measured: Measured) => void;
  /** In virtual time: threads that run, and the file of a thread (`servePoints`). */
  readonly workers: number;
  readonly thread: URL;
}

/**
 * A trace against every target at every rate, each run whole and from an empty system, judged by every scale of the SLO.
 * In virtual time in worker threads, which change no result; on the wall clock one after another. A sweep that was
 * interrupted goes on: finished runs are read, not made again.
 */
export async function sweep(spec: SweepSpec, hooks: SweepHooks): Promise<SweepReport> {
  const { dir, perGpu, sloScales } = spec;
  const runs = spec.targets.map((specAt) => specAt(null, dir));
  const [first, ...others] = runs;
  if (first?.slo === null || first === undefined) throw new Error('a sweep without a target or an SLO');
  for (const { target } of runs) checkTarget(target);
  const targets = gridTargets(
    runs.map(({ target }) => target.spec),
    spec,
  );
  const own = await unlessStopped(planRun(first, hooks, others), hooks.stop);
  checkFolder(dir, runs, own);
  const ownRps = ownRate(own);
  const rates = spec.rates ?? usualRates(ownRps);
  const cells = targets.map((target, i) =>
    cellsOf(target, rates, perGpu, (rateRps, under) => specOf(spec, i)(rateRps, join(dir, under))),
  );
  const of = cells.flat();
  hooks.begins(of.length, rates);
  const isVirtual = first.target.clock === 'virtual';
  const found = await withFolder(dir, () =>
    isVirtual ? inThreads(of, spec, hooks) : oneByOne(cells, own, spec, hooks),
  );
  return foldSweep(
    {
      at: first.at,
      slo: sweepSlo(first.slo),
      slo_scales: sloScales,
      per_gpu: perGpu,
      clock: first.target.clock,
      workload: {
        name: own.source.name,
        sha256: own.stats.sourceSha256,
        requests: own.stats.requests,
        rate_rps: ownRps,
      },
      targets: targets.map(({ name, gpus }) => {
        const measured = found[of.findIndex(({ target }) => target.name === name)];
        if (measured === undefined) throw new Error(`${name} has no run`);
        return { name, ...measured.target, gpus };
      }),
    },
    of.flatMap((cell, i): MeasuredRun[] => {
      const measured = found[i];
      if (measured === undefined) return [];
      const { requests, valid, scales, smallest } = measured;
      const { target, rateRps, rateRpsPerGpu, dir: under } = cell;
      return [
        {
          target: target.name,
          rate_rps: rateRps,
          rate_rps_per_gpu: rateRpsPerGpu,
          dir: under,
          requests,
          valid,
          scales,
          smallest,
        },
      ];
    }),
  );
}

function specOf({ targets }: SweepSpec, i: number): SweepSpec['targets'][number] {
  const specAt = targets[i];
  if (specAt === undefined) throw new Error('a target without a spec');
  return specAt;
}

/** A sweep goes on in its own folder, also with further targets, rates and scales, and in no other that holds something. */
function checkFolder(dir: string, runs: readonly RunSpec[], { stats }: RunPlan): void {
  const isStarted = ['runs', LOCK_FILE].some((name) => existsSync(join(dir, name))) || isSweep(dir);
  (isStarted ? checkDirectory : checkRunDirectory)(dir);
  checkSweepFiles(dir);
  if (!isSweep(dir)) return;
  const { targets, slo, clock, workload } = readSweep(dir);
  const [first] = runs;
  const others = [
    ...(targets.every(({ spec }, i) => runs[i]?.target.spec.text === spec) ? [] : ['targets']),
    ...(isDeepStrictEqual(slo.limits_ms, first?.slo?.limits) ? [] : ['SLO']),
    ...(workload.sha256 === stats.sourceSha256 && workload.requests === stats.requests ? [] : ['requests']),
    ...(clock === first?.target.clock ? [] : ['clock']),
  ];
  if (others.length === 0) return;
  const judged = others.join() === 'SLO' ? `; "reprise report ${dir} --slo ..." judges it by another SLO` : '';
  throw new UserError(
    `${dir}: holds another sweep (other ${others.join(', ')}); choose another --out, or remove it${judged}`,
  );
}

function ownRate({ stats, source }: RunPlan): number {
  const ownRps = meanRate(stats.requests, stats.firstDueUs, stats.lastDueUs);
  if (ownRps !== null) return ownRps;
  throw new UserError(`${source.name}: all of its requests are due at one time: there is no timing to scale`);
}

/** In virtual time: in the order of the cells, whatever the number of threads. */
async function inThreads(
  cells: readonly Cell[],
  { sloScales, dir }: SweepSpec,
  hooks: SweepHooks,
): Promise<Measured[]> {
  const threads = openThreads<readonly number[], PointQuestion, PointAnswer>(
    hooks.thread,
    sloScales,
    hooks.workers,
    hooks.stop,
  );
  const told = new Set<string>();
  try {
    const questions = cells.map(({ spec, dir: under, what }) => ({ spec, dir: join(dir, under), what }));
    return await threads.ask(questions, (i, { warnings, ...measured }) => {
      for (const text of warnings) if (!told.has(text)) hooks.log.warn(text);
      for (const text of warnings) told.add(text);
      hooks.measured(cells[i]?.what ?? '', measured);
    });
  } catch (thrown) {
    if (hooks.stop.aborted) throw new UserError(messageOf(hooks.stop.reason));
    throw thrown;
  } finally {
    await threads.close();
  }
}

/** On the wall clock: one session a target, which has nothing in flight when the next run begins. */
async function oneByOne(
  byTarget: readonly (readonly Cell[])[],
  own: RunPlan,
  { dir, sloScales }: SweepSpec,
  hooks: SweepHooks,
): Promise<Measured[]> {
  const all: Measured[] = [];
  for (const cells of byTarget) {
    const [first] = cells;
    if (first === undefined) continue;
    const { target, measure } = first.spec;
    const options = { salt: own.salt, dir: join(dir, first.target.folder), patienceUs: patienceUs(measure) };
    const session = await named(first.what, () =>
      openTarget(target, { plan: own, ...options, stop: hooks.stop, log: hooks.log }),
    );
    try {
      for (const { spec, what, dir: under } of cells) {
        const measured = await named(what, async () => {
          // What the scaling does to the trace was said of it as a whole.
          const plan = await planRun(spec, { ...hooks, log: SILENT });
          return measurePoint(session, plan, join(dir, under), sloScales, hooks);
        });
        hooks.measured(what, measured);
        all.push(measured);
        if (!measured.isKept) await session.settle(hooks.stop);
      }
    } finally {
      await session.close();
    }
  }
  return all;
}
