import type { Phases } from '../src/core/record.ts';
import { isObject, numberAt } from './json.ts';

/** Where a request spent its time, as the reference engine tells it at the end of an answer; null where no one does. */
export function phasesOf(value: unknown): Phases | null {
  if (!isObject(value)) return null;
  return {
    prefill_queue_us: numberAt(value, 'prefill_queue_us'),
    prefill_us: numberAt(value, 'prefill_us'),
    transfer_us: numberAt(value, 'transfer_us'),
    decode_queue_us: numberAt(value, 'decode_queue_us'),
    decode_us: numberAt(value, 'decode_us'),
  };
}
