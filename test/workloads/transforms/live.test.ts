import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SILENT } from '../../../src/core/log.ts';
import type { Source } from '../../../src/core/plan.ts';
import type { Request } from '../../../src/core/request.ts';
import { applyTransforms, scanPlan } from '../../../workloads/index.ts';

function sourceOf(rows: readonly Partial<Request>[], more: Partial<Source> = {}): Source {
  const requests = rows.map((row, i): Request => {
    const plain = { id: `r${i}`, traceRow: i + 2, dueUs: i * 1000, inputTokens: 100, outputTokens: 10 };
    return { ...plain, session: 's', ...row };
  });
  return {
    name: 't',
    format: 'native',
    path: 't',
    transforms: [],
    ...more,
    open: async function* () {
      yield requests;
    },
  };
}

/** As `--sessions think --history live` transforms it. */
async function live(rows: readonly Partial<Request>[], more: Partial<Source> = {}): Promise<Source> {
  const transforms = ['think-times', 'by-session', 'live'].map((op) => ({ op, args: {} }));
  return (await applyTransforms(sourceOf(rows, more), transforms, SILENT)).source;
}

async function all(source: Source): Promise<Request[]> {
  const requests: Request[] = [];
  for await (const batch of source.open()) requests.push(...batch);
  return requests;
}

const goesOn = ({ continues, newTokens, inputTokens }: Request): unknown[] => [continues, newTokens, inputTokens];

describe('prompts with the answers of the run', () => {
  it('go on from the turn before, by what is new, or by the whole prompt less what was there, at least a token', async () => {
    const requests = await all(
      await live([{}, { inputTokens: 150, newTokens: 7 }, { inputTokens: 190 }, { inputTokens: 180, blocks: [1, 2] }]),
    );
    assert.deepEqual(requests.map(goesOn), [
      [undefined, undefined, 100],
      ['r0', 7, 117],
      ['r1', 30, 157],
      ['r2', 1, 168],
    ]);
    assert.equal(requests[3]?.blocks, undefined);
  });

  it('begin anew where the trace has thrown most of the prompt away', async () => {
    const requests = await all(await live([{}, { inputTokens: 49 }, { inputTokens: 70 }]));
    assert.deepEqual(requests.map(goesOn), [
      [undefined, undefined, 100],
      [undefined, undefined, 49],
      ['r1', 11, 70],
    ]);
  });

  it('go on within a branch alone, from the parent that the trace names', async () => {
    const requests = await all(
      await live([
        {},
        { agent: 'sub', after: [{ id: 'r0', thinkUs: 1 }] },
        { inputTokens: 130, parent: 'r0' },
        { inputTokens: 140, parent: 'r0' },
        {
          inputTokens: 200,
          after: [
            { id: 'r1', thinkUs: 1 },
            { id: 'r2', thinkUs: 1 },
          ],
        },
      ]),
    );
    assert.deepEqual(
      requests.map(({ continues }) => continues),
      [undefined, undefined, 'r0', 'r0', 'r2'],
    );
  });

  it('leave bodies, texts and ids as they are, and go on from none of them', async () => {
    const rows = [
      { payload: { messages: [] } },
      {},
      { prompt: { kind: 'text', text: 'whole' } },
      { prompt: { kind: 'messages', messages: [{ role: 'user', content: 'x' }] } },
    ] as const;
    assert.deepEqual(
      (await all(await live(rows))).map(({ continues }) => continues),
      [undefined, undefined, undefined, undefined],
    );
  });

  it('take the answer before a session that is met as it goes on for new', async () => {
    const rows = [{}, { inputTokens: 150, newTokens: 40 }, { inputTokens: 200, newTokens: 40 }];
    const transforms = [
      ...['think-times', 'by-session'].map((op) => ({ op, args: {} })),
      { op: 'stationary', args: { lanes: 1, seed: 3 } },
      { op: 'live', args: {} },
    ];
    const requests = await all((await applyTransforms(sourceOf(rows), transforms, SILENT)).source);
    const [priming, entered] = requests;
    assert.ok(priming?.isPriming === true && entered !== undefined);
    assert.equal(entered.inputTokens, rows[requests.length === 3 ? 1 : 2]?.inputTokens);
  });

  it('count as reuse what prompts repeat, beside the blocks of first prompts', async () => {
    const rows = [
      { blocks: [1] },
      { inputTokens: 120, session: 'u', blocks: [1] },
      { inputTokens: 150, newTokens: 30 },
    ];
    const { prefixReuse, inputTokens } = await scanPlan(await live(rows, { blockTokens: 64 }), 1);
    assert.equal(inputTokens, 100 + 120 + 140);
    assert.ok(Math.abs((prefixReuse ?? 0) - (64 + 110) / 360) < 1e-12);
  });

  it('make another load of the same trace', async () => {
    const rows = [{}, { inputTokens: 150, newTokens: 40 }];
    const without = (await applyTransforms(sourceOf(rows), [{ op: 'think-times', args: {} }], SILENT)).source;
    const digests = await Promise.all([scanPlan(await live(rows), 1), scanPlan(without, 1)]);
    assert.notEqual(digests[0].digest, digests[1].digest);
  });
});
