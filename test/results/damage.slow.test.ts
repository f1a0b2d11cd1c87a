import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { UserError } from '../../src/core/errors.ts';
import { summarise } from '../../src/metrics/summarise.ts';
import { importRun } from '../../src/results/import-run.ts';
import { openResults } from '../../src/results/open-results.ts';
import { describeSlo } from '../../src/run/manifest.ts';
import { readRecords } from '../../src/runs/records.ts';
import { resolveSlo } from '../../src/slos/index.ts';
import { temporaryFolder } from '../cli.ts';
import {
  aiperfLines,
  firstGuidellmReport,
  guidellmBenchmark,
  guidellmReport,
  python,
  seenRequests,
  sglangResult,
  vllmResult,
} from './foreign-files.ts';

const folder = temporaryFolder();
const path = join(folder, 'result.json');
const dir = join(folder, 'run');
const slo = describeSlo(resolveSlo('ttft=100ms,tpot=20ms'), 0.9);
const seen = seenRequests(3);

/** Reads a text into a run directory, and every figure of it. */
async function imported(text: string): Promise<void> {
  writeFileSync(path, text);
  try {
    const manifest = await importRun(await openResults(path, null), { dir, slo, nowIso: '2026-11-29T00:00:00Z' });
    const summary = await summarise(readRecords(dir), manifest);
    assert.equal(summary.validity.valid, false);
    assert.ok(summary.warnings.some(({ code }) => code === 'imported'));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const FILES: readonly string[] = [
  python(vllmResult(seen)),
  python(sglangResult(seen, { backend: 'sglang' })),
  python(guidellmReport(guidellmBenchmark(seen, { incomplete: seenRequests(1) }))),
  aiperfLines(seen).map(python).join('\n'),
  python(firstGuidellmReport(seenRequests(3, (i) => (i === 2 ? { error: 'x' } : {})))),
  python([vllmResult(seen)]),
];

/** Anything that may stand where a value was. */
const anyValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, true, '', 'x', -1, 0, 0.5, 1e300, 2 ** 53, [], {}, [[]], [null], { value: null }, undefined),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

/** The value with what is at a place of it, counted through, replaced; undefined takes the key away. */
function replacedAt(value: unknown, place: number, by: unknown): unknown {
  let left = place;
  const walk = (each: unknown): unknown => {
    if (left-- === 0) return by;
    if (Array.isArray(each)) return each.map(walk);
    if (typeof each !== 'object' || each === null) return each;
    return Object.fromEntries(Object.entries(each).map(([name, part]) => [name, walk(part)]));
  };
  return walk(value);
}

it('what is whole is read', async () => {
  for (const text of FILES) await imported(text);
});

it('whatever is changed, missing or cut: a message, never a crash', async () => {
  const damage = fc.oneof(
    fc.record({ kind: fc.constant('cut' as const), at: fc.nat(4000) }),
    fc.record({ kind: fc.constant('change' as const), at: fc.nat(400), by: anyValue }),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...FILES), damage, async (text, how) => {
      const [first = '', ...others] = text.split('\n');
      const damaged =
        how.kind === 'cut'
          ? text.slice(0, how.at)
          : [python(replacedAt(JSON.parse(first.replaceAll('NaN', 'null')), how.at, how.by) ?? null), ...others].join(
              '\n',
            );
      try {
        await imported(damaged);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        assert.ok(error.message.startsWith(path), error.message);
      }
    }),
    { numRuns: 300 },
  );
});
