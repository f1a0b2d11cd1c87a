/**
 * vLLM v1's prefix caching written down plainly, against which the fast one is held: every token is a text, a block is
 * found by all tokens up to its end, lists are searched from one end to the other.
 */
export class OracleMemory {
  readonly blockTokens: number;
  /** Head: taken next. */
  readonly #free: OracleBlock[];
  readonly #found: OracleBlock[] = [];

  constructor(capacityBlocks: number, blockTokens: number) {
    this.blockTokens = blockTokens;
    this.#free = Array.from({ length: capacityBlocks }, () => ({ name: null, users: 0 }));
  }

  get freeBlocks(): number {
    return this.#free.length;
  }

  hits(request: OracleRequest): readonly OracleBlock[] {
    const hits: OracleBlock[] = [];
    for (let end = this.blockTokens; end < request.tokens.length; end += this.blockTokens) {
      const name = request.tokens.slice(0, end).join(' ');
      const block = this.#found.find((one) => one.name === name);
      if (block === undefined) break;
      hits.push(block);
    }
    return hits;
  }

  needs(request: OracleRequest, tokens: number): number {
    const all = Math.ceil(tokens / this.blockTokens);
    if (request.held.length > 0) return Math.max(0, all - request.held.length);
    const hits = this.hits(request).slice(0, all);
    return all - hits.length + hits.filter(({ users }) => users === 0).length;
  }

  grow(request: OracleRequest, tokens: number): boolean {
    if (this.needs(request, tokens) > this.#free.length) return false;
    const all = Math.ceil(tokens / this.blockTokens);
    if (request.held.length === 0)
      for (const block of this.hits(request).slice(0, all)) {
        if (block.users++ === 0) this.#free.splice(this.#free.indexOf(block), 1);
        request.held.push(block);
      }
    while (request.held.length < all) {
      const block = this.#free.shift();
      if (block === undefined) throw new Error('none is free');
      if (block.name !== null) this.#found.splice(this.#found.indexOf(block), 1);
      block.name = null;
      block.users = 1;
      request.held.push(block);
    }
    for (const [i, block] of request.held.entries()) {
      const end = (i + 1) * this.blockTokens;
      if (end > tokens || block.name !== null) continue;
      block.name = request.tokens.slice(0, end).join(' ');
      this.#found.push(block);
    }
    return true;
  }

  free(request: OracleRequest): void {
    for (const block of request.held.splice(0).reverse()) if (--block.users === 0) this.#free.push(block);
  }
}

interface OracleBlock {
  /** All tokens up to its end, once it is full. */
  name: string | null;
  users: number;
}

export interface OracleRequest {
  /** Prompt and generated ones. */
  readonly tokens: string[];
  readonly held: OracleBlock[];
}
