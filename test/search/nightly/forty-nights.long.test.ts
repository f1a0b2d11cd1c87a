import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { fortyNights } from '../../../scripts/validate/forty-nights.ts';
import { readHistory } from '../../../src/search/nightly/history.ts';
import { temporaryFolder } from '../../cli.ts';

it('forty nights, 5 % slower from night 30 on: raised within four nights, none before, dated to the night', async () => {
  const results = await fortyNights(temporaryFolder(), { nights: 40, from: 30, slower: 0.05 });
  const raised = results.flatMap(({ night }, i) => night.alarms.map((alarm) => ({ ...alarm, night: i + 1 })));
  assert.deepEqual(
    raised.filter(({ night }) => night < 30),
    [],
  );
  const soon = raised.filter(({ night }) => night < 34).map(({ name }) => name);
  assert.ok(soon.includes('tpot.p50') && soon.includes('e2e.p50'), soon.join(', '));
  assert.ok(raised.every(({ better }) => !better));
  const last = results.at(-1) ?? assert.fail();
  for (const name of soon) {
    const metric = last.trend.metrics.find((each) => each.name === name);
    assert.deepEqual(
      metric?.changes.map(({ between }) => between),
      [[28, 29]],
      name,
    );
  }
  // A night alone: nothing can be said before the twentieth, none of the same is called worse, most of the slower are.
  const verdicts = results.map(({ night }) => night.verdict);
  assert.ok(verdicts.slice(1, 19).every((verdict) => verdict === 'provisional'));
  assert.ok(!verdicts.slice(19, 29).includes('worse'));
  assert.ok(verdicts.slice(29).filter((verdict) => verdict === 'worse').length >= 6, verdicts.slice(29).join(', '));
  assert.ok(existsSync(join(last.folder, 'trend.html')));
  assert.deepEqual(readHistory(last.folder).nights, last.trend.nights);
});

it('forty nights of the same engine raise nothing', async () => {
  const results = await fortyNights(temporaryFolder(), { nights: 40, from: 41, slower: 0.05 });
  assert.deepEqual(
    results.flatMap(({ night }) => night.alarms),
    [],
  );
});
