import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { tell } from './terminal.ts';

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

/** How SIGINT and SIGTERM end a command of many runs. */
export interface Interruption {
  /** Both abort at the first signal: the same command makes the run that is cut again. */
  readonly stop: AbortSignal;
  readonly cut: AbortSignal;
  /** The exit code of the signal that came; null: none has. */
  readonly exitCode: () => ExitCode | null;
  /** What to throw of an error that ended the command: after a signal a UserError of it says that, a fault stays one. */
  readonly errorOf: (thrown: unknown) => unknown;
  /** Ends the listening. */
  readonly end: () => void;
}

/** The first signal stops the runs and says that `goesOn`, a sentence without its full stop; a second leaves at once. */
export function stopBySignal(goesOn: string): Interruption {
  const [stop, cut] = [new AbortController(), new AbortController()];
  let signalled: ExitCode | null = null;
  const end = onEndSignals((name) => {
    if (signalled !== null) process.exit(SIGNAL_EXIT[name]);
    tell(`\nstopping: ${goesOn} (again: leave at once)`);
    signalled = SIGNAL_EXIT[name];
    stop.abort(new Error(`interrupted by ${name}`));
    cut.abort();
  });
  return {
    stop: stop.signal,
    cut: cut.signal,
    exitCode: () => signalled,
    errorOf: (thrown) =>
      signalled !== null && thrown instanceof UserError
        ? new UserError('interrupted', { exitCode: signalled })
        : thrown,
    end,
  };
}
