import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import {
  limitOf,
  loadAt,
  majority,
  nextRung,
  topRung,
  type FoundLimit,
  type Ladder,
  type TrialVerdict,
} from '../../src/calibrate/ladder.ts';

const ladders = fc.record({
  first: fc.integer({ min: 10, max: 5000 }),
  most: fc.integer({ min: 5000, max: 200_000 }),
  fineness: fc.integer({ min: 0, max: 3 }),
  repetitions: fc.integer({ min: 1, max: 4 }),
});

/** Climbs on a simulated machine. */
function climb(
  ladder: Ladder,
  trial: (load: number) => TrialVerdict,
): { found: FoundLimit; tried: Map<number, TrialVerdict[]> } {
  const tried = new Map<number, TrialVerdict[]>();
  for (let rung = nextRung(ladder, tried); rung !== null; rung = nextRung(ladder, tried)) {
    assert.ok(rung >= 0 && rung <= topRung(ladder), `rung ${rung} is not on the ladder`);
    const verdicts = [...(tried.get(rung) ?? []), trial(loadAt(ladder, rung))];
    assert.ok(verdicts.length <= ladder.repetitions || tried.size <= 1, 'no rung is tried more often than asked');
    tried.set(rung, verdicts);
  }
  return { found: limitOf(tried), tried };
}

/** A machine whose client is late from a load on, and whose server delivers no more than another. */
const machine =
  (client: number, server: number) =>
  (load: number): TrialVerdict =>
    load > server ? 'server_bound' : load > client ? 'late' : 'within';

it('finds the limit of a machine within a step, and says what it is', () => {
  const limit = fc.integer({ min: 1, max: 300_000 });
  fc.assert(
    fc.property(ladders, limit, limit, (ladder, client, server) => {
      const { found } = climb(ladder, machine(client, server));
      const top = topRung(ladder);
      const most = Math.min(client, server);
      const fits = Array.from({ length: top + 1 }, (_, rung) => rung).findLast((rung) => loadAt(ladder, rung) <= most);
      assert.equal(found.within, fits ?? null);
      assert.deepEqual([found.surely, found.ever], [found.within, found.within], 'every trial agrees');
      const because = fits === top ? 'tried' : server < loadAt(ladder, (fits ?? -1) + 1) ? 'server' : 'late';
      assert.equal(found.because, because);
    }),
  );
});

it('claims nothing beyond what most trials of a load stayed within, however the machine varies', () => {
  const verdict = fc.constantFrom<TrialVerdict>('within', 'within', 'late', 'server_bound');
  fc.assert(
    fc.property(ladders, fc.infiniteStream(verdict), (ladder, verdicts) => {
      const { found, tried } = climb(ladder, () => verdicts.next().value ?? 'late');
      if (found.within !== null) {
        assert.equal(majority(tried.get(found.within) ?? []), 'within');
        for (const [rung, of] of tried) if (rung < found.within) assert.equal(majority(of), 'within');
      }
      assert.ok((found.surely ?? -1) <= (found.within ?? -1) && (found.within ?? -1) <= (found.ever ?? -1));
      if (found.because === 'tried') assert.equal(found.within, topRung(ladder));
      else {
        const next = (found.within ?? -1) + 1;
        assert.ok((tried.get(next)?.length ?? 0) >= ladder.repetitions, 'the next load was tried as often');
        if (found.within !== null) assert.ok((tried.get(found.within)?.length ?? 0) >= ladder.repetitions);
      }
    }),
  );
});

it('takes few trials: one a doubling, one a halving, and the repetitions', () => {
  fc.assert(
    fc.property(ladders, fc.integer({ min: 1, max: 300_000 }), (ladder, client) => {
      const { tried } = climb(ladder, machine(client, Infinity));
      const trials = [...tried.values()].reduce((sum, each) => sum + each.length, 0);
      const doublings = Math.ceil(topRung(ladder) / 2 ** ladder.fineness) + 1;
      assert.ok(trials <= doublings + ladder.fineness + 2 * ladder.repetitions);
    }),
  );
});
