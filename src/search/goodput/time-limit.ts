/** A signal that aborts after a time, in milliseconds; only a command, or the door for programs, may ask for it. */
export function timeLimit(ms: number): AbortSignal {
  const over = new AbortController();
  if (Number.isFinite(ms)) setTimeout(() => over.abort(new Error('the time of --budget is over')), ms).unref();
  return over.signal;
}
