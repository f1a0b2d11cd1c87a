import { parentPort, workerData } from 'node:worker_threads';
import { messageOf, UserError } from '../core/errors.ts';
import type { Reply } from './pool.ts';
import { simulatedGoodput, type GoodputQuery, type SimulationConfig } from './goodput/simulated.ts';

/** The other side of `openPool`: one reply to each question. */
const port = parentPort;
if (port === null) throw new Error('simulation-worker runs in a worker thread');
const setting: SimulationConfig = workerData;
port.on('message', (question: GoodputQuery) => {
  const reply = (message: Reply): void => port.postMessage(message);
  simulatedGoodput(question, setting).then(
    (answer) => reply({ kind: 'answer', answer }),
    (thrown: unknown) => reply({ kind: thrown instanceof UserError ? 'mistake' : 'fault', message: detail(thrown) }),
  );
});

/** Where a fault of ours was made has to come with it. */
function detail(thrown: unknown): string {
  return thrown instanceof Error && !(thrown instanceof UserError)
    ? (thrown.stack ?? thrown.message)
    : messageOf(thrown);
}
