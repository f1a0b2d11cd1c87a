import { parentPort, Worker, workerData } from 'node:worker_threads';
import { UserError, type ExitCode } from './errors.ts';

/** A worker thread that answers questions; both are plain data. */
export interface WorkerThread<Q, A> {
  /**
   * Rejects with the UserError or the fault that the answer ended in, the latter with its stack, or with the fault that
   * has ended the thread.
   */
  ask(question: Q): Promise<A>;
  /** Ends it at once; what is not answered by then never is. */
  terminate(): Promise<void>;
  /** Whether the thread keeps the process alive (it does). */
  keepAlive(alive: boolean): void;
}

/** Answers one question. `transfer`: buffers of the answer that are handed over rather than copied. */
export type Answerer<Q, A> = (question: Q, transfer: (buffers: readonly ArrayBuffer[]) => void) => A | Promise<A>;

interface Question<Q> {
  readonly id: number;
  readonly question: Q;
}

type Reply<A> =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: A }
  | { readonly kind: 'user error'; readonly id: number; readonly message: string; readonly exitCode: ExitCode }
  | { readonly kind: 'fault'; readonly id: number; readonly error: Error };

interface Pending<A> {
  resolve(answer: A): void;
  reject(error: unknown): void;
}

/** Starts `file`, which has to call `serveWorker`, in a thread of its own. */
export function startWorker<D, Q, A>(file: URL, data: D): WorkerThread<Q, A> {
  const worker = new Worker(file, { workerData: data });
  const pending = new Map<number, Pending<A>>();
  let asked = 0;
  let fault: Error | null = null;
  const failAll = (error: Error): void => {
    fault ??= error;
    for (const { reject } of pending.values()) reject(fault);
    pending.clear();
  };
  worker.on('message', (reply: Reply<A>) => {
    const waiting = pending.get(reply.id);
    pending.delete(reply.id);
    if (reply.kind === 'answer') waiting?.resolve(reply.answer);
    else if (reply.kind === 'fault') waiting?.reject(reply.error);
    else waiting?.reject(new UserError(reply.message, { exitCode: reply.exitCode }));
  });
  worker.on('error', (error) => failAll(error instanceof Error ? error : new Error(String(error))));
  worker.on('exit', () => failAll(new Error(`the worker thread ${file.pathname} has ended`)));
  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        if (fault !== null) {
          reject(fault);
          return;
        }
        const id = asked++;
        pending.set(id, { resolve, reject });
        worker.postMessage({ id, question } satisfies Question<Q>, []);
      }),
    terminate: async () => {
      pending.clear();
      await worker.terminate();
    },
    keepAlive: (alive) => {
      if (alive) worker.ref();
      else worker.unref();
    },
  };
}

/** The other side of `startWorker`: `open` gets its data and makes what answers its questions. */
export function serveWorker<D, Q, A>(open: (data: D) => Answerer<Q, A>): void {
  const port = parentPort;
  if (port === null) throw new Error('not in a worker thread');
  const data: D = workerData;
  const answerer = open(data);
  const reply = (message: Reply<A>, transferred: readonly ArrayBuffer[] = []): void =>
    port.postMessage(message, transferred);
  port.on('message', ({ id, question }: Question<Q>) => {
    const transferred: ArrayBuffer[] = [];
    const answering = async (): Promise<A> => answerer(question, (buffers) => transferred.push(...buffers));
    answering().then(
      (answer) => reply({ kind: 'answer', id, answer }, transferred),
      (thrown: unknown) =>
        reply(
          thrown instanceof UserError
            ? { kind: 'user error', id, message: thrown.message, exitCode: thrown.exitCode }
            : { kind: 'fault', id, error: thrown instanceof Error ? thrown : new Error(String(thrown)) },
        ),
    );
  });
}
