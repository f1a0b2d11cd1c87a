import type { MissKind, MissPhase } from '../data/miss.ts';
import { COLOURS } from './theme.ts';

export const KIND_NAMES: Readonly<Record<MissKind, string>> = {
  ttft: 'TTFT only',
  tpot: 'TPOT only',
  e2e: 'E2E only',
  itl: 'ITL only',
  several: 'several limits',
  failed: 'failed',
};

export const KIND_COLOURS: Readonly<Record<MissKind, string>> = {
  ttft: COLOURS.first,
  tpot: COLOURS.second,
  e2e: COLOURS.fourth,
  itl: COLOURS.muted,
  several: COLOURS.third,
  failed: COLOURS.bad,
};

export const PHASE_NAMES: Readonly<Record<MissPhase, string>> = {
  held: 'held by the cap',
  client: 'client',
  prefill_call: 'prefill server',
  handover: 'hand-over',
  first_decode: 'first decode token',
  prefill_queue: 'prefill queue',
  prefill: 'prefill',
  transfer: 'KV transfer',
  decode_queue: 'decode queue',
  decode: 'decode',
  unknown: 'not told',
};

/** How a sentence says that a missed request spent its time in the phase. */
export const PHASE_VERBS: Readonly<Record<MissPhase, string>> = {
  held: 'waited longest for a place in flight (--max-in-flight)',
  client: 'spent most of the time waiting in the client',
  prefill_call: 'waited longest for the prefill server',
  handover: 'spent most of the time between the prefill server and the decode server',
  first_decode: 'waited longest for the first token of the decode server',
  prefill_queue: 'waited longest in the prefill queue',
  prefill: 'spent most of the time in prefill',
  transfer: 'waited longest for the KV transfer',
  decode_queue: 'waited longest in the decode queue',
  decode: 'spent most of the time in decode',
  unknown: 'spent most of the time where the target does not tell',
};
