import { existsSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { EXIT, UserError } from '../../core/errors.ts';
import { reportRun } from '../../run/finish.ts';
import { unlikePlan } from '../../run/manifest.ts';
import type { RunPlan } from '../../run/plan-run.ts';
import { patienceUs } from '../../run/run-spec.ts';
import { record, type RunHooks } from '../../run/run.ts';
import { reportFile, writeManifest } from '../../runs/run-directory.ts';
import type { Manifest } from '../../schema/manifest.ts';
import { openTarget } from '../../target/open-target.ts';
import { checkThere } from '../check-there.ts';
import { keptRun } from '../kept-run.ts';

/** The finished run that an earlier command left; its target is not opened for that. */
export async function keptRepeat(plan: RunPlan, dir: string): Promise<Manifest | null> {
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
  const optionOf = (name: string): readonly [unknown, unknown] => [found.options?.[name], asked?.[name]];
  const { connections } = plan.spec.target;
  const isOther: Readonly<Record<string, readonly [unknown, unknown]>> = {
    '--base-start or --new-start': optionOf('start'),
    '--endpoint': optionOf('endpoint'),
    '--tokenizer': optionOf('tokenizer'),
    '--connections': [found.target.connections ?? connections, connections],
    '--reset-cache': [(found.prepared?.cache_reset ?? null) !== null, plan.spec.prepare.resetCache],
  };
  return [
    ...unlikePlan(found, plan, { facts }),
    ...Object.keys(isOther).filter((name) => !isDeepStrictEqual(...(isOther[name] ?? [null, null]))),
  ];
}

/** Opens the target, runs, and closes it. Throws a UserError where the run did not go to its end, or got no answer. */
export async function makeRepeat(plan: RunPlan, dir: string, hooks: RunHooks): Promise<Manifest> {
  const { target, measure } = plan.spec;
  const { stop, log } = hooks;
  const session = await openTarget(target, {
    plan,
    salt: plan.salt,
    dir,
    patienceUs: patienceUs(measure),
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
    return manifest;
  } finally {
    await session.close();
  }
}
