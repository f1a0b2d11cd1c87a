import { extname } from 'node:path';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { ByIndex } from './by-index.ts';
import { withCompileCache } from './compile-cache.ts';
import { messageOf, UserError, type ExitCode } from './errors.ts';

/** A worker thread that answers questions; questions and answers are plain data. */
export interface WorkerThread<Q, A> {
  /**
   * The answer to a question. Rejects with the UserError or the fault that the thread threw for it, or with the fault
   * that has ended the thread; a fault carries the thread's stack.
   */
  ask(question: Q): Promise<A>;
  /** A question without an answer, for a caller that is timed: no reply interrupts it. A failure ends the thread. */
  post(question: Q): void;
  /** Ends the thread at once; pending questions are never settled. */
  terminate(): Promise<void>;
  /** Whether the thread keeps the process alive, as it does at first. */
  keepAlive(alive: boolean): void;
}

/** Answers one question. `transfer`: buffers of the answer to transfer rather than copy. */
export type Answerer<Q, A> = (question: Q, transfer: (buffers: readonly ArrayBuffer[]) => void) => A | Promise<A>;

/** Threads for each core at most: more win nothing, and each holds tens of megabytes. */
export const MOST_THREADS_PER_CORE = 4;

interface Question<Q> {
  /** Null: posted, so that no reply is sent. */
  readonly id: number | null;
  readonly question: Q;
}

type Reply<A> =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: A }
  | { readonly kind: 'error'; readonly id: number; readonly error: PlainError };

/** Errors travel as texts: a structured clone loses the class of an Error, and fails at some causes. */
export type PlainError =
  | { readonly kind: 'user error'; readonly message: string; readonly exitCode: ExitCode }
  | { readonly kind: 'fault'; readonly message: string; readonly stack: string | undefined };

/** What was thrown in one thread, for another. */
export function plainError(thrown: unknown): PlainError {
  if (thrown instanceof UserError) return { kind: 'user error', message: thrown.message, exitCode: thrown.exitCode };
  return { kind: 'fault', message: messageOf(thrown), stack: thrown instanceof Error ? thrown.stack : undefined };
}

/** The error again; a fault has the stack of the thread that threw it. */
export function errorOf(plain: PlainError): Error {
  if (plain.kind === 'user error') return new UserError(plain.message, { exitCode: plain.exitCode });
  const fault = new Error(plain.message);
  if (plain.stack !== undefined) fault.stack = plain.stack;
  return fault;
}

interface Pending<A> {
  resolve(answer: A): void;
  reject(error: unknown): void;
}

const THREAD = new URL(`./thread${extname(import.meta.filename)}`, import.meta.url);

/** What a thread is started with: the file that it is to serve, and what that gets. */
interface ThreadData {
  readonly file: string;
  readonly data: unknown;
}

/**
 * Starts `file`, which has to call `serveWorker`, in a thread of its own. `data` becomes the argument of its `open`.
 */
export function startWorker<D, Q, A>(file: URL, data: D): WorkerThread<Q, A> {
  const given: ThreadData = { file: file.href, data };
  const worker = new Worker(THREAD, { workerData: given, env: withCompileCache() });
  const pending = new ByIndex<Pending<A>>();
  let nextId = 0;
  let isTerminated = false;
  let ended: Error | null = null;
  const failAll = (error: Error): void => {
    ended ??= error;
    for (const id of pending.indices()) {
      if (!isTerminated) pending.get(id)?.reject(ended);
      pending.delete(id);
    }
  };
  worker.on('message', (reply: Reply<A>) => {
    const waiting = pending.get(reply.id);
    pending.delete(reply.id);
    if (reply.kind === 'answer') waiting?.resolve(reply.answer);
    else waiting?.reject(errorOf(reply.error));
  });
  // A thread may throw a value that is no Error.
  worker.on('error', (thrown: unknown) => failAll(thrown instanceof Error ? thrown : new Error(String(thrown))));
  worker.on('messageerror', failAll);
  worker.on('exit', (code) => failAll(new Error(`the worker thread ${file.pathname} has ended with code ${code}`)));
  const send = (message: Question<Q>): void => worker.postMessage(message, []);
  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        if (ended !== null) {
          reject(ended);
          return;
        }
        const id = nextId++;
        send({ id, question });
        pending.set(id, { resolve, reject });
      }),
    post: (question) => send({ id: null, question }),
    terminate: async () => {
      isTerminated = true;
      await worker.terminate();
    },
    keepAlive: (alive) => {
      if (alive) worker.ref();
      else worker.unref();
    },
  };
}

/** The thread's side of `startWorker`: `open` gets its data and returns the function that answers its questions. */
export function serveWorker<D, Q, A>(open: (data: D) => Answerer<Q, A>): void {
  const port = parentPort;
  if (port === null) throw new Error('not in a worker thread');
  const data: D = workerData.data;
  const answerer = openOrFail(() => open(data));
  const reply = (message: Reply<A>, transferred: readonly ArrayBuffer[] = []): void =>
    port.postMessage(message, transferred);
  const answer = async ({ id, question }: Question<Q>): Promise<void> => {
    const transferred: ArrayBuffer[] = [];
    try {
      const result = await answerer(question, (buffers) => transferred.push(...buffers));
      if (id !== null) reply({ kind: 'answer', id, answer: result }, transferred);
    } catch (thrown) {
      // Unhandled, and so the end of this thread.
      if (id === null) throw thrown;
      reply({ kind: 'error', id, error: plainError(thrown) });
    }
  };
  port.on('message', (request: Question<Q>) => void answer(request));
}

/**
 * If `open` throws, every answer rejects with its error: a UserError that ended the thread would arrive as a plain
 * Error.
 */
function openOrFail<Q, A>(open: () => Answerer<Q, A>): Answerer<Q, A> {
  try {
    return open();
  } catch (thrown) {
    return () => {
      throw thrown;
    };
  }
}
