/** The public API: what a program that embeds Reprise may use. */
export type { Clock } from './core/clock.ts';
export type { Call, Codec, Decoder, StreamError, TokenOut } from './core/codec.ts';
export { EXIT, UserError, type ExitCode } from './core/errors.ts';
export { manifestSchema, type Manifest } from './schema/manifest.ts';
export type { Plan, PlanStats, Source, TransformSpec } from './core/plan.ts';
export { OUTCOMES, RECORD_COLUMNS, type Outcome, type RecordBatch, type RequestRecord } from './core/record.ts';
export type { PromptForm, PromptMaker } from './core/codec.ts';
export type { Request } from './core/request.ts';
export { parseSlo, type SloSpec, type Slo } from './core/slo.ts';
export type { Summary } from './schema/summary.ts';
export type { ResponseInfo, ScheduledRequest, Sink, Target } from './core/target.ts';
export { runOnce, type RunHooks, type RunProgress, type RunResult } from './run/run.ts';
export type { RunSpec, WorkloadSpec } from './run/run-spec.ts';
export { openRun, reportRun } from './run/finish.ts';
export { readRecords } from './runs/records.ts';
export { summarise } from './metrics/summarise.ts';
