import { isMeasured, type MeasurementWindow } from '../core/measurement-window.ts';
import type { RequestRecord } from '../core/record.ts';
import type { Request } from '../core/request.ts';

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
    request_id: request.id,
    session_id: request.session ?? null,
    turn: request.turn ?? 0,
    trace_row: request.traceRow,
    slo_class: request.sloClass ?? null,
    model: request.model ?? null,
    target,
    measured: isMeasured(window, dueUs),
    due_us: dueUs,
    sent_us: null,
    connect_us: null,
    first_token_us: null,
    end_us: null,
    input_tokens_planned: request.inputTokens,
    input_tokens: null,
    cached_tokens: null,
    output_tokens_planned: request.outputTokens,
    output_tokens: null,
    reasoning_tokens: null,
    hidden_tokens: null,
    output_tokens_reported: null,
    lumped_tokens: null,
    held_us: null,
    token_times_us: new Float64Array(0),
    token_count_source: null,
    token_time_source: null,
    outcome: 'unsent',
    http_status: null,
    error: null,
    finish_reason: null,
    prefill_queue_us: null,
    prefill_us: null,
    transfer_us: null,
    decode_queue_us: null,
    decode_us: null,
    prefill_call_us: null,
    handover_us: null,
    first_decode_us: null,
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
