import { closeSync, writeSync } from 'node:fs';
import { openReplaceable } from '../../core/own-file.ts';
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
 * written, or holds anything but iterations: the trace, for one.
 */
export function openIterationFile(path: string): IterationFile {
  const file = openReplaceable(path, isIterations, '--trace-iterations');
  let text = '';
  const flush = (): void => {
    writeSync(file, text);
    text = '';
  };
  return {
    onIteration: logIterations((entry) => {
      text += `${JSON.stringify(entry)}\n`;
      if (text.length >= CHUNK) flush();
    }),
    close() {
      flush();
      closeSync(file);
    },
  };
}

/** Whether a file begins with the line of an iteration, as `logIterations` has it. */
function isIterations(head: string): boolean {
  return /^\{"instance":"[^\n]*","begin_us":[\d.e+-]+,"stage_us":[\d.e+-]+,"prefill":\[/.test(head);
}
