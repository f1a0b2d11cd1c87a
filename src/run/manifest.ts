import { availableParallelism, cpus, totalmem } from 'node:os';
import { basename } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { SloSpec } from '../core/slo.ts';
import { meanRate } from '../core/rate.ts';
import { version } from '../core/version.ts';
import { thisHost } from '../runs/owner.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { Attachment, TargetSession } from '../target/session.ts';
import { shownBody } from './extra-body.ts';
import { commandOf } from './given-options.ts';
import type { RunPlan } from './plan-run.ts';
import { describeProbe } from './probe-file.ts';
import { isOwnSource } from './run-spec.ts';

/** Directory and start time of a run. */
export interface RunPlace {
  readonly dir: string;
  /** ISO 8601 in UTC. */
  readonly startedAt: string;
}

/** The manifest (`run.json`) of a run at its start. */
export function describeRun(
  plan: RunPlan,
  { dir, startedAt }: RunPlace,
  session: Pick<TargetSession, 'facts' | 'started'>,
  { prompts, prepared }: Pick<Attachment, 'prompts' | 'prepared'>,
  isPaced = false,
): Manifest {
  const { spec, seed, salt, stats } = plan;
  const { measure, slo, target, output } = spec;
  return {
    schema: 1,
    run_id: basename(dir),
    status: 'running',
    reason: null,
    command: commandOf(output.options),
    options: output.options,
    pid: process.pid,
    host: thisHost(),
    ...(session.started === null ? {} : { started: session.started }),
    started_at: startedAt,
    ended_at: null,
    versions: { reprise: version(), node: process.versions.node },
    machine: {
      os: `${process.platform} ${process.arch}`,
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memory_bytes: totalmem(),
    },
    clock: target.clock,
    seed,
    salt,
    plan_sha256: stats.digest,
    workload: describeWorkload(plan),
    ...(isPaced ? { paced: true } : {}),
    ...describeSessions(plan),
    measured: describeMeasured(plan),
    target: session.facts,
    ...(prompts === null ? {} : { prompts }),
    ignore_eos: target.body.ignoreEos,
    stream: target.body.stream,
    temperature: target.body.temperature,
    extra_body: shownBody(target.body.extra),
    prepared,
    ...(spec.probe === null ? {} : { probe: describeProbe(spec.probe, plan, session.facts.model) }),
    slo: slo === null ? null : describeSlo(slo, spec.at),
    timeout_s: measure.timeoutUs / 1e6,
    ttft_timeout_s: measure.ttftTimeoutUs / 1e6,
    max_in_flight: measure.maxInFlight,
    workers: plan.workers,
    client: null,
  };
}

/**
 * What a run was asked to do otherwise than `plan` asks for, in words; empty: the same again would measure the same. What
 * its share of requests was to be, and its salt, make no difference.
 */
export function unlikePlan(found: Manifest, plan: RunPlan, session: Pick<TargetSession, 'facts'>): string[] {
  const { prepared } = found;
  const asked = describeRun(
    plan,
    { dir: '.', startedAt: '' },
    { ...session, started: null },
    { prompts: null, prepared },
  );
  const isOther: Readonly<Record<string, readonly [unknown, unknown]>> = {
    requests: [found.plan_sha256, asked.plan_sha256],
    target: [identityOf(found), identityOf(asked)],
    clock: [found.clock, asked.clock],
    SLO: [found.slo?.limits_ms, asked.slo?.limits_ms],
    '--warmup or --cooldown': [found.measured, asked.measured],
    '--warmup-requests': [prepared?.warmup_requests ?? 0, plan.spec.prepare.warmupRequests],
    '--timeout': [found.timeout_s, asked.timeout_s],
    '--ttft-timeout': [found.ttft_timeout_s, asked.ttft_timeout_s],
    '--sessions, --history, --concurrent-sessions or --idle-cap': [withoutIdle(found), withoutIdle(asked)],
    '--max-in-flight': [found.max_in_flight, asked.max_in_flight],
    'request bodies': [bodyOf(found), bodyOf(asked)],
  };
  return Object.keys(isOther).filter((name) => !isDeepStrictEqual(...(isOther[name] ?? [null, null])));
}

function withoutIdle({ sessions }: Manifest): unknown {
  return sessions === undefined ? null : { ...sessions, idle_removed_s: 0 };
}

function identityOf({ target: { spec, kind, adapter, model } }: Manifest): unknown {
  return { spec, kind, adapter, model };
}

function bodyOf({ ignore_eos, stream, temperature, extra_body }: Manifest): unknown {
  return { ignore_eos, stream, temperature, extra_body };
}

function describeWorkload({ source, stats, badRows, workload }: RunPlan): Manifest['workload'] {
  return {
    name: source.name,
    format: source.format,
    path: source.path,
    sha256: stats.sourceSha256,
    transforms: source.transforms.map(({ op, args }) => ({ op, args: { ...args } })),
    ...(source.blockTokens === undefined ? {} : { block_tokens: source.blockTokens }),
    ...(workload?.tokenizer === undefined ? {} : { tokenizer: workload.tokenizer }),
    ...(workload?.inputIs === undefined ? {} : { input_is: workload.inputIs }),
    ...(workload?.map === undefined ? {} : { map: workload.map }),
    on_bad_row: workload?.onBadRow ?? 'fail',
    bad_rows: badRows,
    warnings: [...stats.warnings],
    ...(stats.classes === undefined ? {} : { classes: [...stats.classes] }),
    requests: stats.requests,
    duration_s: stats.lastDueUs / 1e6,
    rate_rps: meanRate(stats.requests, stats.firstDueUs, stats.lastDueUs) ?? 0,
    input_tokens: stats.inputTokens,
    output_tokens: stats.outputTokens,
    ...(stats.prefixReuse === null ? {} : { prefix_reuse: stats.prefixReuse }),
    ...ownPromptsOf(stats),
  };
}

function ownPromptsOf({ ownPrompts }: RunPlan['stats']): Pick<Manifest['workload'], 'own_prompts'> {
  if (ownPrompts === undefined) return {};
  const { texts, ids, messages, chatBodies, promptBodies, estimated } = ownPrompts;
  return { own_prompts: { texts, ids, messages, bodies: chatBodies + promptBodies, estimated } };
}

function describeSessions({ sessions, stats, spec: { workload, measure } }: RunPlan): Pick<Manifest, 'sessions'> {
  const asked = isOwnSource(workload) ? undefined : workload.sessions;
  if (sessions === null) return {};
  return {
    sessions: {
      mode: sessions.thinks ? 'think' : 'trace',
      ...(sessions.history === 'live' ? { history: sessions.history } : {}),
      concurrent: sessions.lanes,
      session_rate: asked?.sessionRate ?? null,
      start_at: asked?.isStationary === true ? 'stationary' : 'empty',
      primed: stats.primingRequests ?? 0,
      idle_cap_s: measure.idleCapUs === null ? null : measure.idleCapUs / 1e6,
      idle_removed_s: 0,
    },
  };
}

function describeMeasured({ window, spec: { measure } }: RunPlan): Manifest['measured'] {
  if (window === null) return null;
  return {
    warmup_s: measure.warmupUs / 1e6,
    cooldown_s: measure.cooldownUs / 1e6,
    from_us: window.fromUs,
    to_us: window.toUs,
  };
}

export function describeSlo({ text, limits, profile }: SloSpec, at: number): NonNullable<Manifest['slo']> {
  return { text, ...(profile === undefined ? {} : { profile: { ...profile } }), limits_ms: { ...limits }, at };
}
