import { serveWorker } from '../core/worker.ts';
import { readManifest } from '../runs/read-manifest.ts';
import { reportRun } from './finish.ts';

/** The thread of `openReporter`: summary and report of finished run directories. */
serveWorker<null, string, void>(() => async (dir) => {
  await reportRun(dir, readManifest(dir));
});
