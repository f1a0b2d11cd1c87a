import type { Prompt } from '../instance/prompt-content.ts';
import type { KvAllocation, KvCache } from './kv-cache.ts';
import { RadixTree, type RadixNode } from './radix-tree.ts';
import type { TokenString } from './token-string.ts';

/**
 * KV memory token by token, shared by running requests and a radix tree of what was computed: a prompt is found there
 * as soon as it is computed, an output once its request has ended. No other prompt begins with an output, or with
 * tokens that are not known; both take memory in the tree all the same, until they are evicted.
 *
 *     capacity = unused + tokens in the tree + tokens of their own that requests hold besides
 */
export class RadixCache implements KvCache {
  readonly capacityBlocks: number;
  readonly blockTokens = 1;
  readonly tree = new RadixTree();
  /** Used by no request, and not in the tree. */
  unused: number;
  readonly #roots = new Map<number, RadixNode>();
  /** Ids of pieces that were cut short, by their own id and the tokens that are left. */
  readonly #cutIds = new Map<number, Map<number, number>>();
  /** Ids that content does not give are negative. */
  #lastId = 0;

  constructor(capacityTokens: number) {
    this.capacityBlocks = capacityTokens;
    this.unused = capacityTokens;
  }

  get freeBlocks(): number {
    return this.unused + this.tree.evictableTokens;
  }

  blocksFor(tokens: number): number {
    return tokens;
  }

  open(prompt: Prompt): KvAllocation {
    const string = this.#stringOf(prompt);
    const { pieceTokens } = string;
    const root = this.#roots.get(pieceTokens) ?? this.tree.root(string);
    this.#roots.set(pieceTokens, root);
    return new RadixAllocation(this, prompt, string, root);
  }

  cachedTokens(prompt: Prompt): number {
    const string = this.#stringOf(prompt);
    const root = this.#roots.get(string.pieceTokens);
    return root === undefined ? 0 : this.tree.found(root, string, prompt.promptTokens + prompt.generatedTokens - 1);
  }

  reset(): boolean {
    if (this.freeBlocks < this.capacityBlocks) return false;
    this.unused += this.tree.evict(this.tree.tokens);
    return true;
  }

  /** Takes `tokens`, evicting what it must. False, and nothing changes, if there are too few. */
  take(tokens: number): boolean {
    if (tokens > this.freeBlocks) return false;
    if (tokens > this.unused) this.unused += this.tree.evict(tokens - this.unused);
    this.unused -= tokens;
    return true;
  }

  #stringOf({ content, promptTokens }: Prompt): TokenString {
    const ownId = --this.#lastId;
    if (content === null) return { pieces: [], pieceTokens: 1, wholeTokens: 0, sharedTokens: 0, cutId: ownId, ownId };
    const { pieces, pieceTokens } = content;
    const sharedTokens = Math.min(pieces.length * pieceTokens, promptTokens);
    const cutTokens = sharedTokens % pieceTokens;
    const wholeTokens = sharedTokens - cutTokens;
    const cutPiece = pieces[wholeTokens / pieceTokens];
    const cutId = cutTokens === 0 || cutPiece === undefined ? ownId : this.#cutId(cutPiece, cutTokens);
    return { pieces, pieceTokens, wholeTokens, sharedTokens, cutId, ownId };
  }

  #cutId(piece: number, tokens: number): number {
    let ids = this.#cutIds.get(piece);
    if (ids === undefined) this.#cutIds.set(piece, (ids = new Map()));
    let id = ids.get(tokens);
    if (id === undefined) ids.set(tokens, (id = --this.#lastId));
    return id;
  }
}

class RadixAllocation implements KvAllocation {
  blocks = 0;
  readonly #memory: RadixCache;
  readonly #prompt: Prompt;
  readonly #string: TokenString;
  readonly #root: RadixNode;
  /** The last node of the tree that it has locked. */
  #node: RadixNode;
  #computedTokens = 0;

  constructor(memory: RadixCache, prompt: Prompt, string: TokenString, root: RadixNode) {
    this.#memory = memory;
    this.#prompt = prompt;
    this.#string = string;
    this.#root = root;
    this.#node = root;
  }

  /** As in SGLang, to ask is to use: what waiting requests would take over is evicted later. */
  cachedTokens(): number {
    return this.blocks > 0 ? 0 : this.#match().end;
  }

  blocksNeeded(tokens: number): number {
    if (this.blocks > 0) return Math.max(0, tokens - this.blocks);
    const node = this.#match();
    return Math.max(0, tokens - node.end) + this.#memory.tree.evictableUpTo(node);
  }

  allocate(tokens: number): boolean {
    if (tokens <= this.blocks) return true;
    if (this.blocks > 0) {
      if (!this.#memory.take(tokens - this.blocks)) return false;
    } else {
      const { tree } = this.#memory;
      const node = this.#match();
      tree.lock(node);
      if (!this.#memory.take(Math.max(0, tokens - node.end))) {
        tree.unlock(node);
        return false;
      }
      this.#node = node;
      this.#computedTokens = node.end;
    }
    this.blocks = Math.max(tokens, this.#node.end);
    return true;
  }

  computed(tokens: number): void {
    this.#computedTokens = tokens;
    // After a lost transfer it computes again what it shares here already.
    if (tokens >= this.#node.end) this.#share(tokens);
  }

  release(): void {
    if (this.blocks === 0) return;
    // One that is given up within its prompt has shared all that it computed.
    if (this.#computedTokens >= this.#prompt.promptTokens) this.#share(this.blocks);
    this.evict();
  }

  /** What it shared stays in the tree. */
  evict(): void {
    this.#memory.unused += this.blocks - this.#node.end;
    this.#memory.tree.unlock(this.#node);
    this.#node = this.#root;
    this.blocks = 0;
    this.#computedTokens = 0;
  }

  #match(): RadixNode {
    const { promptTokens, generatedTokens } = this.#prompt;
    return this.#memory.tree.match(this.#root, this.#string, promptTokens + generatedTokens - 1);
  }

  /** Its first `tokens` tokens go into the tree. */
  #share(tokens: number): void {
    const { tree } = this.#memory;
    const { node, found } = tree.insert(this.#root, this.#string, tokens);
    // Another was quicker, and two copies are not kept.
    this.#memory.unused += found - this.#node.end;
    tree.lock(node);
    tree.unlock(this.#node);
    this.#node = node;
  }
}
