import { join } from 'node:path';
import { SILENT } from '../core/log.ts';
import { openRunFiles, type Run } from '../runs/run-files.ts';
import { openTarget as openSession } from '../target/open-target.ts';
import type { TargetSession } from '../target/session.ts';
import type { TargetConfig } from '../target/target-spec.ts';
import { mendRun } from './finish.ts';
import { planRun } from './plan-run.ts';
import {
  defineReplay,
  defineRun,
  defineTarget,
  type ReplayOptions,
  type RunOptions,
  type TargetOptions,
} from './run-options.ts';
import { compactTime, newRunDirectory, run as runPlan, runOnce, type RunHooks, type RunResult } from './run.ts';

/** Hooks of a program: the log, the start of the replay, and signals to end it; each has a default. */
export type ProgramHooks = Partial<RunHooks>;

/** A target that stays open for several runs, one after another. */
export interface OpenTarget {
  readonly config: TargetConfig;
  readonly session: TargetSession;
  close(): Promise<void>;
}

/** A run against an open target; its other options are those of any run. */
export type RunOnOptions = ReplayOptions & { readonly target: OpenTarget };

/**
 * Replays a workload against a target and judges it: `reprise run` for programs. Without an SLO it reports latencies
 * only. Throws a UserError for a wrong option, workload or target, and the error of a fault of Reprise.
 */
export async function run(options: RunOptions | RunOnOptions, hooks: ProgramHooks = {}): Promise<RunResult> {
  const { target, ...others } = options;
  if (typeof target === 'string') return runOnce(defineRun(options), withDefaults(hooks));
  const all = withDefaults(hooks);
  const plan = await planRun(defineReplay(others, target.config), all.log);
  const dir = plan.spec.output.dir ?? newRunDirectory(plan, all.nowIso());
  return runPlan(target.session, plan, dir, all);
}

/** Starts or reaches a target once, for any number of runs. Throws a UserError where it cannot serve a run. */
export async function openTarget(options: TargetOptions, hooks: ProgramHooks = {}): Promise<OpenTarget> {
  const config = defineTarget(options);
  const { log, stop, nowIso } = withDefaults(hooks);
  // Place of the log of a server that is started here, until its first run.
  const dir = join('runs', `${compactTime(nowIso())}-${config.spec.name}`);
  const session = await openSession(config, { plan: null, dir, patienceUs: FIRST_ANSWER_US, stop, log });
  return { config, session, close: () => session.close() };
}

/** Opens a run directory, whose files may be read any number of times; a run that was killed is mended first. */
export async function openRun(dir: string): Promise<Run> {
  await mendRun(dir);
  return openRunFiles(dir);
}

const FIRST_ANSWER_US = 60e6;

function withDefaults(hooks: ProgramHooks): RunHooks {
  return {
    nowIso: () => new Date().toISOString(),
    log: SILENT,
    started: () => undefined,
    stop: new AbortController().signal,
    cut: new AbortController().signal,
    ...hooks,
  };
}
