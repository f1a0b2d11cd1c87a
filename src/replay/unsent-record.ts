import { isMeasured, type MeasurementWindow } from '../core/measurement-window.ts';
import { NOTHING_KNOWN, type RequestRecord } from '../core/record.ts';
import type { Request } from '../core/request.ts';
import type { ScheduledRequest } from '../core/target.ts';

/** The fields that all records of one client of a run share. */
export interface RecordContext {
  /** Name of the target. */
  readonly target: string;
  /** Null: the whole run is measured. */
  readonly window: MeasurementWindow | null;
  /** Number of the client worker that sends these requests. */
  readonly worker: number;
}

/** The record of a request that was never sent: the fields that the plan gives, all others null. */
export function unsentRecord(
  request: Request,
  dueUs: number,
  { target, window, worker }: RecordContext,
): RequestRecord {
  return {
    ...NOTHING_KNOWN,
    request_id: request.id,
    session_id: request.session ?? null,
    turn: request.turn ?? 0,
    trace_row: request.traceRow,
    slo_class: request.sloClass ?? null,
    model: request.model ?? null,
    target,
    measured: request.isPriming !== true && isMeasured(window, dueUs),
    due_us: dueUs,
    input_tokens_planned: request.inputTokens,
    output_tokens_planned: request.outputTokens,
    token_times_us: new Float64Array(0),
    outcome: 'unsent',
    worker,
    client_stalled: false,
  };
}

/** The record of a request that was due, and waited for a place in flight until the run stopped. */
export function heldRecord(request: Request, dueUs: number, untilUs: number, context: RecordContext): RequestRecord {
  return {
    ...unsentRecord(request, dueUs, context),
    error: 'it waited for a place in flight (--max-in-flight) until the run stopped',
    held_us: Math.max(0, Math.round(untilUs) - dueUs),
  };
}

/** The record of a request whose predecessor in its session failed before it was due. */
export function followerRecord({ request, dueUs }: ScheduledRequest, context: RecordContext): RequestRecord {
  return { ...unsentRecord(request, dueUs, context), error: 'it follows a request of its session that failed' };
}
