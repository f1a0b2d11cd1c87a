import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { UserError } from '../../src/core/errors.ts';
import { startWorker, type WorkerThread } from '../../src/core/worker.ts';
import type { ExampleData, ExampleQuestion } from './example-worker.ts';

const FILE = new URL('example-worker.ts', import.meta.url);

function start(t: TestContext, from = 0): WorkerThread<ExampleQuestion, unknown> {
  const thread = startWorker<ExampleData, ExampleQuestion, unknown>(FILE, { start: from });
  t.after(() => thread.terminate());
  return thread;
}

const rejection = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => assert.fail('it was answered'),
    (thrown: unknown) => thrown,
  );

describe('a worker thread', () => {
  it('answers each question, in whatever order', async (t) => {
    const { ask } = start(t, 10);
    const order: unknown[] = [];
    const noted = [ask({ act: 'wait', value: 600 }), ask({ act: 'add', value: 5 }), ask({ act: 'wait', value: 1 })];
    await Promise.all(noted.map((answer) => answer.then((value) => order.push(value))));
    assert.deepEqual(order, [15, 1, 600]);
  });

  it('has the clock of the machine, as the main thread has', async (t) => {
    for (let thread = 0; thread < 5; thread++) {
      const differenceUs = await start(t).ask({ act: 'clock' });
      assert.ok(typeof differenceUs === 'number' && differenceUs < 20, `${String(differenceUs)} us`);
    }
  });

  it('hands buffers over rather than copying them', async (t) => {
    const { ask } = start(t);
    assert.deepEqual(await ask({ act: 'bytes', value: 1000 }), new Uint8Array(1000).fill(7));
    assert.equal(await ask({ act: 'total' }), 0, 'what is left in the thread');
  });

  it('does what is posted in its turn, without an answer', async (t) => {
    const { ask, post } = start(t);
    for (let i = 0; i < 100; i++) post({ act: 'add', value: 1 });
    assert.equal(await ask({ act: 'total' }), 100);
  });

  it('passes on an error of the user with its exit code, and goes on', async (t) => {
    const { ask } = start(t);
    const thrown = await rejection(ask({ act: 'user error' }));
    assert.ok(thrown instanceof UserError);
    assert.deepEqual([thrown.message, thrown.exitCode], ['mend it', 3]);
    assert.equal(await ask({ act: 'add', value: 2 }), 2);
  });

  it('passes on a fault with the stack of the thread, and goes on', async (t) => {
    const { ask } = start(t);
    const thrown = await rejection(ask({ act: 'fault' }));
    assert.ok(thrown instanceof Error && !(thrown instanceof UserError));
    assert.equal(thrown.message, 'out of range');
    assert.match(thrown.stack ?? '', /^RangeError: out of range\n.*example-worker\.ts:\d+/s);
    assert.match(String(await rejection(ask({ act: 'text' }))), /a text/);
    assert.match(String(await rejection(ask({ act: 'uncloneable' }))), /could not be cloned/);
    assert.equal(await ask({ act: 'add', value: 2 }), 2);
  });

  it('answers every question by the error that it could not be opened for', async (t) => {
    const refused = start(t, -1);
    for (const act of ['add', 'total'] as const)
      assert.ok((await rejection(refused.ask({ act }))) instanceof UserError);
    const faulty = await rejection(start(t, Number.NaN).ask({ act: 'add' }));
    assert.ok(faulty instanceof Error && !(faulty instanceof UserError));
    assert.match(faulty.stack ?? '', /TypeError: no number.*example-worker\.ts/s);
  });
});

describe('a worker thread that dies rejects what is open and what is asked later', () => {
  const deaths: readonly [
    how: string,
    die: (thread: WorkerThread<ExampleQuestion, unknown>) => unknown,
    error: RegExp,
  ][] = [
    [
      'an error that nothing caught',
      ({ ask }) => ask({ act: 'uncaught' }),
      /^TypeError: of no one\n.*example-worker\.ts/s,
    ],
    ['process.exit in the thread', ({ ask }) => ask({ act: 'exit' }), /example-worker\.ts has ended with code 5/],
    ['a fault in what was posted', ({ post }) => post({ act: 'fault' }), /^RangeError: .*example-worker\.ts/s],
  ];
  for (const [how, die, error] of deaths)
    it(how, async (t) => {
      const thread = start(t);
      const open = rejection(thread.ask({ act: 'wait', value: 60_000 }));
      const dying = die(thread);
      const rejected = [open, ...(dying instanceof Promise ? [rejection(dying)] : [])];
      for (const thrown of await Promise.all(rejected)) {
        assert.ok(thrown instanceof Error);
        assert.match(thrown.stack ?? '', error);
      }
      assert.equal(await rejection(thread.ask({ act: 'total' })), await open, 'the same error again');
    });

  it('a file that is not there', async (t) => {
    const thread = startWorker(new URL('no-worker.ts', import.meta.url), null);
    t.after(() => thread.terminate());
    assert.match(String(await rejection(thread.ask(null))), /Cannot find module/);
  });

  it('and one that was ended on purpose settles nothing more', async (t) => {
    const thread = start(t);
    let isSettled = false;
    const settled = (): boolean => (isSettled = true);
    thread.ask({ act: 'wait', value: 60_000 }).then(settled, settled);
    await thread.terminate();
    assert.match(String(await rejection(thread.ask({ act: 'total' }))), /has ended/);
    assert.equal(isSettled, false);
  });
});

it('a thread holds its process up only while it is to', async () => {
  const module = new URL('../../src/core/worker.ts', import.meta.url).href;
  const program = (alive: boolean): string => `void (async () => {
    const { startWorker } = await import('${module}');
    const thread = startWorker(new URL('${FILE.href}'), { start: 0 });
    await thread.ask({ act: 'total' });
    thread.keepAlive(${alive});
    await thread.ask({ act: 'wait', value: 300 });
    console.log('answered');
    await thread.terminate();
  })();`;
  const printed = async (alive: boolean): Promise<string> =>
    (await promisify(execFile)(process.execPath, ['-e', program(alive)])).stdout;
  assert.equal(await printed(true), 'answered\n');
  assert.equal(await printed(false), '');
});
