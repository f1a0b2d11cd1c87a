import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { appendStepSummary, fitting } from '../../src/results/writers/step-summary.ts';
import { temporaryFolder } from './some-runs.ts';

it('appends to what a step has said, and stays below 1 MiB in all', (t) => {
  const file = join(temporaryFolder(t), 'summary.md');
  writeFileSync(file, 'before\n');
  appendStepSummary(file, 'a\n\nb\n');
  assert.equal(readFileSync(file, 'utf8'), 'before\n\na\n\nb\n');
  appendStepSummary(file, 'zwölf Wörter\n\n'.repeat(90_000));
  assert.ok(statSync(file).size < 2 ** 20);
  assert.match(readFileSync(file, 'utf8'), /zwölf Wörter\n\n\*\*Cut here: [^\n]*1 MiB[^\n]*\*\*\n$/);
  const size = statSync(file).size;
  appendStepSummary(file, 'no room '.repeat(100_000));
  assert.equal(statSync(file).size, size);
});

it('cuts no character in two, and says that it cut', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 200, maxLength: 400 }),
      fc.integer({ min: 0, max: 500 }),
      (text, bytes) => {
        const whole = text.toWellFormed();
        const cut = fitting(whole, bytes);
        assert.ok(Buffer.byteLength(cut) <= bytes);
        if (cut === whole || cut === '') return;
        const head = cut.slice(0, cut.indexOf('\n\n**Cut here'));
        assert.ok(whole.startsWith(head), 'begins as the text does');
      },
    ),
  );
});
