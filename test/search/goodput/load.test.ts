import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Request } from '../../../src/core/request.ts';
import { drawLoad, prefixShare, readRows, requestsAt, traceLoad, type Rows } from '../../../src/search/goodput/load.ts';

const rows = (...dueS: number[]): Rows => ({
  dueUs: dueS.map((s) => s * 1e6),
  inputTokens: dueS.map((_, i) => 10 + i),
  outputTokens: dueS.map((_, i) => 1 + i),
  tooLong: 0,
});

it("the trace's own timing is scaled in time to a rate, as --rate scales it", () => {
  // 3 gaps in 6 s: 0.5 requests/s. At 2 requests/s time runs four times as fast.
  const trace = traceLoad(rows(10, 11, 11, 16), 100);
  assert.ok(trace !== null);
  assert.equal(trace.rateRps, 0.5);
  assert.deepEqual(
    requestsAt(trace.load, 4, 2, null).map(({ dueUs, inputTokens, outputTokens }) => [
      dueUs,
      inputTokens,
      outputTokens,
    ]),
    [
      [0, 10, 1],
      [250_000, 11, 2],
      [250_000, 12, 3],
      [1_500_000, 13, 4],
    ],
  );
});

it('a trace that is replayed end to end keeps its mean rate', () => {
  const trace = traceLoad(rows(0, 1, 4), 100);
  assert.ok(trace !== null);
  const due = requestsAt(trace.load, 6, trace.rateRps, null).map(({ dueUs }) => dueUs / 1e6);
  assert.deepEqual(due, [0, 1, 4, 6, 7, 10]);
});

it('of a long trace the first requests are taken, and a trace at one time has no timing', () => {
  const first = traceLoad(rows(0, 2, 4, 400), 3);
  assert.deepEqual([first?.rateRps, first?.load.dueS.length], [0.5, 3]);
  assert.equal(traceLoad(rows(7, 7, 7), 100), null);
  assert.equal(traceLoad(rows(7), 100), null);
});

const BLOCKS = [[1, 2], [1, 3], [1, 2, 4], [5]];

/** Rows of 10 tokens a block; the third is longer than the model of a search may take. */
async function rowsOf(changes: Partial<Request>[], blockTokens: number | undefined): Promise<Rows> {
  const requests = changes.map((change, i) => ({
    id: `r${i}`,
    traceRow: i + 1,
    dueUs: i * 1e6,
    inputTokens: 30,
    outputTokens: 1,
    ...change,
  }));
  const source = {
    name: 'made',
    format: 'made',
    path: '',
    transforms: [],
    ...(blockTokens === undefined ? {} : { blockTokens }),
    async *open() {
      yield requests.slice(0, 2);
      yield requests.slice(2);
    },
  };
  return readRows(source, 1000);
}

it('requests keep the prefix blocks of their rows, the same at every rate, and a replay has its own', async () => {
  const read = await rowsOf(
    BLOCKS.map((blocks) => ({ blocks })),
    10,
  );
  const trace = traceLoad(read, 100);
  assert.ok(trace !== null);
  assert.equal(trace.load.prefixes?.blockTokens, 10);
  for (const rateRps of [1, 7])
    assert.deepEqual(
      requestsAt(trace.load, 6, rateRps, null).map(({ blocks }) => blocks),
      [[0, 1], [0, 2], [0, 1, 3], [4], [5, 6], [5, 7]],
    );
  // 10 and 20 of 120 tokens.
  assert.equal(prefixShare(read), 30 / 120);

  const drawn = requestsAt(drawLoad(read, 50, 1), 50, 1, null);
  assert.ok(drawn.every(({ blocks }) => blocks !== undefined && blocks.length > 0));
  assert.deepEqual(
    drawn.map(({ blocks }) => blocks?.length),
    Array.from(drawLoad(read, 50, 1).prefixes?.rows ?? [], (row) => BLOCKS[row]?.length),
  );
});

it('what a row finds is counted among the rows that the model takes', async () => {
  const [first, ...others] = BLOCKS.map((blocks) => ({ blocks }));
  const read = await rowsOf([{ ...first, inputTokens: 2000 }, ...others], 10);
  assert.deepEqual([read.tooLong, prefixShare(read)], [1, 10 / 90]);
});

it('rows without blocks, or with blocks of unknown size, share nothing and draw as before', async () => {
  const bare = await rowsOf(
    BLOCKS.map(() => ({})),
    10,
  );
  const unsized = await rowsOf(
    BLOCKS.map((blocks) => ({ blocks })),
    undefined,
  );
  const sized = await rowsOf(
    BLOCKS.map((blocks) => ({ blocks })),
    10,
  );
  for (const read of [bare, unsized]) {
    assert.equal(read.prefixes, undefined);
    assert.equal(prefixShare(read), 0);
    const drawn = requestsAt(drawLoad(read, 20, 3), 20, 2, null);
    assert.ok(drawn.every((request) => !('blocks' in request)));
    const withBlocks = requestsAt(drawLoad(sized, 20, 3), 20, 2, null);
    const bareOf = (requests: readonly Request[]): number[][] =>
      requests.map(({ dueUs, inputTokens, outputTokens }) => [dueUs, inputTokens, outputTokens]);
    assert.deepEqual(bareOf(withBlocks), bareOf(drawn), 'blocks change no due time and no length');
  }
});
