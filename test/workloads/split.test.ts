import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import type { Request } from '../../src/core/request.ts';
import { splitSource } from '../../workloads/split.ts';
import { requestsOf } from './temporary-files.ts';
import { anyTrace, sourceOf } from './transforms/cases.ts';

it('the parts of a trace have each request once, those of one value together, at its time', () =>
  fc.assert(
    fc.asyncProperty(anyTrace, fc.constantFrom('class', 'session', 'output'), async (requests, by) => {
      const parts = await splitSource(sourceOf(requests), by);
      const plain = (all: readonly Request[]): unknown =>
        all.map(({ id, dueUs, inputTokens }) => [id, dueUs, inputTokens]);
      const together: Request[] = [];
      for (const { value, source } of parts) {
        const own = await requestsOf(source.open());
        const all = requests.filter(
          ({ sloClass, session, outputTokens }) =>
            String({ class: sloClass, session, output: outputTokens }[by] ?? 'none') === value,
        );
        assert.deepEqual(plain(own), plain(all));
        assert.deepEqual(source.transforms, [{ op: 'split', args: { by, value } }]);
        together.push(...own);
      }
      assert.deepEqual(plain(together.toSorted((a, b) => a.traceRow - b.traceRow)), plain(requests));
    }),
    { numRuns: 40 },
  ));

it('a trace is not split by what is no field, nor into more files than anyone wants', async () => {
  await assert.rejects(splitSource(sourceOf([]), 'clas'), /split: there is no field "clas".*did you mean "class"/);
  const many = Array.from({ length: 101 }, (_, i): Request => ({
    id: `r${i}`,
    traceRow: i + 2,
    dueUs: i,
    inputTokens: 1,
    outputTokens: 1,
  }));
  await assert.rejects(splitSource(sourceOf(many), 'id'), /example has more than 100 values of id/);
});
