import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import autocannon, { type Options } from 'autocannon';
import { makeCodec } from '../../adapters/index.ts';
import { ProtocolError } from '../core/codec.ts';
import { messageOf } from '../core/errors.ts';
import { machineUs } from '../core/wall-clock.ts';
import { serveWorker } from '../core/worker.ts';
import { idleCoresUs, threadAwakeUs } from '../replay/cores.ts';
import type { Load, LoadResult } from './load.ts';
import { steady } from './steady-client.ts';

/** How often autocannon looks whether its time is over. */
const SAMPLE_MS = 50;
/** Of the time of a load: connections are opened and code is compiled in it. */
const LEFT_OUT = 0.1;

/** The thread's side of `openLoader`. */
serveWorker<null, Load, LoadResult>(() => run);

async function run(load: Load): Promise<LoadResult> {
  const { url, method, headers, body, connections, seconds, maxRequests, insecure } = load;
  const ends: End[] = [];
  const end = (ms: number, failure: string | null): void => void ends.push({ atUs: machineUs(), ms, failure });
  const faultIn = readerOf(load);
  let fault: string | null = null;
  let from = snapshot();
  const ramp = setTimeout(() => (from = snapshot()), seconds * LEFT_OUT * 1000);
  const options: Options = {
    url,
    method,
    headers: { ...headers },
    ...(body === null ? {} : { body, idReplacement: true }),
    connections: Math.min(connections, maxRequests),
    duration: seconds,
    maxOverallRequests: maxRequests,
    timeout: seconds + 1,
    sampleInt: SAMPLE_MS,
    setupClient: (client) => steady(client, !insecure),
    verifyBody: (text) => (fault = faultIn(String(text))) === null,
  };
  await new Promise<void>((resolve, reject) => {
    const cannon = autocannon(options, (error) => (error === null ? resolve() : reject(error)));
    cannon.on('response', (_client, status, _bytes, ms) =>
      end(ms, status >= 200 && status < 300 ? null : `HTTP ${status}`),
    );
    // Follows the `response` of its answer at once.
    cannon.addListener('reqMismatch', () => {
      const last = ends.pop();
      if (last !== undefined) ends.push({ ...last, failure: last.failure ?? fault });
    });
    cannon.on('reqError', (error: unknown) => end(0, messageOf(error)));
  });
  clearTimeout(ramp);
  return resultOf(ends, from, ends.length >= maxRequests);
}

/** The end of a request. */
interface End {
  readonly atUs: number;
  readonly ms: number;
  /** Null: a good answer. */
  readonly failure: string | null;
}

/** The state of this thread at a moment. */
interface Snapshot {
  readonly atUs: number;
  readonly loop: ReturnType<typeof performance.eventLoopUtilization>;
  readonly awakeUs: number | null;
  readonly idleCoresUs: number | null;
}

function snapshot(): Snapshot {
  return {
    atUs: machineUs(),
    loop: performance.eventLoopUtilization(),
    awakeUs: threadAwakeUs(),
    idleCoresUs: idleCoresUs(),
  };
}

/** `isWhole`: all requests were made before the time was over, so that the last one is the end. */
function resultOf(ends: readonly End[], from: Snapshot, isWhole: boolean): LoadResult {
  const to = snapshot();
  const counted = ends.filter(({ atUs }) => atUs >= from.atUs);
  const good = counted.filter(({ failure }) => failure === null);
  const lastUs = isWhole ? (ends.at(-1)?.atUs ?? to.atUs) : to.atUs;
  const failures: Record<string, number> = {};
  for (const { failure } of counted) if (failure !== null) failures[failure] = (failures[failure] ?? 0) + 1;
  return {
    seconds: Math.max(0, lastUs - from.atUs) / 1e6,
    ended: ends.length,
    answers: good.length,
    latenciesMs: Float64Array.from(good, ({ ms }) => ms).sort(),
    failures,
    clientBusy: busyShare(from, to),
    machineIdle: idleShare(from, to),
  };
}

/** By the kernel; where it does not tell, by the event loop, which does not count waiting for a core. */
function busyShare(from: Snapshot, to: Snapshot): number {
  if (from.awakeUs === null || to.awakeUs === null)
    return performance.eventLoopUtilization(to.loop, from.loop).utilization;
  return Math.min(1, (to.awakeUs - from.awakeUs) / (to.atUs - from.atUs));
}

function idleShare(from: Snapshot, to: Snapshot): number | null {
  if (from.idleCoresUs === null || to.idleCoresUs === null) return null;
  return (to.idleCoresUs - from.idleCoresUs) / (cpus().length * (to.atUs - from.atUs));
}

/** What is wrong with the body of an answer; null: nothing. */
function readerOf({ reader }: Load): (body: string) => string | null {
  if (reader === null) return () => null;
  const codec = makeCodec(reader.adapter, reader.options, { ids: () => [], text: () => '' });
  const request = { id: '', traceRow: 0, dueUs: 0, inputTokens: 1, outputTokens: 1 };
  return (body) => {
    const decoder = codec.decoder(request, { tokens: () => undefined });
    try {
      decoder.push(Buffer.from(body));
      const error = decoder.error ?? decoder.end();
      return error?.message ?? null;
    } catch (thrown) {
      if (!(thrown instanceof ProtocolError)) throw thrown;
      return thrown.message;
    }
  };
}
