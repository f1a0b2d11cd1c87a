import { EvictionHeap } from './eviction-heap.ts';
import { equalUpTo, pieceAt, type TokenString } from './token-string.ts';

/** Tokens `begin` to `end` of `string`, after those of its ancestors. */
export interface RadixNode {
  /** Null: a root, which holds no tokens and is never evicted. */
  parent: RadixNode | null;
  readonly string: TokenString;
  begin: number;
  readonly end: number;
  /** By the first piece of each child. */
  readonly children: Map<number, RadixNode>;
  /** Number of requests that use it. */
  locks: number;
  usedAt: number;
  isQueued: boolean;
}

/**
 * The cached tokens as a tree of prefixes (RadixAttention: SGLang, NeurIPS '24; its mem_cache/radix_cache.py with a
 * page size of 1). `match` and `insert` mark the nodes of the match as used, and split a node where the match ends.
 * Leaves that no request has locked can be evicted, the least recently used first.
 *
 *     root -- system prompt --+-- question -- answer
 *                             +-- question -- answer
 */
export class RadixTree {
  /** Tokens in the tree, and those of them that no request has locked. */
  tokens = 0;
  evictableTokens = 0;
  readonly #leaves = new EvictionHeap<RadixNode>();
  /** Grows with each look-up and each insertion. */
  #now = 0;

  /** A root for strings of one piece size; pieces of different sizes cannot be compared. */
  root(string: TokenString): RadixNode {
    return newNode(null, string, 0, 0, 1);
  }

  /** The node at the end of the longest match, `limit` tokens at most. Counts as a use of all of it. */
  match(root: RadixNode, string: TokenString, limit: number): RadixNode {
    return this.#descend(root, string, limit, ++this.#now);
  }

  /** As `match`, of what has been looked up before: counts as no use. */
  locate(root: RadixNode, string: TokenString, limit: number): RadixNode {
    return this.#descend(root, string, limit, null);
  }

  /** Length of the longest match in tokens, at most `limit`; marks no use and splits no node. */
  found(root: RadixNode, string: TokenString, limit: number): number {
    let node = root;
    while (node.end < limit) {
      const child = node.children.get(pieceAt(string, node.end));
      if (child === undefined) break;
      const end = equalUpTo(child.string, string, child.begin, Math.min(child.end, limit));
      if (end < child.end) return end;
      node = child;
    }
    return node.end;
  }

  /** Inserts the first `end` tokens; `found` of them were in the tree already. */
  insert(root: RadixNode, string: TokenString, end: number): { readonly node: RadixNode; readonly found: number } {
    const node = this.match(root, string, end);
    const found = node.end;
    if (found === end) return { node, found };
    const leaf = newNode(node, string, found, end, 0);
    // Later than the matched nodes, as in SGLang: of the two halves of a split node, the unmatched one is older.
    leaf.usedAt = ++this.#now;
    node.children.set(pieceAt(string, found), leaf);
    this.tokens += end - found;
    this.evictableTokens += end - found;
    this.#leaves.push(leaf);
    return { node: leaf, found };
  }

  /** Marks the node and all its ancestors as used by one more request. */
  lock(node: RadixNode): void {
    for (let each = node; each.parent !== null; each = each.parent) {
      if (each.locks === 0) this.evictableTokens -= each.end - each.begin;
      each.locks++;
    }
  }

  unlock(node: RadixNode): void {
    for (let each = node; each.parent !== null; each = each.parent) {
      each.locks--;
      if (each.locks > 0) continue;
      this.evictableTokens += each.end - each.begin;
      if (isEvictable(each)) this.#leaves.push(each);
    }
  }

  /** Tokens of the longest match, `limit` at most, that are evictable now, and no longer once a request locks it. */
  evictableIn(root: RadixNode, string: TokenString, limit: number): number {
    const end = this.found(root, string, limit);
    let node = root;
    // A lock on a node is a lock on all its ancestors.
    for (;;) {
      const child = node.end < end ? node.children.get(pieceAt(string, node.end)) : undefined;
      if (child === undefined) return 0;
      if (child.locks === 0) return end - child.begin;
      node = child;
    }
  }

  /** Evicts whole leaves until at least `tokens` are evicted or none is left; returns the number of evicted tokens. */
  evict(tokens: number): number {
    let evicted = 0;
    while (evicted < tokens) {
      const leaf = this.#leaves.pop(isEvictable);
      const parent = leaf?.parent;
      if (leaf === undefined || parent === null || parent === undefined) break;
      parent.children.delete(pieceAt(leaf.string, leaf.begin));
      leaf.parent = null;
      evicted += leaf.end - leaf.begin;
      if (isEvictable(parent)) this.#leaves.push(parent);
    }
    this.tokens -= evicted;
    this.evictableTokens -= evicted;
    return evicted;
  }

  /** Splits the node in which the match ends. `usedAt`: null leaves the last uses as they are. */
  #descend(root: RadixNode, string: TokenString, limit: number, usedAt: number | null): RadixNode {
    let node = root;
    while (node.end < limit) {
      const child = node.children.get(pieceAt(string, node.end));
      if (child === undefined) break;
      if (usedAt !== null) child.usedAt = usedAt;
      const end = equalUpTo(child.string, string, child.begin, Math.min(child.end, limit));
      if (end < child.end) return this.#split(child, end);
      node = child;
    }
    return node;
  }

  /** Cuts a node in two, and returns the upper part. */
  #split(node: RadixNode, at: number): RadixNode {
    const upper = newNode(node.parent, node.string, node.begin, at, node.locks);
    upper.usedAt = node.usedAt;
    upper.children.set(pieceAt(node.string, at), node);
    upper.parent?.children.set(pieceAt(node.string, upper.begin), upper);
    node.parent = upper;
    node.begin = at;
    return upper;
  }
}

function newNode(parent: RadixNode | null, string: TokenString, begin: number, end: number, locks: number): RadixNode {
  return { parent, string, begin, end, children: new Map(), locks, usedAt: 0, isQueued: false };
}

function isEvictable(node: RadixNode): boolean {
  return node.locks === 0 && node.children.size === 0;
}
