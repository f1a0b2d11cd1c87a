import type { StreamError } from '../src/core/codec.ts';
import { messageOf } from '../src/core/errors.ts';
import { errorMessageOf } from './error-body.ts';

/** An answer that began well and was cut off, by the server or on the way. */
export const broken = (message: string): StreamError => ({ outcome: 'stream_broken', message });

/** Bytes of another protocol. */
export const foreign = (message: string): StreamError => ({ outcome: 'protocol_error', message });

export const notJson = (thrown: unknown, data: string): StreamError =>
  foreign(`an event is not JSON (${messageOf(thrown)}): ${data.slice(0, 120)}`);

/** `stray`: what the body holds that belongs to no event: a page or an error instead of a stream. */
export function endedEarly(counted: number, planned: number, stray: string): StreamError {
  if (counted === 0 && stray !== '') return foreign(`the answer is no stream of events: ${errorMessageOf(stray)}`);
  const why = stray === '' ? '' : `: ${errorMessageOf(stray)}`;
  return broken(`the stream ended after ${counted} of ${planned} tokens, without finish_reason or [DONE]${why}`);
}
