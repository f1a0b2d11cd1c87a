import { messageOf, UserError } from './errors.ts';

/** The error of what `stop` has ended before a replay began. */
export function stoppedError(stop: AbortSignal): UserError {
  return new UserError(`${messageOf(stop.reason)} before the replay began: there is no run directory`, {
    cause: stop.reason,
  });
}

/** Rejects with the reason of `signal` once that aborts; never resolves. */
export function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = (): void => reject(signal.reason);
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}

/**
 * The result of `work`; once `stop` aborts, a rejection at once. The caller then ends whatever the work still holds:
 * its own outcome is ignored.
 */
export async function unlessStopped<T>(work: Promise<T>, stop: AbortSignal): Promise<T> {
  let onStop = (): void => undefined;
  const stopped = new Promise<never>((_resolve, reject) => {
    onStop = () => reject(stoppedError(stop));
    if (stop.aborted) onStop();
    else stop.addEventListener('abort', onStop, { once: true });
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    stop.removeEventListener('abort', onStop);
  }
}
