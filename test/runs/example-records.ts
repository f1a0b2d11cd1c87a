import * as fc from 'fast-check';
import { OUTCOMES, type RequestRecord, TOKEN_COUNT_SOURCES, TOKEN_TIME_SOURCES } from '../../src/core/record.ts';
import { unsentRecord } from '../../src/replay/unsent-record.ts';

/** A request that was due at 0, had its first token at 100 ms, and one every 20 ms from there; as changed by `over`. */
export function exampleRecord(over: Partial<RequestRecord> = {}): RequestRecord {
  const request = { id: 'r0', traceRow: 2, dueUs: 0, inputTokens: 10, outputTokens: 3 };
  const record: RequestRecord = {
    ...unsentRecord(request, 0, { target: '', window: null, worker: 0 }),
    target: null,
    sent_us: 0,
    input_tokens: 10,
    output_tokens: 3,
    token_times_us: Float64Array.of(100_000, 120_000, 140_000),
    token_count_source: 'token_ids',
    token_time_source: 'client',
    outcome: 'ok',
    http_status: 200,
    finish_reason: 'length',
    client_stalled: false,
    ...over,
  };
  const first = record.token_times_us[0];
  const last = record.token_times_us.at(-1);
  return {
    ...record,
    first_token_us: over.first_token_us ?? (first === undefined ? null : record.due_us + first),
    end_us: over.end_us ?? (last === undefined ? null : record.due_us + last),
  };
}

const text = fc.string({ unit: 'grapheme' });
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const tokenCount = fc.nat(2 ** 31 - 1);
const nullable = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(of, { freq: 2 });

function anyRecord(maxUs: number): fc.Arbitrary<RequestRecord> {
  // Both sides of 2^32 us, which is 71 minutes.
  const microseconds = fc.oneof(
    fc.nat(10_000_000),
    fc.maxSafeNat().map((us) => us % maxUs),
  );
  return fc.record(
    {
      request_id: text,
      session_id: nullable(text),
      turn: int32,
      trace_row: fc.maxSafeNat(),
      slo_class: nullable(text),
      model: nullable(text),
      target: nullable(text),
      measured: fc.boolean(),
      due_us: microseconds,
      sent_us: nullable(microseconds),
      connect_us: nullable(microseconds),
      first_token_us: nullable(microseconds),
      end_us: nullable(microseconds),
      input_tokens_planned: nullable(tokenCount),
      input_tokens: nullable(tokenCount),
      cached_tokens: nullable(tokenCount),
      output_tokens_planned: nullable(tokenCount),
      output_tokens: nullable(tokenCount),
      reasoning_tokens: nullable(tokenCount),
      hidden_tokens: nullable(tokenCount),
      output_tokens_reported: nullable(tokenCount),
      lumped_tokens: nullable(tokenCount),
      held_us: nullable(microseconds),
      prefill_call_us: nullable(microseconds),
      handover_us: nullable(microseconds),
      first_decode_us: nullable(microseconds),
      planned_us: nullable(microseconds),
      token_times_us: fc.array(microseconds, { maxLength: 40 }).map((times) => Float64Array.from(times).sort()),
      token_count_source: nullable(fc.constantFrom(...TOKEN_COUNT_SOURCES)),
      token_time_source: nullable(fc.constantFrom(...TOKEN_TIME_SOURCES)),
      outcome: fc.constantFrom(...OUTCOMES),
      http_status: nullable(int32),
      error: nullable(text),
      finish_reason: nullable(text),
      prefill_queue_us: nullable(microseconds),
      prefill_us: nullable(microseconds),
      transfer_us: nullable(microseconds),
      decode_queue_us: nullable(microseconds),
      decode_us: nullable(microseconds),
      worker: fc.nat(1000),
      client_stalled: nullable(fc.boolean()),
    },
    { noNullPrototype: true },
  );
}

/** Records with ids of their own, and times up to `maxUs`. */
export const anyBatch = (maxLength: number, maxUs = Number.MAX_SAFE_INTEGER): fc.Arbitrary<RequestRecord[]> =>
  fc.uniqueArray(anyRecord(maxUs), { maxLength, selector: (record) => record.request_id });
