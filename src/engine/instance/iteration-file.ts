import { closeSync, openSync, writeSync } from 'node:fs';
import { messageOf, UserError } from '../../core/errors.ts';
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
 * written.
 */
export function openIterationFile(path: string): IterationFile {
  const file = create(path);
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

function create(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (thrown) {
    throw new UserError(`--trace-iterations: cannot write ${path}: ${messageOf(thrown)}`);
  }
}
