import type { Request } from '../src/core/request.ts';

/** Requests that are looked at. */
const MOST_REQUESTS = 10_000;

/**
 * Whether the rows of a trace hold the new part of each turn alone, by the first turn that follows another of its branch:
 * messages, or a number of new tokens without blocks. A whole prompt, blocks or a body are all that is sent.
 */
export class NewParts {
  readonly #branches = new Set<string>();
  #requests = 0;
  /** Null: no turn that follows another was seen. */
  #found: boolean | null = null;

  add({ session, agent, newTokens, blocks, prompt, payload }: Request): void {
    if (this.#found !== null || session === undefined || this.#requests++ >= MOST_REQUESTS) return;
    const branch = `${session}\0${agent ?? ''}`;
    const isNew = newTokens !== undefined || prompt?.kind === 'messages';
    if (this.#branches.has(branch)) this.#found = isNew && blocks === undefined && payload === undefined;
    else this.#branches.add(branch);
  }

  get alone(): boolean {
    return this.#found === true;
  }
}
