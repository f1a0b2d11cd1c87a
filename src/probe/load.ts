import { once } from 'node:events';
import { extname } from 'node:path';
import { createServer } from '../core/node-http.ts';
import type { CodecOptions } from '../../adapters/index.ts';
import { startWorker } from '../core/worker.ts';

/** A closed loop against one route: each connection sends its next request when the one before is answered. Plain data. */
export interface Load {
  readonly url: string;
  readonly insecure: boolean;
  readonly method: 'GET' | 'POST';
  /** `[<id>]` in a header or the body is another text in each request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** The codec that reads a 2xx answer, which is a failure if it holds an error or breaks off; null: any is good. */
  readonly reader: { readonly adapter: string; readonly options: CodecOptions } | null;
  readonly connections: number;
  readonly seconds: number;
  /** It ends early after so many requests. */
  readonly maxRequests: number;
}

/** What a load found; answers in its first tenth are left out. */
export interface LoadResult {
  readonly seconds: number;
  /** Requests that ended, in the first tenth too. */
  readonly ended: number;
  /** Good answers: 2xx, and whole. */
  readonly answers: number;
  /** Of good answers; empty without any. Ascending. */
  readonly latenciesMs: Float64Array;
  /** What happened in place of good answers, and how often. */
  readonly failures: Readonly<Record<string, number>>;
  /** Share of the time in which the client's thread was at work, or ready to work and without a core. */
  readonly clientBusy: number;
  /** Share of the time of all cores of this machine that was idle; null where the kernel does not tell. */
  readonly machineIdle: number | null;
}

/** Loads one route at a time, from a thread of its own, whose work is measured. */
export interface Loader {
  run(load: Load): Promise<LoadResult>;
  /** Ends the thread, and the load that it makes. */
  close(): Promise<void>;
}

export function openLoader(): Loader {
  const file = new URL(`./load-worker${extname(import.meta.filename)}`, import.meta.url);
  const worker = startWorker<null, Load, LoadResult>(file, null);
  return { run: (load) => worker.ask(load), close: () => worker.terminate() };
}

const WARM_UP = { connections: 4, seconds: 0.3, maxRequests: 1000 };

/**
 * JIT warm-up: a load of a server of this process, which gives `answer`, so that the first load of a route does not pay for
 * code that has never run: four times the CPU of a request (measured). The target sees none of it.
 */
export async function jitWarmUp(
  loader: Loader,
  load: Omit<Load, 'connections' | 'seconds'>,
  answer: string,
): Promise<void> {
  const server = createServer((request, response) => void request.resume().on('end', () => response.end(answer)));
  // A loader that is closed meanwhile gives no answer.
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port to warm up on');
  try {
    // Without the target's headers, which may hold a key.
    await loader.run({ ...load, ...WARM_UP, url: `http://127.0.0.1:${address.port}`, headers: {} });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
