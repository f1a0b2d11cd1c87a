import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { UserError } from '../../../src/core/errors.ts';
import type { TransformSpec } from '../../../src/core/plan.ts';
import type { Request } from '../../../src/core/request.ts';
import { applyTransforms } from '../../../workloads/index.ts';
import { requestsOf } from '../temporary-files.ts';
import { anyTrace, isInOrder, sourceOf, transformed } from './cases.ts';

/** What is left, or none where a transform refuses to leave nothing. */
async function leftOf(requests: readonly Request[], spec: TransformSpec): Promise<Request[]> {
  try {
    return await transformed(requests, spec);
  } catch (thrown) {
    assert.ok(thrown instanceof UserError);
    assert.match(thrown.message, new RegExp(`^--${spec.op} .*leaves no request of example`));
    return [];
  }
}

const RUNS = { numRuns: 40 };
const SAMPLES = ['thin', 'sample-sessions'] as const;
const sample = fc.record({
  op: fc.constantFrom(...SAMPLES),
  args: fc.record({ share: fc.constantFrom(0.2, 0.5, 0.9, 1), seed: fc.integer() }),
});
const cut = fc.oneof(
  sample,
  fc.record({
    op: fc.constant('filter'),
    args: fc.record({ where: fc.constantFrom('class=chat', 'class!=chat', 'input<=40;output>3', 'session=s1,none') }),
  }),
);

describe('transforms that leave requests out', () => {
  it('change nothing of a request that stays but what it waits for, and keep the order', () =>
    fc.assert(
      fc.asyncProperty(anyTrace, cut, async (requests, spec) => {
        const left = await leftOf(requests, spec);
        assert.deepEqual(await leftOf(requests, spec), left);
        assert.ok(isInOrder(left));
        const byId = new Map(requests.map((request) => [request.id, request]));
        const plain = (request: Request): unknown => ({ ...request, after: null, newTokens: null });
        for (const request of left) {
          const before = byId.get(request.id);
          assert.ok(before !== undefined);
          assert.deepEqual(plain(request), plain(before));
        }
      }),
      RUNS,
    ));

  it('leave what followed a request that is left out waiting for none, its prompt whole; the others as they were', () =>
    fc.assert(
      fc.asyncProperty(anyTrace, cut, async (requests, spec) => {
        const left = await leftOf(requests, spec);
        const ids = new Set(left.map(({ id }) => id));
        const lastOf = new Map<string, string>();
        const predecessors = new Map<string, string[]>();
        for (const { id, session, agent, parent, after } of requests) {
          const branch = `${session} ${agent}`;
          const last = session === undefined ? undefined : lastOf.get(branch);
          const all = after?.map((each) => each.id) ?? [parent ?? last].filter((each) => each !== undefined);
          predecessors.set(id, all);
          lastOf.set(branch, id);
        }
        for (const request of left) {
          const all = predecessors.get(request.id) ?? [];
          const isOrphan = all.some((id) => !ids.has(id));
          if (isOrphan) assert.deepEqual([request.after, request.newTokens], [[], undefined]);
          else
            assert.deepEqual(
              request,
              requests.find(({ id }) => id === request.id),
            );
        }
      }),
      RUNS,
    ));

  it('draw each request by itself: what another transform leaves out changes no draw', () =>
    fc.assert(
      fc.asyncProperty(anyTrace, sample, fc.nat(40), async (requests, spec, gone) => {
        const rest = requests.filter((_, i) => i !== gone);
        const session = requests[gone]?.session;
        // Of prefix trees the first block that is not common may be another one.
        const isSession = (request: Request): boolean => spec.op === 'thin' || request.session !== undefined;
        const ids = async (from: readonly Request[]): Promise<string[]> =>
          (await leftOf(from, spec)).filter(isSession).map(({ id }) => id);
        if (rest.length === 0) return;
        const without = (await ids(requests)).filter((id) => id !== requests[gone]?.id);
        assert.deepEqual(await ids(rest), without, session ?? 'no session');
      }),
      RUNS,
    ));

  it('sample-sessions keeps a session whole or not at all', () =>
    fc.assert(
      fc.asyncProperty(anyTrace, fc.integer(), async (requests, seed) => {
        const left = await leftOf(requests, { op: 'sample-sessions', args: { share: 0.5, seed } });
        const sizes = Map.groupBy(requests, ({ session }) => session);
        for (const [session, rows] of Map.groupBy(left, (request) => request.session))
          if (session !== undefined) assert.equal(rows.length, sizes.get(session)?.length);
      }),
      RUNS,
    ));

  it('sample-sessions keeps requests together that share a block which few have, below a system prompt of all', async () => {
    const requests = Array.from({ length: 400 }, (_, i): Request => ({
      id: `r${i}`,
      traceRow: i + 1,
      dueUs: i,
      inputTokens: 48,
      outputTokens: 1,
      blocks: [7, 100 + (i % 100), 1000 + i],
    }));
    const left = await transformed(requests, { op: 'sample-sessions', args: { share: 0.5, seed: 1 } });
    const trees = Map.groupBy(left, ({ blocks = [] }) => blocks[1]);
    assert.ok([...trees.values()].every((rows) => rows.length === 4));
    assert.ok(trees.size > 30 && trees.size < 70, `${trees.size} trees`);
  });

  it('the share of a sample is as asked for, over seeds', async () => {
    const requests = Array.from({ length: 500 }, (_, i) => row(i));
    for (const op of SAMPLES) {
      let left = 0;
      for (let seed = 0; seed < 10; seed++)
        left += (await transformed(requests, { op, args: { share: 0.3, seed } })).length;
      // 5,000 draws: four standard deviations are 0.026.
      assert.ok(Math.abs(left / 5000 - 0.3) < 0.026, `${op}: ${left / 5000}`);
    }
  });

  it('say how many are left that wait for none, where a limit ends the reading too', async () => {
    const requests = Array.from({ length: 40 }, (_, i) => ({ ...row(i), session: 's', turn: i }));
    const lines: string[] = [];
    const { source } = await applyTransforms(
      sourceOf(requests),
      [
        { op: 'filter', args: { where: 'turn!=3,7' } },
        { op: 'limit', args: { requests: 20 } },
      ],
      { info: (line) => lines.push(line), warn: assert.fail },
    );
    await requestsOf(source.open());
    await requestsOf(source.open());
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? '', /^--filter turn!=3,7: 2 requests whose predecessors are left out wait for none; /);
    assert.match(lines[1] ?? '', /^--limit 20: .*-> 20 requests; /);
  });
});

