import { extname } from 'node:path';
import { startWorker, type WorkerThread } from '../core/worker.ts';
import type { GoodputQuery, GoodputResult, SimulationConfig } from './goodput/simulated.ts';

export interface Pool {
  /**
   * Results in the order of the queries, whatever the number of threads. `onResult` is called with each result as soon
   * as it is there.
   */
  ask(
    queries: readonly GoodputQuery[],
    onResult: (index: number, result: GoodputResult) => void,
  ): Promise<GoodputResult[]>;
  close(): Promise<void>;
}

/** Worker threads that simulate. When `stop` aborts, they end at once and `ask` rejects with its reason. */
export function openPool(config: SimulationConfig, workers: number, stop: AbortSignal): Pool {
  const file = new URL(`./simulation-worker${extname(import.meta.filename)}`, import.meta.url);
  const threads: WorkerThread<GoodputQuery, GoodputResult>[] = [];
  const stopped = new Promise<never>((_, reject) => {
    if (stop.aborted) reject(stop.reason);
    stop.addEventListener('abort', () => reject(stop.reason), { once: true });
  });
  stopped.catch(() => undefined);
  return {
    async ask(queries, onResult) {
      const results: GoodputResult[] = [];
      let next = 0;
      const work = async (index: number): Promise<void> => {
        for (;;) {
          const number = next++;
          const query = queries[number];
          if (query === undefined) return;
          const thread = (threads[index] ??= startWorker(file, config));
          const result = await Promise.race([thread.ask(query), stopped]);
          results[number] = result;
          onResult(number, result);
        }
      };
      await Promise.all(Array.from({ length: Math.min(workers, queries.length) }, (_, index) => work(index)));
      return results;
    },
    close: async () => {
      await Promise.all(threads.map((thread) => thread.terminate()));
    },
  };
}
