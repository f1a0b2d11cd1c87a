import { availableParallelism, cpus, totalmem } from 'node:os';
import { basename } from 'node:path';
import type { Manifest } from '../schema/manifest.ts';
import type { Plan } from '../core/plan.ts';
import type { SloSpec } from '../core/slo.ts';
import type { Arena } from '../target/session.ts';
import type { RunSpec } from './run-spec.ts';
import { version } from '../core/version.ts';

/** A run that has passed its checks and is about to begin. */
export interface CheckedRun {
  readonly spec: RunSpec;
  readonly plan: Plan;
  /** Rows of the workload that are left out. */
  readonly badRows: number;
  readonly dir: string;
  /** ISO 8601 in UTC. */
  readonly startedAt: string;
}

/** What `run.json` says of a run as it begins. */
export function describeRun(
  { spec, plan: { source, stats, window }, badRows, dir, startedAt }: CheckedRun,
  arena: Arena,
): Manifest {
  const durationS = stats.lastDueUs / 1e6;
  return {
    schema: 1,
    run_id: basename(dir),
    status: 'running',
    reason: null,
    command: [...spec.command],
    pid: process.pid,
    started_at: startedAt,
    ended_at: null,
    versions: { reprise: version(), node: process.versions.node },
    machine: {
      os: `${process.platform} ${process.arch}`,
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memory_bytes: totalmem(),
    },
    clock: spec.clock,
    seed: spec.seed,
    plan_sha256: stats.digest,
    workload: {
      name: source.name,
      format: source.format,
      path: source.path,
      sha256: stats.sourceSha256,
      transforms: source.transforms.map((note) => ({ op: note.op, args: { ...note.args } })),
      ...(source.blockTokens === undefined ? {} : { block_tokens: source.blockTokens }),
      on_bad_row: spec.workload.onBadRow,
      bad_rows: badRows,
      requests: stats.requests,
      duration_s: durationS,
      rate_rps: durationS > 0 ? stats.requests / durationS : 0,
      input_tokens: stats.inputTokens,
      output_tokens: stats.outputTokens,
      ...(stats.prefixReuse === null ? {} : { prefix_reuse: stats.prefixReuse }),
    },
    measured:
      window === null
        ? null
        : {
            warmup_s: spec.warmupUs / 1e6,
            cooldown_s: spec.cooldownUs / 1e6,
            from_us: window.fromUs,
            to_us: window.toUs,
          },
    target: arena.facts,
    ...(arena.prompts === null ? {} : { prompts: arena.prompts }),
    prepared: arena.prepared,
    slo: spec.slo === null ? null : manifestSlo(spec.slo),
    timeout_s: spec.timeoutUs / 1e6,
    ttft_timeout_s: spec.ttftTimeoutUs / 1e6,
    client: null,
  };
}

export function manifestSlo({ text, limits, profile }: SloSpec): NonNullable<Manifest['slo']> {
  return { text, ...(profile === undefined ? {} : { profile: { ...profile } }), limits_ms: { ...limits } };
}
