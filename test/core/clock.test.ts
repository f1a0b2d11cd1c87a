import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '../../src/core/virtual-clock.ts';
import { machineUs, WallClock } from '../../src/core/wall-clock.ts';
import { fromHrtimeUs } from './from-hrtime.ts';

it('machineUs is CLOCK_MONOTONIC, as other processes read it', () => {
  assert.ok(fromHrtimeUs() < 20, `${fromHrtimeUs()} us`);
});

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('VirtualClock', () => {
  it('jumps from event to event, each at its due time, never back', async () => {
    const clock = new VirtualClock();
    const seen: [string, number][] = [];
    clock.at(2e9, () => seen.push(['late', clock.now()]));
    clock.at(1.5, () => {
      seen.push(['early', clock.now()]);
      clock.at(0, () => seen.push(['past', clock.now()]));
    });
    await clock.run(() => false);
    assert.deepEqual(seen, [
      ['early', 1.5],
      ['past', 1.5],
      ['late', 2e9],
    ]);
  });

  it('stands still while something is pending, and stops when done', async () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    clock.at(1, () => clock.wait(sleep(5).then(() => clock.at(2, () => seen.push(clock.now())))));
    clock.at(3, () => seen.push(clock.now()));
    clock.at(4, () => seen.push(clock.now()));
    await clock.run(() => seen.length === 2);
    assert.deepEqual(seen, [2, 3]);
  });

  it('is looked at between events, which it neither moves nor outlasts', async () => {
    const clock = new VirtualClock();
    const seen: [string, number][] = [];
    clock.at(10, () => seen.push(['at 10', clock.now()]));
    clock.observe(5, (timeUs) => {
      seen.push([`look at ${timeUs}`, clock.now()]);
      return timeUs + 5;
    });
    clock.at(10, () => clock.at(10, () => seen.push(['behind', clock.now()])));
    clock.at(21, () => seen.push(['at 21', clock.now()]));
    await clock.run(() => false);
    assert.deepEqual(seen, [
      ['look at 5', 0],
      ['at 10', 10],
      ['behind', 10],
      ['look at 10', 10],
      ['look at 15', 10],
      ['look at 20', 10],
      ['at 21', 21],
    ]);
  });

  it('lets signals and messages through while it runs', async () => {
    const clock = new VirtualClock();
    let hasArrived = false;
    let events = 0;
    setImmediate(() => (hasArrived = true));
    const next = (): void => clock.at(clock.now() + 1, next);
    next();
    await clock.run(() => hasArrived || ++events === 10_000);
    assert.equal(hasArrived, true);
  });
});

describe('WallClock', () => {
  it('counts on the monotonic clock of the machine, as other processes read it', () => {
    for (let i = 0; i < 100; i++) {
      const before = Number(process.hrtime.bigint()) / 1000;
      const us = machineUs();
      const after = Number(process.hrtime.bigint()) / 1000;
      assert.ok(
        us > before - 20 && us < after + 20,
        `${us - before} us behind one reading, ${after - us} before the next`,
      );
    }
  });

  it('counts from the zero that it is given, which may lie ahead', () => {
    const clock = new WallClock();
    clock.startAt(machineUs() + 3600e6);
    assert.ok(clock.now() < 0);
  });

  it('tells a callback its due time however late it runs, and runs what is due in order', async () => {
    const clock = new WallClock();
    const seen: number[] = [];
    for (const due of [3000, 1000, 2000, 30_000]) clock.at(due, () => seen.push(clock.now()));
    const end = performance.now() + 20;
    while (performance.now() < end); // the events are overdue by now
    await clock.run(() => seen.length === 4);
    assert.deepEqual(seen, [1000, 2000, 3000, 30_000]);
    assert.ok(clock.read() >= 30_000);
  });

  it('catches up between callbacks, but not from inside one', () => {
    const clock = new WallClock();
    const seen: string[] = [];
    const past = clock.read() - 1;
    clock.at(past, () => {
      clock.stamp();
      seen.push('first');
    });
    clock.at(past, () => seen.push('second'));
    clock.stamp();
    assert.deepEqual(seen, ['first', 'second']);
    clock.at(past, () => {
      clock.due();
      seen.push('third');
    });
    clock.at(past, () => seen.push('fourth'));
    clock.due();
    assert.deepEqual(seen.slice(2), ['third', 'fourth']);
  });

  it('leaves nothing behind that keeps the process alive', async () => {
    const clock = new WallClock();
    let ran = false;
    clock.at(1000, () => (ran = true));
    clock.at(3600e6, () => assert.fail('an hour later'));
    await clock.run(() => ran);
    clock.at(7200e6, () => assert.fail('two hours later'));
    assert.deepEqual(
      process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout' || kind === 'Immediate'),
      [],
    );
  });

  it('polls all the time while it is awake, and counts the rounds in which nothing was done', async () => {
    const clock = new WallClock();
    clock.busyPolling = true;
    // On a busy machine hardly any round is short enough to be one in which nothing was done.
    for (let waits = 0; clock.pollingUs === 0 && waits < 200; waits++) await sleep(50);
    const idleUs = clock.pollingUs;
    assert.ok(idleUs > 0, 'no round was counted');
    const fromUs = clock.read();
    const untilUs = fromUs + 20_000;
    const work = (): void => {
      clock.reads(() => undefined);
      if (clock.read() < untilUs) setImmediate(work);
    };
    await new Promise<void>((resolve) => {
      work();
      setTimeout(resolve, 25);
    });
    const [lastedUs, polledUs] = [clock.read() - fromUs, clock.pollingUs - idleUs];
    assert.ok(polledUs < lastedUs - 19_000, `polled for ${polledUs} of ${lastedUs} us, 20,000 of them work`);
    clock.busyPolling = false;
    await sleep(5);
    assert.deepEqual(
      process.getActiveResourcesInfo().filter((kind) => kind === 'Immediate'),
      [],
    );
  });

  it('counts the time of a poll from its first bytes on as reading, and what is read later', async () => {
    const clock = new WallClock();
    const busy = (us: number): void => {
      for (const fromUs = clock.read(); clock.read() < fromUs + us;);
    };
    busy(2000);
    assert.equal(clock.readingUs, 0);
    clock.stamp();
    busy(2000);
    clock.stamp();
    busy(2000);
    await new Promise(setImmediate);
    const ofPollUs = clock.readingUs;
    assert.ok(ofPollUs >= 4000 && ofPollUs <= clock.read() - 2000, `${ofPollUs} us`);
    clock.reads(() => busy(1000));
    assert.ok(clock.readingUs >= ofPollUs + 1000);
  });

  it('runs what is due before what comes from outside', () => {
    const clock = new WallClock();
    const seen: string[] = [];
    clock.at(clock.read() - 1, () => seen.push('due'));
    clock.enter(() => seen.push('outside'));
    assert.deepEqual(seen, ['due', 'outside']);
  });

  it('shares one stamp in a poll phase, but not for longer than four milliseconds', async () => {
    const clock = new WallClock();
    const first = clock.phase();
    const again = clock.phase();
    assert.ok(again === first || again - first > 4000, `${again - first} us apart`); // a busy machine may pause between
    const end = performance.now() + 5;
    while (performance.now() < end);
    const later = clock.phase();
    assert.ok(later - first >= 4000, `${later - first} us`);
    await new Promise((resolve) => setImmediate(resolve)); // the phase is over
    assert.ok(clock.phase() > later);
  });
});
