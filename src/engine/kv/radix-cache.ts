import type { SessionTurn } from '../../core/target.ts';
import { pieceEnd, type Prompt } from '../instance/prompt-content.ts';
import type { KvAllocation, KvCache } from './kv-cache.ts';
import { RadixTree, type RadixNode } from './radix-tree.ts';
import type { TokenString } from './token-string.ts';

/**
 * KV memory by the token, shared by running requests and a radix tree of computed tokens: a prompt is found there as
 * soon as it is computed, an output once its request has ended. Only the later turns of a session begin with an output;
 * no other request does, or with prompt tokens of unknown content, and both take memory in the tree all the same, until
 * they are evicted.
 *
 *     capacity = unused + tokens in the tree + tokens that requests hold outside of the tree
 */
export class RadixCache implements KvCache {
  readonly capacityBlocks: number;
  readonly blockTokens = 1;
  readonly tree = new RadixTree();
  /** Tokens of memory that are neither used nor cached. */
  unused: number;
  readonly #roots = new Map<number, RadixNode>();
  /** Ids of cut pieces, by the piece's id and its remaining tokens. */
  readonly #cutIds = new Map<number, Map<number, number>>();
  /** Ids of cut pieces and of tokens that no other request has: negative and odd. Those of turns are even. */
  #lastId = 1;

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

  makeRoom(tokens: number, evict: number = tokens - this.unused): void {
    if (tokens > this.unused) this.unused += this.tree.evict(evict);
  }

  reset(): boolean {
    if (this.freeBlocks < this.capacityBlocks) return false;
    this.unused += this.tree.evict(this.tree.tokens);
    return true;
  }

  /** Takes `tokens`, evicting as needed. Returns false, and changes nothing, if there are too few. */
  take(tokens: number): boolean {
    if (tokens > this.freeBlocks) return false;
    this.makeRoom(tokens);
    this.unused -= tokens;
    return true;
  }

  #stringOf({ content, promptTokens }: Prompt): TokenString {
    const nothing = { pieces: [], pieceTokens: 1, wholeTokens: 0, sharedTokens: 0, cutId: Number.NaN };
    if (content === null) return { ...nothing, turns: this.#ownTokens(0) };
    const { pieces, pieceTokens, session } = content;
    const sharedTokens = pieceEnd(content, promptTokens);
    const cutTokens = sharedTokens % pieceTokens;
    const wholeTokens = sharedTokens - cutTokens;
    const cutPiece = pieces[wholeTokens / pieceTokens];
    const cutId = cutTokens === 0 || cutPiece === undefined ? Number.NaN : this.#cutId(cutPiece, cutTokens);
    const turns = session?.turns.map(({ id, begin }) => ({ id: -2 * id, begin })) ?? this.#ownTokens(sharedTokens);
    return { pieces, pieceTokens, wholeTokens, sharedTokens, cutId, turns };
  }

  #ownTokens(begin: number): readonly SessionTurn[] {
    return [{ id: this.#newId(), begin }];
  }

  #newId(): number {
    return (this.#lastId -= 2);
  }

  #cutId(piece: number, tokens: number): number {
    let ids = this.#cutIds.get(piece);
    if (ids === undefined) this.#cutIds.set(piece, (ids = new Map()));
    let id = ids.get(tokens);
    if (id === undefined) ids.set(tokens, (id = this.#newId()));
    return id;
  }
}

class RadixAllocation implements KvAllocation {
  blocks = 0;
  readonly #memory: RadixCache;
  readonly #prompt: Prompt;
  readonly #string: TokenString;
  readonly #root: RadixNode;
  /** The last node of the tree that the request has locked; null while it is not admitted. */
  #node: RadixNode | null = null;
  #computedTokens = 0;
  /** Tokens that it still has though it has been released. */
  #rest = 0;

  constructor(memory: RadixCache, prompt: Prompt, string: TokenString, root: RadixNode) {
    this.#memory = memory;
    this.#prompt = prompt;
    this.#string = string;
    this.#root = root;
  }

  cachedTokens(): number {
    return this.#node === null ? this.#memory.tree.found(this.#root, this.#string, this.#limit()) : 0;
  }

  /** As in SGLang, a look-up counts as a use: prefixes of waiting requests are evicted later. */
  lookUp(): number {
    return this.#node === null ? this.#memory.tree.match(this.#root, this.#string, this.#limit()).end : 0;
  }

  blocksNeeded(tokens: number): number {
    if (this.#node !== null) return Math.max(0, tokens - this.blocks);
    const evictable = this.#memory.tree.evictableIn(this.#root, this.#string, this.#limit());
    return Math.max(0, tokens - this.cachedTokens()) + evictable;
  }

  allocate(tokens: number): boolean {
    if (this.#node === null) return this.#open(tokens);
    if (tokens <= this.blocks) return true;
    if (!this.#memory.take(tokens - this.blocks)) return false;
    this.blocks = tokens;
    return true;
  }

  computed(tokens: number): void {
    this.#computedTokens = tokens;
    // It may be known already, or be computed again after a lost transfer.
    if (this.#node !== null && tokens > this.#node.end) this.#share(this.#node, tokens);
  }

  release(tokens = this.blocks, keepsRest = false): void {
    if (this.#node === null) return;
    // A request that was cancelled within its prompt has shared all that it computed.
    const shares = this.#computedTokens >= this.#prompt.promptTokens;
    if (shares) this.#share(this.#node, Math.max(this.#node.end, Math.min(tokens, this.blocks)));
    const rest = shares && keepsRest ? Math.max(0, this.blocks - tokens) : 0;
    this.blocks -= rest;
    this.evict();
    this.#rest = rest;
  }

  freeRest(): void {
    this.#memory.unused += this.#rest;
    this.#rest = 0;
  }

  /** Its shared tokens stay in the tree. */
  evict(): void {
    if (this.#node === null) return;
    this.#memory.unused += this.blocks - this.#node.end;
    this.#memory.tree.unlock(this.#node);
    this.#node = null;
    this.blocks = 0;
    this.#computedTokens = 0;
  }

  /** Locks what the tree has of it, and takes the rest. */
  #open(tokens: number): boolean {
    const { tree } = this.#memory;
    const node = tree.locate(this.#root, this.#string, this.#limit());
    tree.lock(node);
    if (!this.#memory.take(Math.max(0, tokens - node.end))) {
      tree.unlock(node);
      return false;
    }
    this.#node = node;
    this.blocks = Math.max(tokens, node.end);
    this.#computedTokens = node.end;
    return true;
  }

  /** All but the last token, which must be computed for the next to come out. */
  #limit(): number {
    return this.#prompt.promptTokens + this.#prompt.generatedTokens - 1;
  }

  /** Puts its first `tokens` tokens into the tree. */
  #share(locked: RadixNode, tokens: number): void {
    const { tree } = this.#memory;
    const { node, found } = tree.insert(this.#root, this.#string, tokens);
    // Another request may have inserted them first; the second copy is freed.
    this.#memory.unused += found - locked.end;
    tree.lock(node);
    tree.unlock(locked);
    this.#node = node;
  }
}
