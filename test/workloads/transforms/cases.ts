import * as fc from 'fast-check';
import type { Source, TransformSpec } from '../../../src/core/plan.ts';
import type { Request } from '../../../src/core/request.ts';
import { requestsOf, withTransforms } from '../temporary-files.ts';

export const BLOCK = 16;

/** A source of these requests, in batches of a few. */
export function sourceOf(requests: readonly Request[], more: Partial<Source> = {}): Source {
  return {
    name: 'example',
    format: 'rtrace',
    path: '/example.jsonl',
    transforms: [],
    blockTokens: BLOCK,
    async *open() {
      for (let start = 0; start < requests.length; start += 5) yield requests.slice(start, start + 5);
    },
    ...more,
  };
}

export async function transformed(
  requests: readonly Request[],
  ...transforms: readonly TransformSpec[]
): Promise<Request[]> {
  return requestsOf((await withTransforms(sourceOf(requests), ...transforms)).open());
}

/**
 * Traces in order of time with whatever a request may have: sessions with turns that grow, follow by `after`, by `parent`
 * or by their order, agents, classes, and blocks that name a whole prefix and how full its last block is.
 */
export const anyTrace: fc.Arbitrary<Request[]> = fc
  .array(
    fc.record({
      gapUs: fc.constantFrom(0, 0, 1, 700_000, 3_000_000),
      session: fc.option(fc.nat(4), { nil: undefined }),
      link: fc.constantFrom('after', 'parent', 'order'),
      isAgent: fc.boolean(),
      tokens: fc.integer({ min: 1, max: 90 }),
      output: fc.integer({ min: 1, max: 30 }),
      kind: fc.constantFrom('chat', 'api', undefined),
      tree: fc.nat(2),
      fork: fc.nat(6),
    }),
    { minLength: 2, maxLength: 40 },
  )
  .map((rows) => {
    let dueUs = 0;
    const ids = new Map<string, number>();
    const id = (key: string): number => ids.get(key) ?? (ids.set(key, ids.size), ids.size - 1);
    const turns = new Map<number, string[]>();
    return rows.map(({ gapUs, session, link, isAgent, tokens, output, kind, tree, fork }, row): Request => {
      dueUs += gapUs;
      const earlier = session === undefined ? [] : (turns.get(session) ?? []);
      const last = earlier.at(-1);
      if (session !== undefined) turns.set(session, [...earlier, `r${row}`]);
      const linked =
        last === undefined || link === 'order'
          ? {}
          : link === 'after'
            ? { after: [{ id: last, thinkUs: 1000 * row }] }
            : { parent: last };
      return {
        id: `r${row}`,
        traceRow: row + 2,
        dueUs,
        inputTokens: tokens,
        outputTokens: output,
        blocks: Array.from({ length: Math.ceil(tokens / BLOCK) }, (_, k) =>
          id([k < fork ? tree : `row ${row}`, k, Math.min(BLOCK, tokens - k * BLOCK)].join()),
        ),
        ...(kind === undefined ? {} : { sloClass: kind }),
        ...(session === undefined ? {} : { session: `s${session}`, turn: earlier.length, newTokens: 1, ...linked }),
        ...(session !== undefined && isAgent ? { agent: 'a' } : {}),
      };
    });
  });

/** Whether requests are in order of time, equal times in the order of the rows of the trace. */
export function isInOrder(requests: readonly Request[]): boolean {
  return requests.every((request, i) => {
    const before = requests[i - 1];
    return (
      before === undefined ||
      before.dueUs < request.dueUs ||
      (before.dueUs === request.dueUs && before.traceRow < request.traceRow)
    );
  });
}
