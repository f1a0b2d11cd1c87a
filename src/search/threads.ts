import { availableParallelism } from 'node:os';
import { rejectedBy } from '../core/stop.ts';
import { MOST_THREADS_PER_CORE, startWorker, type WorkerThread } from '../core/worker.ts';

/** Worker threads that share a list of questions. */
export interface Threads<Q, A> {
  /**
   * Answers in the order of the questions, whatever the number of threads. `onAnswer` is called with each answer as soon
   * as it is there.
   */
  ask(questions: readonly Q[], onAnswer: (index: number, answer: A) => void): Promise<A[]>;
  close(): Promise<void>;
}

/** Threads for so many questions. */
export function threadCount(workers: number, questions: number, cores = availableParallelism()): number {
  return Math.min(workers, questions, MOST_THREADS_PER_CORE * cores);
}

/** Up to `workers` threads of `file`. When `stop` aborts, they end at once and `ask` rejects with its reason. */
export function openThreads<D, Q, A>(file: URL, data: D, workers: number, stop: AbortSignal): Threads<Q, A> {
  const threads: WorkerThread<Q, A>[] = [];
  const stopped = rejectedBy(stop);
  stopped.catch(() => undefined);
  return {
    async ask(questions, onAnswer) {
      const answers: A[] = [];
      let next = 0;
      const work = async (index: number): Promise<void> => {
        for (;;) {
          const number = next++;
          const question = questions[number];
          if (question === undefined) return;
          const thread = (threads[index] ??= startWorker(file, data));
          const answer = await Promise.race([thread.ask(question), stopped]);
          answers[number] = answer;
          onAnswer(number, answer);
        }
      };
      await Promise.all(Array.from({ length: threadCount(workers, questions.length) }, (_, index) => work(index)));
      return answers;
    },
    close: async () => {
      await Promise.all(threads.map((thread) => thread.terminate()));
    },
  };
}
