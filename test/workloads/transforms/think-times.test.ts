import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { SILENT } from '../../../src/core/log.ts';
import type { Request } from '../../../src/core/request.ts';
import { applyTransforms } from '../../../workloads/index.ts';
import { requestsOf } from '../temporary-files.ts';
import { sourceOf } from './cases.ts';

it('a request that is due before its parent waits for nothing, and a warning counts them', async () => {
  const plain = { traceRow: 2, inputTokens: 9, outputTokens: 1, session: 's' };
  const requests: Request[] = [
    { ...plain, id: 'child', dueUs: 0, parent: 'late' },
    { ...plain, id: 'orphan', dueUs: 1, parent: 'gone' },
    { ...plain, id: 'late', dueUs: 2 },
  ];
  const warnings: string[] = [];
  const log = { ...SILENT, warn: (text: string) => warnings.push(text) };
  const { source } = await applyTransforms(sourceOf(requests), [{ op: 'think-times', args: {} }], log);
  assert.deepEqual(
    (await requestsOf(source.open())).map(({ after }) => after),
    [[], [], [{ id: 'orphan', thinkUs: 1 }]],
  );
  assert.match(warnings.join('\n'), /parent_after_child: 1 request due after one that names it/);
});

it('turns that began before the answer before them had ended follow it at once, and a warning counts them', () => {
  const turns = fc.array(fc.record({ gapS: fc.integer({ min: 0, max: 9 }), tookS: fc.integer({ min: 0, max: 9 }) }), {
    minLength: 2,
    maxLength: 12,
  });
  return fc.assert(
    fc.asyncProperty(turns, async (all) => {
      let dueUs = 0;
      const requests = all.map(({ gapS, tookS }, i): Request => {
        dueUs += gapS * 1e6;
        const source = { e2eUs: tookS * 1e6 };
        return { id: `r${i}`, traceRow: i + 2, dueUs, inputTokens: 9, outputTokens: 1, session: 's', source };
      });
      const warnings: string[] = [];
      const log = { ...SILENT, warn: (text: string) => warnings.push(text) };
      const { source } = await applyTransforms(sourceOf(requests), [{ op: 'think-times', args: {} }], log);
      const found = await requestsOf(source.open());
      const freeS = all.slice(1).map(({ gapS }, i) => gapS - (all[i]?.tookS ?? 0));
      assert.deepEqual(
        found.slice(1).map(({ after }) => after?.map(({ thinkUs }) => thinkUs)),
        freeS.map((s) => [Math.max(0, s) * 1e6]),
      );
      const overlaps = freeS.filter((s) => s < -1).length;
      const told = /(\d+) of (\d+) turns began before/.exec(warnings.join())?.slice(1).map(Number);
      assert.deepEqual(told, overlaps === 0 ? undefined : [overlaps, freeS.length]);
    }),
  );
});
