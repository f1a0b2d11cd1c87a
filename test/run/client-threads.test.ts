import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../../src/core/errors.ts';
import { plainError } from '../../src/core/worker.ts';
import {
  clientThreads,
  type ClientThread,
  type PlainReplayed,
  type ThreadAnswer,
  type ThreadData,
  type ThreadQuestion,
} from '../../src/run/client-threads.ts';
import { SharedProgress } from '../../src/run/client-progress.ts';
import type { ClientTask, Recording } from '../../src/run/clients.ts';
import type { ClientSpec } from '../../src/target/server-client.ts';
import { exampleRecord } from '../runs/example-records.ts';

const TASK: ClientTask = {
  dir: '/nowhere',
  target: 'test',
  window: null,
  slo: null,
  outputTokens: 1,
  timeoutUs: 1e6,
  ttftTimeoutUs: 1e6,
  maxInFlight: null,
  idleCapUs: null,
};
const SPEC: ClientSpec = {
  feed: {
    workload: { path: '', onBadRow: 'fail', transforms: [] },
    shard: { index: 0, of: 1 },
    adapter: 'openai',
    codec: { endpoint: 'completions', model: 'tiny', runId: 'run' },
    prompts: { seed: 1, blockTokens: null },
    thinks: false,
    historyForm: null,
  },
  endpoints: [{ url: 'http://127.0.0.1:1', headers: {}, insecure: false }],
  poll: 'off',
  pollingPays: null,
  sessions: null,
  connections: 1,
  openSockets: new SharedArrayBuffer(4),
};
const DONE: ThreadAnswer = { kind: 'done' };
const WHOLE: PlainReplayed = { stopped: null, fault: null, report: null, idleUs: 0 };

/** Threads that do what the test says, and what they were asked and told. */
class Team {
  readonly asked: string[][] = [];
  readonly data: ThreadData[] = [];
  readonly ended: number[] = [];
  readonly #replays: { resolve(answer: ThreadAnswer): void; reject(thrown: unknown): void }[] = [];
  /** Answers of `watched`, in order; the last when the replay is over. */
  events: Extract<ThreadAnswer, { kind: 'watched' }>['events'] = [];

