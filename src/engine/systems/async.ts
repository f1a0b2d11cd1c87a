import type { OptionReader } from './option-reader.ts';

const SWITCH = { on: {}, off: {} };

export type Async = keyof typeof SWITCH;

/** Whether an instance decides each batch while the one before runs. */
export function readAsync(given: OptionReader, fallback: Async, source: string): Async {
  return given.name('async', SWITCH, {
    fallback,
    about:
      'whether each batch is decided while the one before runs, the host’s work with it; without effect with pp above ' +
      '1, where as many batches as stages are under way and none is decided ahead',
    source,
  });
}
