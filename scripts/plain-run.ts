import type { RunHooks } from '../src/run/run.ts';
import type { RunSpec } from '../src/run/run-spec.ts';

/** A replay of `path` as the command line would do it without options, but for those in `own`. */
export function plainRun(path: string, own: Pick<RunSpec, 'target' | 'out'> & Partial<RunSpec>): RunSpec {
  return {
    workload: { path, onBadRow: 'fail', transforms: [] },
    adapter: 'auto',
    endpoint: null,
    model: null,
    tokenizer: null,
    clock: 'real',
    slo: null,
    warmupUs: 0,
    cooldownUs: 0,
    warmupRequests: 0,
    resetCache: false,
    seed: 1,
    timeoutUs: 600e6,
    ttftTimeoutUs: 60e6,
    headers: {},
    insecure: false,
    start: null,
    traceIterations: null,
    command: [],
    ...own,
  };
}

/** Hooks of a run that nobody watches and nothing interrupts. */
export const UNWATCHED: RunHooks = {
  nowIso: () => new Date().toISOString(),
  warn: () => undefined,
  tell: () => undefined,
  started: () => undefined,
  stop: new AbortController().signal,
  cut: new AbortController().signal,
};
