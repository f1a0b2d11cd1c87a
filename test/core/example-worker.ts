/** The thread of worker.slow.test.ts. */
import { UserError } from '../../src/core/errors.ts';
import { serveWorker } from '../../src/core/worker.ts';
import { fromHrtimeUs } from './from-hrtime.ts';

export interface ExampleQuestion {
  readonly act:
    | 'add'
    | 'wait'
    | 'bytes'
    | 'user error'
    | 'fault'
    | 'text'
    | 'uncloneable'
    | 'uncaught'
    | 'exit'
    | 'clock'
    | 'total';
  readonly value?: number;
}

/** The thread counts from `start`; a negative one it refuses, and NaN is a fault. */
export interface ExampleData {
  readonly start: number;
}

serveWorker<ExampleData, ExampleQuestion, unknown>(({ start }) => {
  if (start < 0) throw new UserError(`${start} is negative`);
  if (Number.isNaN(start)) throw new TypeError('no number');
  let total = start;
  return async ({ act, value = 0 }, transfer) => {
    switch (act) {
      case 'add':
        total += value;
        return total;
      case 'total':
        return total;
      case 'wait':
        await new Promise((resolve) => setTimeout(resolve, value));
        return value;
      case 'bytes': {
        const bytes = new Uint8Array(value).fill(7);
        transfer([bytes.buffer]);
        // How long it is afterwards is seen by `total`: a buffer that was handed over is empty here.
        setImmediate(() => (total = bytes.length));
        return bytes;
      }
      case 'user error':
        throw new UserError('mend it', { exitCode: 3 });
      case 'fault':
        throw new RangeError('out of range');
      case 'text':
        throw 'a text';
      case 'uncloneable':
        return () => undefined;
      case 'uncaught':
        setTimeout(failLater, 1);
        return new Promise(() => undefined);
      case 'clock':
        return fromHrtimeUs();
      case 'exit':
        process.exit(5);
    }
  };
});

function failLater(): void {
  throw new TypeError('of no one');
}
