import { closeSync } from 'node:fs';
import { openReplaceable, writeTo } from '../../core/own-file.ts';
import { logIterations } from './iteration-log.ts';

/** Characters that are kept before they are written. */
const CHUNK = 1 << 16;

export interface IterationFile {
  /** To be called for each iteration. */
  readonly onIteration: ReturnType<typeof logIterations>;
  close(): void;
}

/**
 * A file of what each iteration of an engine ran, one JSON line an iteration. Throws a UserError if it cannot be
 * written, then or later, or holds anything but iterations: the trace, for one.
 */
export function openIterationFile(path: string): IterationFile {
  const option = '--trace-iterations';
  const file = openReplaceable(path, isIterations, option);
  let text = '';
  const flush = (): void => {
    const lines = text;
    // Also where it fails: to be closed must not fail for it again.
    text = '';
    writeTo(file, lines, path, option);
  };
  return {
    onIteration: logIterations((entry) => {
      text += `${JSON.stringify(entry)}\n`;
      if (text.length >= CHUNK) flush();
    }),
    close() {
      try {
        flush();
      } finally {
        closeSync(file);
      }
    },
  };
}

/** Whether a file begins with the line of an iteration, as `logIterations` has it. */
function isIterations(head: string): boolean {
  return /^\{"instance":"[^\n]*","begin_us":[\d.e+-]+,"stage_us":[\d.e+-]+,"prefill":\[/.test(head);
}
