import type { Prompt } from '../../../src/engine/instance/prompt-content.ts';
import { tokenName } from './session-prompts.ts';

/** A request's tokens, each by its name, and what it holds. */
export class NaiveRequest {
  readonly prompt: Prompt;
  readonly #id: number;
  held = 0;
  locked = 0;
  computed = 0;

  constructor(prompt: Prompt, id: number) {
    this.prompt = prompt;
    this.#id = id;
  }

  /** Its first `count` tokens as text: equal texts are equal tokens. */
  first(count: number): string {
    let text = '';
    for (let at = 0; at < count; at++) text += ` ${tokenName(this.prompt, at, `own${this.#id}`)}`;
    return text;
  }
}

/**
 * What `RadixCache` does, as slowly and as plainly as can be: the cache is a set of prefixes, one for each token in it,
 * and those at which a node ends are marked.
 */
export class NaiveRadix {
  readonly #usedAt = new Map<string, number>();
  readonly #ends = new Set<string>();
  readonly #capacity: number;
  readonly requests: NaiveRequest[] = [];
  #now = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get unused(): number {
    const own = this.requests.reduce((sum, { held, locked }) => sum + held - locked, 0);
    return this.#capacity - this.#usedAt.size - own;
  }

  get free(): number {
    return this.unused + [...this.#usedAt.keys()].filter((prefix) => !this.#isLocked(prefix)).length;
  }

  cached(request: NaiveRequest): number {
    return request.held > 0 ? 0 : this.#count(request, this.#limit(request));
  }

  lookUp(request: NaiveRequest): number {
    return request.held > 0 ? 0 : this.#match(request, this.#limit(request));
  }

  makeRoom(tokens: number): void {
    if (tokens > this.unused) this.#evict(tokens);
  }

  grow(request: NaiveRequest, tokens: number): boolean {
    if (tokens <= request.held) return true;
    const first = request.held === 0;
    if (first) request.held = request.locked = this.#split(request, this.cached(request));
    const more = Math.max(0, tokens - request.held);
    if (more > this.free) {
      if (first) request.held = request.locked = 0;
      return false;
    }
    if (more > this.unused) this.#evict(more - this.unused);
    request.held += more;
    return true;
  }

  share(request: NaiveRequest, tokens: number): void {
    const found = this.#match(request, tokens);
    this.#now++;
    for (let count = found + 1; count <= tokens; count++) this.#usedAt.set(request.first(count), this.#now);
    this.#ends.add(request.first(tokens));
    request.locked = tokens;
  }

  drop(request: NaiveRequest): void {
    request.held = request.locked = request.computed = 0;
  }

  #limit({ prompt }: NaiveRequest): number {
    return prompt.promptTokens + prompt.generatedTokens - 1;
  }

  #count(request: NaiveRequest, limit: number): number {
    let count = 0;
    while (count < limit && this.#usedAt.has(request.first(count + 1))) count++;
    return count;
  }

  /** Marks the match as used now, to the end of the node in which it ends, which is split there. */
  #match(request: NaiveRequest, limit: number): number {
    this.#now++;
    const found = this.#count(request, limit);
    for (let count = 1; count <= found; count++) this.#usedAt.set(request.first(count), this.#now);
    if (found === 0) return 0;
    let rest = request.first(found);
    while (!this.#ends.has(rest)) {
      rest = this.#children(rest)[0] ?? '';
      this.#usedAt.set(rest, this.#now);
    }
    return this.#split(request, found);
  }

  #split(request: NaiveRequest, count: number): number {
    if (count > 0) this.#ends.add(request.first(count));
    return count;
  }

  #children(prefix: string): string[] {
    return [...this.#usedAt.keys()].filter((each) => each.slice(0, each.lastIndexOf(' ')) === prefix);
  }

  #isLocked(prefix: string): boolean {
    return this.requests.some(({ locked }, i) => `${this.requests[i]?.first(locked)} `.startsWith(`${prefix} `));
  }

  #evict(tokens: number): void {
    for (let left = tokens; left > 0;) {
      // What is asked may be more than there is.
      const leaves = [...this.#ends].filter((end) => !this.#isLocked(end) && this.#children(end).length === 0);
      if (leaves.length === 0) return;
      const uses = leaves.map((leaf) => this.#usedAt.get(leaf) ?? Number.NaN);
      let prefix = leaves[uses.indexOf(Math.min(...uses))] ?? '';
      this.#ends.delete(prefix);
      do {
        this.#usedAt.delete(prefix);
        prefix = prefix.slice(0, prefix.lastIndexOf(' '));
        left--;
      } while (prefix !== '' && !this.#ends.has(prefix));
    }
  }
}