describe('filter', () => {
  it('compares texts and numbers, several values and several conditions', async () => {
    const requests = [
      { ...row(0), sloClass: 'chat', inputTokens: 5 },
      { ...row(1), sloClass: 'api', inputTokens: 50 },
      { ...row(2), inputTokens: 500, turn: 3 },
      { ...row(3), sloClass: 'chat', inputTokens: 5000, model: 'm=1' },
    ];
    const ids = async (where: string): Promise<string> =>
      (await transformed(requests, { op: 'filter', args: { where } })).map(({ id }) => id).join(' ');
    assert.equal(await ids('class=chat'), 'r0 r3');
    assert.equal(await ids(' class = chat , api '), 'r0 r1 r3');
    assert.equal(await ids('class!=chat'), 'r1 r2');
    assert.equal(await ids('class=none'), 'r2');
    assert.equal(await ids('input>=50;input<5000'), 'r1 r2');
    assert.equal(await ids('class=chat;input>5'), 'r3');
    assert.equal(await ids('turn>=0'), 'r2');
    assert.equal(await ids('turn=none;row<=2'), 'r0 r1');
    assert.equal(await ids('model=m=1'), 'r3');
    await assert.rejects(ids('class=batch'), /--filter "class=batch": leaves no request of example; it has class chat/);
  });

  it('refuses what is no condition, and says what one is', async () => {
    const apply = (where: string) => (): Promise<unknown> => transformed([row(0)], { op: 'filter', args: { where } });
    await assert.rejects(apply(''), /"" is no condition; write FIELD=VALUE/);
    await assert.rejects(apply('class'), /"class" is no condition/);
    await assert.rejects(apply('class=chat;'), /"" is no condition/);
    await assert.rejects(apply('clas=chat'), /no field "clas".*did you mean "class"/);
    await assert.rejects(apply('constructor=1'), /no field "constructor"; known: class, [a-z, ]+$/);
    await assert.rejects(apply('class<chat'), /compares one number, and class is a text/);
    await assert.rejects(apply('input<5,6'), /compares one number/);
    await assert.rejects(apply('input=many'), /many is not a whole number/);
  });
});

function row(i: number): Request {
  return { id: `r${i}`, traceRow: i + 1, dueUs: i, inputTokens: 10, outputTokens: 1 };
}
