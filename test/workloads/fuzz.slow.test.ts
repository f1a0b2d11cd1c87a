import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { misreadSessions, SESSION_SAMPLES } from '../../scripts/fuzz/mutated-sessions.ts';
import { misread, mutated, SAMPLES } from '../../scripts/fuzz/mutated-traces.ts';
import { temporaryFiles } from './temporary-files.ts';

const MUTATED = 500;
const file = temporaryFiles();

describe(`of ${MUTATED} mutated files a format, each row is right or named (scripts/fuzz/traces.ts tries more)`, () => {
  for (const sample of SAMPLES)
    it(sample.name, async () => {
      const path = file('mutated', '');
      assert.equal(await misread(sample, mutated({ ...sample, rows: [] }, 0), path), null);
      for (let seed = 1; seed <= MUTATED; seed++) {
        const bytes = mutated(sample, seed);
        const wrong = await misread(sample, bytes, path);
        assert.equal(wrong, null, `seed ${seed}: ${wrong} ${JSON.stringify(bytes.toString())}`);
      }
    });

  for (const sample of SESSION_SAMPLES)
    it(`${sample.name}: none is lost, none cannot be`, async () => {
      const path = file('mutated', '');
      for (let seed = 1; seed <= MUTATED; seed++) {
        const bytes = mutated(sample, seed);
        const wrong = await misreadSessions(sample, bytes, path);
        assert.equal(wrong, null, `seed ${seed}: ${wrong} ${JSON.stringify(bytes.toString())}`);
      }
    });
});
