import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { coreWaitUs, idleCoresUs } from '../../src/replay/cores.ts';
import { BusyPoll } from '../../src/replay/busy-poll.ts';

const LOOK_US = 100_000;

/** A machine of which each look is told what share of it the thread waited, and how many cores idled. */
function machine(pays: boolean | null = null) {
  const totals = { waitedUs: 0, idleUs: 0, idleAsked: 0 };
  const clock = { busyPolling: false };
  let nowUs = 0;
  const wakefulness = new BusyPoll(clock, 'auto', pays, {
    machineUs: () => nowUs,
    coreWaitUs: () => totals.waitedUs,
    idleCoresUs: () => (totals.idleAsked++, totals.idleUs),
  });
  wakefulness.start();
  wakefulness.hasOpen = true;
  const looks = (count: number, waited: number, idleCores: number): boolean => {
    for (let i = 0; i < count; i++) {
      nowUs += LOOK_US;
      totals.waitedUs += waited * LOOK_US;
      totals.idleUs += idleCores * LOOK_US;
      wakefulness.sample();
    }
    return clock.busyPolling;
  };
  return { wakefulness, clock, totals, looks };
}

describe('polling as asked for', () => {
  for (const mode of ['on', 'off'] as const)
    it(`${mode}: whatever the machine does, and only while a stream is open`, () => {
      const clock = { busyPolling: false };
      const poll = new BusyPoll(clock, mode, null, {
        machineUs: () => 0,
        coreWaitUs: () => null,
        idleCoresUs: () => null,
      });
      poll.start();
      assert.equal(clock.busyPolling, false);
      poll.hasOpen = true;
      assert.equal(clock.busyPolling, mode === 'on');
      poll.sample();
      assert.equal(clock.busyPolling, mode === 'on');
      poll.hasOpen = false;
      assert.equal(clock.busyPolling, false);
      poll.hasOpen = true;
      poll.stop();
      assert.equal(clock.busyPolling, false);
    });
});

describe('staying busyPolling', () => {
  it('begins when the thread was kept waiting while a core was idle', (t) => {
    const { looks, wakefulness } = machine();
    t.after(() => wakefulness.stop());
    assert.equal(looks(1, 0.1, 1.5), false, 'how idle the cores were is not known of one look');
    assert.equal(looks(1, 0.1, 1.5), true);
    assert.equal(looks(50, 0, 1), true, 'it helps');
  });

  it('does not begin while all cores are busy, nor without waiting, which costs no look at the cores', (t) => {
    const { looks, wakefulness, totals } = machine();
    t.after(() => wakefulness.stop());
    assert.equal(looks(50, 0.01, 2), false);
    assert.equal(totals.idleAsked, 0);
    assert.equal(looks(50, 0.4, 0.2), false);
    assert.equal(looks(1, 0, 2), false);
    assert.equal(looks(1, 0.1, 2), false, 'waiting and idleness have to be of one look');
  });

  it('never begins where the certificate says that it does not pay', () => {
    const { looks, totals } = machine(false);
    assert.equal(looks(50, 0.5, 2), false);
    assert.equal(totals.idleAsked, 0);
  });

  it('begins where the certificate says that it pays, as soon as a core is seen to be idle', (t) => {
    const { looks, wakefulness } = machine(true);
    t.after(() => wakefulness.stop());
    assert.equal(looks(20, 0, 0.2), false, 'no core is idle');
    assert.equal(looks(2, 0, 1), true);
    assert.equal(looks(5, 0.3, 0), false, 'others need the core');
    assert.equal(looks(40, 0, 1), false, 'it waits for them');
    assert.equal(looks(20, 0, 1), true);
  });

  it('ends where others need the core, and is tried again later, each time later', (t) => {
    const { looks, wakefulness } = machine();
    t.after(() => wakefulness.stop());
    assert.equal(looks(2, 0.1, 1), true);
    assert.equal(looks(4, 0.3, 0), true, 'a spell is not over');
    assert.equal(looks(1, 0.3, 0), false);
    const restLooks = (): number => {
      for (let looked = 1; looked < 1000; looked++) if (looks(1, 0.1, 1)) return looked;
      return Number.NaN;
    };
    const first = restLooks();
    assert.ok(first >= 50 && first <= 52, `${first} looks`);
    assert.equal(looks(5, 0.3, 0), false);
    const second = restLooks();
    assert.ok(second >= 100 && second <= 102, `${second} looks`);
  });

  it('is for as long as streams are open', () => {
    const { looks, wakefulness, clock } = machine();
    assert.equal(looks(2, 0.1, 1), true);
    wakefulness.hasOpen = false;
    assert.equal(clock.busyPolling, false);
    wakefulness.hasOpen = true;
    assert.equal(clock.busyPolling, true);
    wakefulness.stop();
    assert.equal(clock.busyPolling, false);
    wakefulness.hasOpen = false;
    wakefulness.hasOpen = true;
    assert.equal(clock.busyPolling, false);
  });

  it('begins for waiting with streams open only', (t) => {
    const { looks, wakefulness } = machine();
    t.after(() => wakefulness.stop());
    wakefulness.hasOpen = false;
    looks(20, 0.5, 1.5);
    wakefulness.hasOpen = true;
    assert.equal(looks(20, 0, 1.5), false);
    assert.equal(looks(2, 0.1, 1), true);
    wakefulness.hasOpen = false;
    looks(20, 0.5, 1.5);
    wakefulness.hasOpen = true;
    assert.equal(looks(20, 0, 1.5), true, 'what was waited without streams does not end it');
  });

  it('leaves a thread as it is where the kernel does not tell', () => {
    const clock = { busyPolling: false };
    const wakefulness = new BusyPoll(clock, 'auto', null, {
      machineUs: () => 0,
      coreWaitUs: () => null,
      idleCoresUs: () => null,
    });
    wakefulness.start();
    wakefulness.hasOpen = true;
    for (let i = 0; i < 10; i++) wakefulness.sample();
    assert.equal(clock.busyPolling, false);
    wakefulness.stop();
  });

  it('has a kernel that tells, on Linux', { skip: process.platform !== 'linux' && 'only Linux tells' }, async () => {
    const [waitedUs, idleUs] = [coreWaitUs(), idleCoresUs()];
    assert.ok(waitedUs !== null && idleUs !== null);
    const end = performance.now() + 50;
    while (performance.now() < end);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const [waitedLaterUs, idleLaterUs] = [coreWaitUs(), idleCoresUs()];
    assert.ok(waitedLaterUs !== null && waitedLaterUs >= waitedUs && waitedLaterUs - waitedUs < 10e6);
    assert.ok(idleLaterUs !== null && idleLaterUs >= idleUs);
  });
});
