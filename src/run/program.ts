import { join } from 'node:path';
import { UserError } from '../core/errors.ts';
import { SILENT } from '../core/log.ts';
import { unlessStopped } from '../core/stop.ts';
import { openRunFiles, type Run } from '../runs/run-files.ts';
import { openTarget as openSession } from '../target/open-target.ts';
import type { TargetSession } from '../target/session.ts';
import type { TargetConfig } from '../target/target-spec.ts';
import { mendRun } from './finish.ts';
import { planRun } from './plan-run.ts';
import { defineReplay, defineRun, defineTarget, type RunOptions, type TargetOptions } from './run-options.ts';
import { newSalt } from './salt.ts';
import { compactTime, newRunDirectory, run as runPlan, runOnce, type RunHooks, type RunResult } from './run.ts';

/** Hooks of a program: the log, the start of the replay, and signals to end it; each has a default. */
export type ProgramHooks = Partial<RunHooks>;

/** A target that stays open for several runs, one after another. */
export interface OpenTarget {
  readonly config: TargetConfig;
  /** As the program gave them. */
  readonly options: TargetOptions;
  readonly session: TargetSession;
  close(): Promise<void>;
}

/** Options of a run; with an open target only those of the run itself, for the target has its own. */
export type ProgramOptions = Omit<RunOptions, 'target'> & { readonly target: string | OpenTarget };

/**
 * Replays a workload against a target and judges it: `reprise run` for programs. Without an SLO it reports latencies
 * only. Throws a UserError for a wrong option, workload or target, and the error of a fault of Reprise.
 */
export async function run(options: ProgramOptions, hooks: ProgramHooks = {}): Promise<RunResult> {
  const all = withDefaults(hooks);
  const target = openTargetOf(options);
  if (target === null) return runOnce(defineRun(options), all);
  const { target: _, ...others } = options;
  const plan = await unlessStopped(planRun(defineReplay(others, target.config, target.options), all), all.stop);
  const dir = plan.spec.output.dir ?? newRunDirectory(plan, all.nowIso());
  return runPlan(target.session, plan, dir, all);
}

/** Starts or reaches a target once, for any number of runs. Throws a UserError where it cannot serve a run. */
export async function openTarget(options: TargetOptions, hooks: ProgramHooks = {}): Promise<OpenTarget> {
  const config = defineTarget(options);
  const { log, stop, nowIso, newSalt: makeSalt } = withDefaults(hooks);
  // Place of the log of a server that is started here, until its first run.
  const dir = join('runs', `${compactTime(nowIso())}-${config.spec.name}`);
  const session = await openSession(config, {
    plan: null,
    salt: makeSalt(),
    dir,
    patienceUs: FIRST_ANSWER_US,
    stop,
    log,
  });
  return {
    config,
    options,
    session,
    close: async () => {
      closed.add(session);
      await session.close();
    },
  };
}

const closed = new WeakSet<TargetSession>();

/**
 * The open target among options; null where it is a name, or wrong, which the schema then says. Throws a UserError where
 * it is closed.
 */
export function openTargetOf(options: unknown): OpenTarget | null {
  if (typeof options !== 'object' || options === null || !('target' in options)) return null;
  const { target } = options;
  if (!isOpenTarget(target)) return null;
  if (closed.has(target.session)) throw new UserError(`the target ${target.config.spec.text} is closed; open it again`);
  return target;
}

function isOpenTarget(value: unknown): value is OpenTarget {
  return typeof value === 'object' && value !== null && 'session' in value && 'config' in value;
}

/** Opens a run directory, whose files may be read any number of times; a run that was killed is mended first. */
export async function openRun(dir: string): Promise<Run> {
  await mendRun(dir);
  return openRunFiles(dir);
}

const FIRST_ANSWER_US = 60e6;

/** All hooks of a run, with defaults for those that a program does not have. */
export function withDefaults(hooks: ProgramHooks): RunHooks {
  return {
    nowIso: () => new Date().toISOString(),
    newSalt,
    log: SILENT,
    started: () => undefined,
    stop: new AbortController().signal,
    cut: new AbortController().signal,
    ...Object.fromEntries(Object.entries(hooks).filter(([, hook]) => hook !== undefined)),
  };
}
