/**
 * How each row of a trace begins: parallel lists. Rows that are drawn, or replayed, again and again must not find in a
 * prefix cache what only their own earlier copies left there, and what they share must not depend on how many of them
 * there are. So what is kept of a trace's block ids is how much of a row an earlier row had, and how long before.
 */
export interface Beginnings {
  /** Prefix blocks of the row. */
  readonly blocks: Int32Array;
  /** The leading ones of them that an earlier row begins with too: an unlimited cache holds these and no more. */
  readonly found: Int32Array;
  /** How many rows before it the last such row is; 0 where there is none. */
  readonly back: Int32Array;
  /** A number for each first block that many rows share, a system prompt for example; 0: one that few have. */
  readonly family: Int32Array;
}

/** From this share of the rows on, a first block is one that many share: ten in a simulation of a thousand requests. */
const MANY = 0.01;
/** One entry more and a `Map` throws. What was seen so many blocks ago is forgotten: no cache holds it either. */
const MOST_IN_A_MAP = 2 ** 24;
/** Ids and prefixes are numbered below it, so that a prefix and the id behind it make one safe integer. */
const NUMBERS = 2 ** 26;

/** Reads the block ids of all rows, in the order of the trace. Null where no row has any. */
export function beginningsOf(rows: readonly (readonly number[])[]): Beginnings | null {
  if (rows.every((ids) => ids.length === 0)) return null;
  const blocks = Int32Array.from(rows, (ids) => ids.length);
  const found = new Int32Array(rows.length);
  const back = new Int32Array(rows.length);
  const firsts = new Int32Array(rows.length);
  const tree = new PrefixTree();
  for (const [row, ids] of rows.entries()) {
    tree.makeRoom(ids.length);
    let prefix = 0;
    for (const [i, id] of ids.entries()) {
      prefix = tree.behind(prefix, id);
      const last = tree.lastRow.get(prefix);
      if (last !== undefined) [found[row], back[row]] = [i + 1, row - last];
      tree.lastRow.set(prefix, row);
      if (i === 0) firsts[row] = prefix;
    }
  }
  const sharing = Map.groupBy(firsts, (first) => first);
  const isCommon = (first: number): boolean => (sharing.get(first)?.length ?? 0) >= MANY * rows.length;
  return { blocks, found, back, family: firsts.map((first) => (isCommon(first) ? first : 0)) };
}

/** Numbers every prefix, 0 the empty one. */
class PrefixTree {
  /** The last row that begins with a prefix. */
  readonly lastRow = new Map<number, number>();
  readonly #ids = new Map<number, number>();
  readonly #prefixes = new Map<number, number>();
  #next = 1;

  /** For so many blocks more. */
  makeRoom(blocks: number): void {
    if (this.#prefixes.size + blocks <= MOST_IN_A_MAP) return;
    this.lastRow.clear();
    this.#ids.clear();
    this.#prefixes.clear();
    this.#next = 1;
  }

  /** The prefix that is another one and the block of this id behind it. */
  behind(prefix: number, id: number): number {
    const key = prefix * NUMBERS + numbered(this.#ids, id);
    const known = this.#prefixes.get(key);
    if (known !== undefined) return known;
    this.#prefixes.set(key, this.#next);
    return this.#next++;
  }
}

function numbered(numbers: Map<number, number>, id: number): number {
  const known = numbers.get(id);
  if (known !== undefined) return known;
  numbers.set(id, numbers.size);
  return numbers.size - 1;
}

/**
 * Block ids of requests that are rows of a trace, in any order and as often as liked: called once for each request, in
 * the order of their due times. A request begins as an earlier request does, with as many blocks as the row found in the
 * trace, and all its other blocks are new. That request is as far before it as in the trace, or the nearest to that of
 * the same family that has so many blocks with which none has begun since. So no request finds more than its row did, nor
 * what a cache of any size would have lost by then; and rows in the order of the trace find what they found there, however
 * often it is replayed.
 */
export function freshBlocks(beginnings: Beginnings): (row: number) => number[] {
  const made: Made = { rows: [], ids: [], last: [] };
  return (row) => {
    const { place, shared } = parentOf(row, made, beginnings);
    const ids = made.ids[place]?.slice(0, shared) ?? [];
    for (const id of ids) made.last[id] = made.rows.length;
    // A new id is the next number.
    while (ids.length < (beginnings.blocks[row] ?? 0)) ids.push(made.last.push(made.rows.length) - 1);
    made.rows.push(row);
    made.ids.push(ids);
    return ids;
  };
}

/** Requests so far: their rows and ids; of each id, the last request that has it. */
interface Made {
  readonly rows: number[];
  readonly ids: (readonly number[])[];
  readonly last: number[];
}

/** The place of the request that another begins like, and with how many blocks. */
interface Parent {
  readonly place: number;
  readonly shared: number;
}

const NONE: Parent = { place: -1, shared: 0 };

/**
 * A row that was found so long before that no request was there yet finds at most its first block, where many have that:
 * so does a trace at its beginning.
 */
function parentOf(row: number, made: Made, { back, found, family }: Beginnings): Parent {
  const { rows, ids, last } = made;
  const all = found[row] ?? 0;
  const isKin = (other: number): boolean => family[other] === family[row];
  const wanted = rows.length - (back[row] ?? 0);
  if (all === 0) return NONE;
  if (wanted < 0) return family[row] === 0 ? NONE : { place: rows.findLastIndex(isKin), shared: 1 };
  let most = NONE;
  for (let away = 0; away < rows.length; away++)
    for (const place of away === 0 ? [wanted] : [wanted - away, wanted + away]) {
      const [other, its] = [rows[place], ids[place]];
      if (other === undefined || its === undefined || !isKin(other)) continue;
      // Not its last block, which may be filled in part only, unless it is the very row that was found in the trace.
      const shared = other === row - (back[row] ?? 0) ? all : Math.min(all, its.length - 1);
      if (shared <= most.shared || last[its[shared - 1] ?? 0] !== place) continue;
      most = { place, shared };
      if (shared === all) return most;
    }
  return most;
}
