import { EvictionHeap } from './eviction-heap.ts';
import { equalUpTo, pieceAt, type TokenString } from './token-string.ts';

/** Tokens `begin` to `end` of `string`, behind those of its ancestors. */
export interface RadixNode {
  /** Null: a root, which holds no tokens and is never evicted. */
  parent: RadixNode | null;
  readonly string: TokenString;
  begin: number;
  readonly end: number;
  /** By the piece that they begin with. */
  readonly children: Map<number, RadixNode>;
  /** Requests that use it. */
  locks: number;
  usedAt: number;
  isQueued: boolean;
}

/**
 * What is in the cache, by how it begins (RadixAttention: SGLang, NeurIPS '24; its mem_cache/radix_cache.py with a page
 * size of 1). `match` and `insert` use what they find, and split a node where the match ends. Leaves that no request
 * has locked can be evicted, the least recently used first.
 *
 *     root -- system prompt --+-- question -- answer
 *                             +-- question -- answer
 */
export class RadixTree {
  /** Tokens in it, and those of them that no request has locked. */
  tokens = 0;
  evictableTokens = 0;
  readonly #leaves = new EvictionHeap<RadixNode>();
  /** Goes up with each look-up and each insertion. */
  #now = 0;

  /** Where strings of one piece size begin; pieces of different sizes cannot be compared. */
  root(string: TokenString): RadixNode {
    return newNode(null, string, 0, 0, 1);
  }

  /** The node at the end of the longest match, `limit` tokens at most. */
  match(root: RadixNode, string: TokenString, limit: number): RadixNode {
    this.#now++;
    let node = root;
    while (node.end < limit) {
      const child = node.children.get(pieceAt(string, node.end));
      if (child === undefined) break;
      child.usedAt = this.#now;
      const end = equalUpTo(child.string, string, child.begin, Math.min(child.end, limit));
      if (end < child.end) return this.#split(child, end);
      node = child;
    }
    return node;
  }

  /** Tokens of the longest match, `limit` at most, without a use or a split. */
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

  /** Puts the first `end` tokens in; `found` were there already. */
  insert(root: RadixNode, string: TokenString, end: number): { readonly node: RadixNode; readonly found: number } {
    const node = this.match(root, string, end);
    const found = node.end;
    if (found === end) return { node, found };
    const leaf = newNode(node, string, found, end, 0);
    // After what it was matched with, as in SGLang: of the two halves of a node, the one that it left is older.
    leaf.usedAt = ++this.#now;
    node.children.set(pieceAt(string, found), leaf);
    this.tokens += end - found;
    this.evictableTokens += end - found;
    this.#leaves.push(leaf);
    return { node: leaf, found };
  }

  /** A request uses it and all before it. */
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

  /** Tokens up to `node` that can be evicted now, and not once it is locked. */
  evictableUpTo(node: RadixNode): number {
    let tokens = 0;
    // A lock of a node locks all before it.
    for (let each = node; each.parent !== null && each.locks === 0; each = each.parent) tokens += each.end - each.begin;
    return tokens;
  }

  /** Evicts whole leaves until `tokens` or more are gone, or none is left; returns how many went. */
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
