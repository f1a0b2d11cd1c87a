import { EXIT } from '../core/errors.ts';

/** Exit codes by the signal that ends a command. */
export const SIGNAL_EXIT = { SIGINT: EXIT.sigint, SIGTERM: EXIT.sigterm } as const;
export type EndSignal = keyof typeof SIGNAL_EXIT;

/**
 * Ctrl-C reaches the whole foreground group: this process twice, for npm passes on what it gets itself. Equal signals
 * within this time are one.
 */
const SAME_SIGNAL_MS = 300;

/** Calls `onSignal` for each SIGINT and SIGTERM; the returned function ends that. */
export function onEndSignals(onSignal: (name: EndSignal) => void): () => void {
  const listen = (name: EndSignal): (() => void) => {
    let lastMs = Number.NEGATIVE_INFINITY;
    const listener = (): void => {
      const nowMs = performance.now();
      if (nowMs - lastMs < SAME_SIGNAL_MS) return;
      lastMs = nowMs;
      onSignal(name);
    };
    process.on(name, listener);
    return () => void process.off(name, listener);
  };
  const ends = [listen('SIGINT'), listen('SIGTERM')];
  return () => ends.forEach((end) => end());
}
