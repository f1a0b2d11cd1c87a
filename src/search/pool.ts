import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { UserError } from '../core/errors.ts';
import type { GoodputResult, GoodputQuery, SimulationConfig } from './goodput/simulated.ts';

/** What a worker answers to a question. */
export type Reply =
  | { readonly kind: 'answer'; readonly answer: GoodputResult }
  | { readonly kind: 'mistake'; readonly message: string }
  | { readonly kind: 'fault'; readonly message: string };

export interface Pool {
  /**
   * Answers in the order of the questions, whichever worker had which and however many there are. `told` hears of each
   * as it comes.
   */
  ask(
    questions: readonly GoodputQuery[],
    told: (index: number, answer: GoodputResult) => void,
  ): Promise<GoodputResult[]>;
  close(): Promise<void>;
}

/** Worker threads that simulate. When `stop` aborts they end at once, and `ask` rejects with its reason. */
export function openPool(setting: SimulationConfig, workers: number, stop: AbortSignal): Pool {
  const threads: Worker[] = [];
  const thread = (index: number): Worker =>
    (threads[index] ??= new Worker(new URL(`./simulation-worker${extname(import.meta.filename)}`, import.meta.url), {
      workerData: setting,
    }));
  const close = async (): Promise<void> => {
    await Promise.all(threads.map((each) => each.terminate()));
  };
  return {
    async ask(questions, told) {
      const answers: GoodputResult[] = [];
      let next = 0;
      const work = async (index: number): Promise<void> => {
        for (;;) {
          stop.throwIfAborted();
          const number = next++;
          const question = questions[number];
          if (question === undefined) return;
          const answer = await askOne(thread(index), question, stop);
          answers[number] = answer;
          told(number, answer);
        }
      };
      await Promise.all(Array.from({ length: Math.min(workers, questions.length) }, (_, index) => work(index)));
      return answers;
    },
    close,
  };
}

function askOne(worker: Worker, question: GoodputQuery, stop: AbortSignal): Promise<GoodputResult> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      worker.off('message', onReply).off('error', onError);
      stop.removeEventListener('abort', onStop);
    };
    const onReply = (reply: Reply): void => {
      settle();
      if (reply.kind === 'answer') resolve(reply.answer);
      else reject(reply.kind === 'mistake' ? new UserError(reply.message) : new Error(reply.message));
    };
    const onError = (error: Error): void => {
      settle();
      reject(error);
    };
    const onStop = (): void => {
      settle();
      reject(stop.reason);
    };
    worker.on('message', onReply).on('error', onError);
    stop.addEventListener('abort', onStop);
    worker.postMessage(question);
  });
}
