import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { randomStream, uniform } from '../../../src/core/random.ts';
import { beginningsOf, freshBlocks, type Beginnings } from '../../../workloads/transforms/fresh-blocks.ts';
import { PrefixReuse } from '../../../workloads/inspect/prefix.ts';

type Rows = readonly (readonly number[])[];

function begun(rows: Rows): Beginnings {
  const beginnings = beginningsOf(rows);
  assert.ok(beginnings !== null);
  return beginnings;
}

/** Block ids of rows in this order. */
function made(rows: Rows, order: readonly number[]): number[][] {
  const next = freshBlocks(begun(rows));
  return order.map((row) => next(row));
}

/** Share of all blocks that an unlimited cache holds. */
function reuse(rows: Rows): number {
  const statistics = new PrefixReuse(1);
  for (const blocks of rows) statistics.add({ id: '', traceRow: 0, dueUs: 0, outputTokens: 1, inputTokens: 1, blocks });
  return statistics.statistics()?.max_hit_ratio ?? 0;
}

/** The same of a cache that holds the blocks of the last so many requests. */
function reuseWithin(rows: Rows, requests: number): number {
  const last = new Map<number, number>();
  let [found, blocks] = [0, 0];
  for (const [i, ids] of rows.entries()) {
    const lost = ids.findIndex((id) => i - (last.get(id) ?? -Infinity) > requests);
    found += lost === -1 ? ids.length : lost;
    blocks += ids.length;
    for (const id of ids) last.set(id, i);
  }
  return found / blocks;
}

/** Ids by the order in which they come: equal for rows that share the same. */
function renumbered(rows: Rows): number[][] {
  const numbers = new Map<number, number>();
  return rows.map((ids) =>
    ids.map((id) => {
      const number = numbers.get(id) ?? numbers.size;
      numbers.set(id, number);
      return number;
    }),
  );
}

/** Sessions behind system prompts: a turn begins with all of its predecessor. An id tells the whole prefix. */
function conversations(seed: number, sessions: number, systemPrompts: number): number[][] {
  const random = randomStream(seed, 'conversations');
  const upTo = (most: number): number => 1 + Math.floor(uniform(random) * most);
  let id = systemPrompts;
  const open = Array.from({ length: sessions }, (_, i) => ({ ids: [i % systemPrompts], turns: upTo(6) }));
  const rows: number[][] = [];
  // Twenty sessions at a time, a turn of any of them next.
  while (open.length > 0) {
    const place = Math.floor(uniform(random) * Math.min(20, open.length));
    const session = open[place];
    if (session === undefined) break;
    session.ids = [...session.ids, ...Array.from({ length: upTo(4) }, () => id++)];
    rows.push(session.ids);
    if (--session.turns === 0) open.splice(place, 1);
  }
  return rows;
}

function drawn(seed: number, requests: number, rows: number): number[] {
  const random = randomStream(seed, 'drawn');
  return Array.from({ length: requests }, () => Math.floor(uniform(random) * rows));
}

const inOrder = (rows: Rows): number[] => rows.map((_, row) => row);

it('a row begins like the request before it that it followed in the trace, and is new otherwise', () => {
  const rows = [[7, 1, 2], [7, 3], [7, 1, 2, 4], [9]];
  assert.deepEqual(
    [begun(rows).found, begun(rows).back].map((list) => [...list]),
    [
      [0, 1, 3, 0],
      [0, 1, 2, 0],
    ],
  );
  const again = made(rows, [0, 1, 2, 3, 0, 2, 2, 3]);
  assert.deepEqual(again.slice(0, 4), [[0, 1, 2], [0, 3], [0, 1, 2, 4], [5]]);
  assert.deepEqual(again[4], [6, 7, 8], 'nothing of its first copy');
  // Row 2 came two requests behind row 0. Here row 3 is two before it, of another family; before that is row 2 itself,
  // of which it has no more than row 0 had left.
  assert.deepEqual(again[5], [0, 1, 2, 9]);
  assert.deepEqual(again[6], [6, 7, 8, 10], 'two before it is row 0');
  assert.deepEqual(again[7], [11]);
});