  readonly start = (data: ThreadData): ClientThread => {
    const asked: string[] = [];
    this.asked.push(asked);
    this.data.push(data);
    return {
      ask: async (question: ThreadQuestion): Promise<ThreadAnswer> => {
        asked.push(question.kind);
        if (question.kind === 'watched') {
          await Promise.resolve();
          return { kind: 'watched', events: data.worker === 0 ? this.events : [], isLast: true };
        }
        if (question.kind !== 'replay') return DONE;
        return new Promise((resolve, reject) => (this.#replays[data.worker] = { resolve, reject }));
      },
      post: (question) => void asked.push(question.kind === 'stop' ? `stop: ${question.reason}` : question.kind),
      terminate: async () => void this.ended.push(data.worker),
      keepAlive: () => undefined,
    };
  };

  /** The replay of a thread ends. */
  ends(worker: number, over: Partial<PlainReplayed> = {}, warnings: readonly string[] = []): void {
    this.#replays[worker]?.resolve({ kind: 'replayed', replayed: { ...WHOLE, ...over }, warnings });
  }

  dies(worker: number, error: Error): void {
    this.#replays[worker]?.reject(error);
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function team(workers: number, watchers: Parameters<typeof clientThreads>[2]['watchers'] = []) {
  const threads = new Team();
  const warnings: string[] = [];
  const clients = clientThreads(
    Array.from({ length: workers }, () => SPEC),
    TASK,
    { watchers, paced: null },
    (text) => warnings.push(text),
    threads.start,
  );
  const [stop, cut] = [new AbortController(), new AbortController()];
  await clients.open(stop.signal);
  const recording: Recording = await clients.record();
  const replayed = recording.replay(0, { stop: stop.signal, cut: cut.signal });
  await settled();
  return { threads, clients, recording, replayed, stop, cut, warnings };
}

describe('clients in threads', () => {
  it('go through the same steps together, and are over when all are', async () => {
    const { threads, clients, recording, replayed, warnings } = await team(3);
    threads.ends(0, {}, ['once']);
    threads.ends(2, {}, ['once']);
    let isOver = false;
    void replayed.then(() => (isOver = true));
    await settled();
    assert.equal(isOver, false);
    threads.ends(1);
    assert.deepEqual(await replayed, WHOLE);
    await clients.detach();
    await recording.close();
    for (const asked of threads.asked) assert.deepEqual(asked, ['open', 'record', 'replay', 'detach', 'close']);
    assert.deepEqual(threads.ended.toSorted(), [0, 1, 2]);
    assert.deepEqual(warnings, ['once']);
  });

  it('show their progress as they write it, added up', async () => {
    const { threads, recording, replayed } = await team(2);
    const one = { due: 5, sent: 4, ok: 2, failed: 1, tokens: 100, inFlight: 1, held: 0 };
    for (const { memory } of threads.data) new SharedProgress(memory.progress).write(one);
    assert.deepEqual(recording.progress(), { due: 10, sent: 8, ok: 4, failed: 2, tokens: 200, inFlight: 2, held: 0 });
    for (const worker of [0, 1]) threads.ends(worker);
    await replayed;
  });

  it('all hear of a stop and of a cut, with its reason, also of one before they began', async () => {
    const { threads, replayed, stop, cut } = await team(2);
    stop.abort(new Error('interrupted by SIGINT'));
    cut.abort();
    for (const worker of [0, 1]) threads.ends(worker, { stopped: 'interrupted by SIGINT' });
    assert.deepEqual(await replayed, { ...WHOLE, stopped: 'interrupted by SIGINT' });
    for (const asked of threads.asked) assert.deepEqual(asked.slice(3), ['stop: interrupted by SIGINT', 'cut']);
  });

  it('end together where one finds the target gone: the first reason is that of the run', async () => {
    const { threads, replayed } = await team(3);
    threads.ends(1, { stopped: 'the target is gone' });
    await settled();
    for (const worker of [0, 2]) {
      assert.deepEqual(threads.asked[worker]?.slice(3), ['stop: the target is gone']);
      threads.ends(worker, { stopped: 'another' });
    }
    assert.deepEqual(await replayed, { ...WHOLE, stopped: 'the target is gone' });
  });

  it('are cut where one has a fault, which is that of the run, with its stack', async () => {
    const { threads, replayed } = await team(2);
    const planted = new TypeError('planted');
    threads.ends(0, { stopped: 'a fault in reprise: planted', fault: plainError(planted) });
    await settled();
    assert.deepEqual(threads.asked[1]?.slice(3), ['stop: a fault in reprise: planted', 'cut']);
    threads.ends(1, { stopped: 'a fault in reprise: planted' });
    const { stopped, fault } = await replayed;
    assert.equal(stopped, 'a fault in reprise: planted');
    assert.ok(fault?.error instanceof Error && fault.error.stack === planted.stack);
  });

  it('end where one dies; the others are written, and it is asked nothing more', async () => {
    const { threads, clients, recording, replayed } = await team(2);
    threads.dies(1, new Error('the worker thread has ended with code 7'));
    await settled();
    threads.ends(0, { stopped: 'as told' });
    const { stopped, fault } = await replayed;
    assert.match(stopped ?? '', /ended with code 7/);
    assert.ok(fault?.error instanceof Error);
    await clients.detach();
    await recording.close();
    assert.deepEqual(threads.asked[0]?.slice(-2), ['detach', 'close']);
    assert.equal(threads.asked[1]?.at(-1), 'replay');
    assert.deepEqual(threads.ended.toSorted(), [0, 1]);
  });

  it('that run out of memory are named, with a way out', async () => {
    const { threads, replayed } = await team(2);
    threads.dies(1, Object.assign(new Error('heap'), { code: 'ERR_WORKER_OUT_OF_MEMORY' }));
    await settled();
    threads.ends(0, { stopped: 'as told' });
    const { stopped, fault } = await replayed;
    assert.match(stopped ?? '', /^worker 1 of 2 ran out of memory: .*--workers.*max-old-space-size/);
    assert.ok(fault?.error instanceof UserError);
  });

  it('that never replayed are ended at once', async () => {
    const threads = new Team();
    const clients = clientThreads([SPEC, SPEC], TASK, { watchers: [], paced: null }, () => undefined, threads.start);
    await clients.detach();
    assert.deepEqual(
      [threads.ended, threads.asked],
      [
        [0, 1],
        [[], []],
      ],
    );
  });

  it('tell watchers what happens to requests; a watcher that throws ends the run with its fault', async () => {
    const seen: string[] = [];
    const watcher = {
      firstToken: () => undefined,
      ended: ({ request_id }: { readonly request_id: string }) => {
        seen.push(request_id);
        if (request_id === 'bad') throw new TypeError('planted');
      },
    };
    for (const id of ['good', 'bad']) {
      const threads = new Team();
      threads.events = [{ kind: 'ended', record: exampleRecord({ request_id: id }), timeUs: 1 }];
      const clients = clientThreads(
        [SPEC, SPEC],
        TASK,
        { watchers: [watcher], paced: null },
        () => undefined,
        threads.start,
      );
      const never = new AbortController().signal;
      await clients.open(never);
      const replayed = (await clients.record()).replay(0, { stop: never, cut: never });
      await settled();
      for (const worker of [0, 1]) threads.ends(worker);
      const { fault } = await replayed;
      assert.equal(fault === null, id === 'good');
      assert.equal(threads.asked[1]?.includes('cut'), id === 'bad');
    }
    assert.deepEqual(seen, ['good', 'bad']);
  });
});
