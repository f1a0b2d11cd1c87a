import assert from 'node:assert/strict';
import { it } from 'node:test';
import { missingNights, nightLevel } from '../../src/trend/baseline.ts';

const nights = (count: number, level: number): number[] =>
  Array.from({ length: count }, (_, i) => level + (i % 2 === 0 ? 1 : -1));

it('is the mean of the first twenty nights of the accepted stretch, with their deviation', () => {
  const level = nightLevel([...nights(20, 10), ...nights(15, 10)], 0);
  assert.equal(level?.lnCentre, 10);
  assert.equal(level?.nights, 20);
  assert.equal(level?.df, 19);
  assert.ok(Math.abs((level?.lnSd ?? 0) - Math.sqrt(20 / 19)) < 1e-12);
  assert.equal(nightLevel(nights(40, 10), 0)?.nights, 40);
});

it('needs nineteen nights, so that the twentieth is judged', () => {
  assert.equal(nightLevel(nights(18, 0), 0), null);
  assert.equal(nightLevel(nights(19, 0), 0)?.nights, 19);
  assert.deepEqual([missingNights(0, 0), missingNights(18, 3), missingNights(2, 19)], [19, 1, 0]);
});

it('keeps to the accepted level after a change, and takes another once that is accepted', () => {
  const changed = [...nights(24, 0), ...nights(6, 20)];
  assert.equal(nightLevel(changed, 3)?.lnCentre, 0);
  // Accepted in the third night of the new level: those three, with the spread within both levels.
  const level = nightLevel(changed, 26);
  assert.equal(level?.nights, 3);
  assert.ok(Math.abs((level?.lnCentre ?? 0) - (20 + 1 / 3)) < 1e-12);
  assert.equal(level?.df, 23 + 5);
  assert.ok((level?.lnSd ?? 9) < 1.1);
});

it('takes a night far off, once accepted, for the new level at once', () => {
  const changed = [...nights(24, 0), 20];
  assert.deepEqual([nightLevel(changed, 0)?.lnCentre, nightLevel(changed, 0)?.nights], [0, 20]);
  assert.deepEqual([nightLevel(changed, 24)?.lnCentre, nightLevel(changed, 24)?.nights], [20, 1]);
  assert.equal(nightLevel(changed, 24)?.lnSd, nightLevel(changed, 0)?.lnSd);
  // The first night was accepted unseen.
  assert.equal(nightLevel([20, ...nights(24, 0)], 0)?.nights, 20);
});

it("takes the spread of another branch's nights where there are too few", () => {
  const level = nightLevel([5], 0, nights(20, 0));
  assert.deepEqual([level?.lnCentre, level?.nights, level?.df], [5, 1, 19]);
  assert.equal(nightLevel([5], 0, nights(18, 0)), null);
});

it('lets a night far off, or one that failed, count three spreads at most', () => {
  const [calm, failed] = [nightLevel(nights(20, 0), 0), nightLevel([...nights(19, 0), Infinity], 0)];
  assert.ok(failed !== null && calm !== null);
  assert.ok(Number.isFinite(failed.lnCentre) && failed.lnSd < 2 * calm.lnSd);
  // A level of failed nights alone is none.
  assert.equal(
    nightLevel(
      Array.from({ length: 20 }, () => Infinity),
      0,
    ),
    null,
  );
});

it('has no spread where all nights are equal', () => {
  const level = nightLevel(
    Array.from({ length: 20 }, () => 0.1),
    0,
  );
  assert.deepEqual([level?.lnCentre, level?.lnSd], [0.1, 0]);
});
