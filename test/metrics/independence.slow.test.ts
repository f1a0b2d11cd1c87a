import assert from 'node:assert/strict';
import { it } from 'node:test';
import { keptBy, passedByLoop } from '../../scripts/calibration/independence-rules.ts';
import { QUEUES, type Queue } from '../../scripts/calibration/queues.ts';

/** A small part of `scripts/calibration/independence.ts`. The same figures on every machine. */
const SEEDS = 100;

function queue(name: string): Queue {
  const found = QUEUES.find((each) => each.name.startsWith(name));
  assert.ok(found !== undefined, name);
  return found;
}

it('rules for independent requests hold where requests are independent', () => {
  const { mlperf, wilson, ours } = keptBy(queue('independent'), 1000, SEEDS);
  assert.ok(mlperf <= 0.03 && wilson >= 0.9 && ours >= 0.9, JSON.stringify({ mlperf, wilson, ours }));
});

it('where requests share a queue they do not, and our interval holds the truth far more often', () => {
  for (const name of ['M/M/1, load 0.7', 'M/M/1, load 0.9', 'M/M/16']) {
    const kept = keptBy(queue(name), 4000, SEEDS);
    const says = `${name}: ${JSON.stringify(kept)}`;
    assert.ok(kept.mlperf >= 0.25 && kept.wilson <= 0.4, says);
    assert.ok(kept.given === 1 && kept.ours >= 0.8 && kept.oursAbove <= 0.2, says);
  }
});

it('looking again until it passes makes it worse', () => {
  assert.ok(passedByLoop(queue('M/M/1, load 0.7'), 1000, SEEDS) > 0.6);
});
