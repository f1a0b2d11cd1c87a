/** The public API: what a program that embeds Reprise may use. */
export type { Clock } from './core/clock.ts';
export type { Call, Codec, Decoder, PromptForm, PromptMaker, StreamError, TokenOut } from './core/codec.ts';
export { ProtocolError } from './core/codec.ts';
export { EXIT, UserError, type ExitCode } from './core/errors.ts';
export type { Log } from './core/log.ts';
export type { Plan, PlanStats, Source, TransformSpec, WorkloadSpec } from './core/plan.ts';
export { OUTCOMES, RECORD_COLUMNS, type Outcome, type RecordBatch, type RequestRecord } from './core/record.ts';
export type { Request } from './core/request.ts';
export { parseSlo, type Slo, type SloSpec } from './core/slo.ts';
export type { ResponseInfo, ScheduledRequest, Sink, Target } from './core/target.ts';
export { summarise } from './metrics/summarise.ts';
export { openRun, openTarget, run, type OpenTarget, type ProgramHooks, type Run } from './run/program.ts';
export { defineRun, type RunOptions } from './run/run-options.ts';
export type { RunProgress, RunResult } from './run/run.ts';
export type { RunSpec } from './run/run-spec.ts';
export { manifestSchema, type Manifest } from './schema/manifest.ts';
export type { Summary } from './schema/summary.ts';
export type { TargetSession } from './target/session.ts';
