import { fork } from 'node:child_process';
import { extname, join } from 'node:path';
import { letGiveWay } from '../core/give-way.ts';
import { stoppedError } from '../core/stop.ts';
import { serverAnswer, type ServerAnswer, type ServerOrder } from './messages.ts';

/** When the tokens of each call were written, in microseconds of CLOCK_MONOTONIC, by the call's `X-Request-Id`. */
export type Truth = ReadonlyMap<string, Float64Array>;

export interface TruthServer {
  readonly url: string;
  begin(periodMs: number): Promise<void>;
  truth(): Promise<Truth>;
  close(): Promise<void>;
}

/**
 * Starts the server whose tokens say when they were written (`truth-server.ts`) in a process of its own, on loopback. It
 * ends with its parent, even if that is killed. Rejects where it ends by itself, and when `stop` aborts.
 */
export async function startTruthServer(stop: AbortSignal): Promise<TruthServer> {
  const file = join(import.meta.dirname, `truth-server${extname(import.meta.filename)}`);
  const child = fork(file, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
  letGiveWay(child.pid);
  const ended = new Promise<Error>((resolve) => {
    child.once('error', resolve);
    child.once('exit', (code, signal) =>
      resolve(new Error(`the server of the calibration ended with ${signal ?? `exit code ${code}`}`)),
    );
  });
  const answerOf = <K extends ServerAnswer['kind']>(kind: K): Promise<Extract<ServerAnswer, { kind: K }>> => {
    const answered = new Promise<Extract<ServerAnswer, { kind: K }>>((resolve, reject) => {
      child.once('message', (message) => {
        const answer = serverAnswer.parse(message);
        if (isOf(answer, kind)) resolve(answer);
        else reject(new Error(`the server of the calibration said "${answer.kind}" in place of "${kind}"`));
      });
      stop.addEventListener('abort', () => reject(stoppedError(stop)), { once: true });
      void ended.then(reject);
    });
    return answered;
  };
  const order = (given: ServerOrder): void => void child.send(given);
  const close = async (): Promise<void> => {
    if (child.connected) child.disconnect();
    await ended;
  };
  try {
    const { port } = await answerOf('listening');
    return {
      url: `http://127.0.0.1:${port}`,
      begin: async (periodMs) => {
        const begun = answerOf('begun');
        order({ kind: 'begin', periodMs });
        await begun;
      },
      truth: async () => {
        const told = answerOf('truth');
        order({ kind: 'truth' });
        const { ids, counts, writtenUs } = await told;
        let at = 0;
        return new Map(ids.map((id, i) => [id, writtenUs.subarray(at, (at += counts[i] ?? 0))]));
      },
      close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

function isOf<K extends ServerAnswer['kind']>(
  answer: ServerAnswer,
  kind: K,
): answer is Extract<ServerAnswer, { kind: K }> {
  return answer.kind === kind;
}