const prefixRows = fc
  .array(fc.array(fc.nat(2), { maxLength: 6 }), { minLength: 1, maxLength: 40 })
  .filter((rows) => rows.some(({ length }) => length > 0));

/** Ids that tell the whole prefix, as a hash of it does. */
function chained(rows: Rows): number[][] {
  const ids = new Map<string, number>();
  return rows.map((row) =>
    row.map((_, i) => {
      const prefix = row.slice(0, i + 1).join(' ');
      const id = ids.get(prefix) ?? ids.size;
      ids.set(prefix, id);
      return id;
    }),
  );
}

it('a trace that is replayed end to end shares in each pass what it shares in one, and nothing between two', () =>
  fc.assert(
    fc.property(prefixRows, fc.integer({ min: 1, max: 4 }), (bare, passes) => {
      const rows = chained(bare);
      const one = renumbered(rows);
      const ids = Math.max(-1, ...one.flat()) + 1;
      const expected = Array.from({ length: passes }, (_, pass) => one.map((row) => row.map((id) => id + pass * ids)));
      const order = Array.from({ length: passes }, () => inOrder(rows)).flat();
      assert.deepEqual(renumbered(made(rows, order)), expected.flat());
    }),
  ));

it('no request finds more than its row did, in whatever order and however often rows come', () =>
  fc.assert(
    fc.property(prefixRows, fc.array(fc.nat(), { maxLength: 120 }), (bare, numbers) => {
      const rows = chained(bare);
      const order = numbers.map((number) => number % rows.length);
      const { found } = begun(rows);
      const seen = new Set<number>();
      for (const [i, ids] of made(rows, order).entries()) {
        const row = order[i] ?? 0;
        assert.equal(ids.length, rows[row]?.length);
        const fresh = ids.findIndex((id) => !seen.has(id));
        const hits = fresh === -1 ? ids.length : fresh;
        assert.ok(hits <= (found[row] ?? 0), `${hits} blocks of row ${row}, which found ${found[row]}`);
        for (const id of ids) seen.add(id);
      }
    }),
  ));

it('draws share about as much as as many rows of the trace; with ids kept they share ever more', () => {
  for (const systemPrompts of [1, 5]) {
    const rows = conversations(systemPrompts, 900, systemPrompts);
    for (const requests of [1000, 4000, 16_000]) {
      const order = drawn(requests, requests, rows.length);
      const trace = reuse(rows.slice(0, requests));
      const found = reuse(made(rows, order));
      assert.ok(Math.abs(found / trace - 1) < 0.05, `${requests} draws: ${found}, the trace ${trace}`);
      const kept = reuse(order.map((row) => rows[row] ?? []));
      if (requests === 16_000) assert.ok(kept > trace + 0.2, `${kept}`);
    }
  }
});

it('a cache that forgets finds in draws about as much as in the trace', () => {
  const rows = conversations(7, 900, 1);
  const draws = made(rows, drawn(7, 4000, rows.length));
  for (const requests of [10, 30, 100]) {
    const [trace, found] = [rows, draws].map((each) => reuseWithin(each, requests));
    assert.ok(trace !== undefined && found !== undefined);
    // Somewhat more: two draws may begin like different lengths of one request, where a session has one next turn.
    assert.ok(found > trace - 0.02 && found < trace + 0.12, `the last ${requests}: ${found}, the trace ${trace}`);
  }
});

it('system prompts that many rows have are never taken for one another', () => {
  const rows = conversations(3, 600, 3);
  const order = drawn(1, 3000, rows.length);
  const promptOf = new Map<number, number>();
  for (const [i, [first = -1]] of made(rows, order).entries()) {
    const prompt = rows[order[i] ?? 0]?.[0] ?? -1;
    assert.equal(promptOf.get(first) ?? prompt, prompt);
    promptOf.set(first, prompt);
  }
  assert.ok(promptOf.size < 20, `${promptOf.size} where a prompt is made anew only by the row that introduced it`);
});

it('rows without blocks have none, and a trace without any has no beginnings', () => {
  assert.equal(beginningsOf([[], []]), null);
  assert.deepEqual(made([[], [5]], [0, 1, 0, 1]), [[], [0], [], [1]]);
});
