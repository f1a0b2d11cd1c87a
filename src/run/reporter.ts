import { extname } from 'node:path';
import { startWorker } from '../core/worker.ts';

/** Makes summaries and reports of finished runs beside other work. */
export interface Reporter {
  /** The run in `dir` is finished but for its report. */
  report(dir: string): void;
  /** Resolves when every report is written; throws the first error. */
  done(): Promise<void>;
  close(): Promise<void>;
}

/** A thread of its own makes the reports, one after another. */
export function openReporter(): Reporter {
  const thread = startWorker<null, string, void>(
    new URL(`./report-worker${extname(import.meta.filename)}`, import.meta.url),
    null,
  );
  const asked: Promise<void>[] = [];
  return {
    report(dir) {
      const answer = thread.ask(dir);
      // `done` throws it.
      answer.catch(() => undefined);
      asked.push(answer);
    },
    done: async () => void (await Promise.all(asked)),
    close: () => thread.terminate(),
  };
}
