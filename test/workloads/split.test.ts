import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import type { Request } from '../../src/core/request.ts';
import { partsOf } from '../../workloads/split.ts';
import { anyTrace, sourceOf, transformed } from './transforms/cases.ts';

it('the parts of a trace have each request once, those of one value together, at its time', () =>
  fc.assert(
    fc.asyncProperty(anyTrace, fc.constantFrom('class', 'session', 'output'), async (requests, by) => {
      const parts = await partsOf(sourceOf(requests), by);
      const plain = (all: readonly Request[]): unknown =>
        all.map(({ id, dueUs, inputTokens }) => [id, dueUs, inputTokens]);
      const together: Request[] = [];
      for (const { value, transform } of parts) {
        const own = await transformed(requests, transform);
        const all = requests.filter(
          ({ sloClass, session, outputTokens }) =>
            String({ class: sloClass, session, output: outputTokens }[by] ?? 'none') === value,
        );
        assert.deepEqual(plain(own), plain(all));
        together.push(...own);
      }
      assert.deepEqual(plain(together.toSorted((a, b) => a.traceRow - b.traceRow)), plain(requests));
    }),
    { numRuns: 40 },
  ));

it('a trace is not split by what is no field, nor into more files than anyone wants', async () => {
  await assert.rejects(partsOf(sourceOf([]), 'clas'), /--by: there is no field "clas".*did you mean "class"/);
  const many = Array.from({ length: 101 }, (_, i): Request => ({
    id: `r${i}`,
    traceRow: i + 2,
    dueUs: i,
    inputTokens: 1,
    outputTokens: 1,
  }));
  await assert.rejects(partsOf(sourceOf(many), 'id'), /example has more than 100 values of id/);
});
