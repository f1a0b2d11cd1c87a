/** Where a record can say that a request's time went, in the order in which it goes there. */
export const PHASES = ['client', 'prefill_queue', 'prefill', 'transfer', 'decode_queue', 'decode'] as const;
