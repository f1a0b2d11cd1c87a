import { UserError } from '../../src/core/errors.ts';
import type { Source } from '../../src/core/plan.ts';
import type { Request } from '../../src/core/request.ts';
import { countText } from '../../src/core/words.ts';
import { LargeSet } from '../large-set.ts';
import type { Say } from './transform.ts';

/**
 * Decides request by request, in their order, what stays of a trace of which some are left out. A request whose
 * predecessors are all left out waits for none; its prompt stays whole, all of it new to the session.
 */
export class LeftOut {
  /** Ids of those that others may follow. */
  readonly #ids = new LargeSet<string>();
  /** Sessions, and branches of sessions, of which the last request so far is left out. */
  readonly #cut = new Set<string>();
  #orphans = 0;

  /** The request as it stays, or none. */
  take(request: Request, isKept: boolean): Request[] {
    const branch = request.session === undefined ? null : `${request.session}\n${request.agent ?? ''}`;
    const after = this.#afterOf(request, branch);
    if (branch !== null && isKept) this.#cut.delete(branch);
    if (branch !== null && !isKept) this.#cut.add(branch);
    if (!isKept) {
      if (branch !== null || request.parent !== undefined || request.after !== undefined) this.#ids.add(request.id);
      return [];
    }
    if (after === request.after) return [request];
    const { newTokens: _, ...whole } = request;
    if (after?.length === 0) this.#orphans++;
    return [{ ...whole, ...(after === undefined ? {} : { after }) }];
  }

  say(say: Say | null): void {
    if (this.#orphans > 0)
      say?.(`${countText(this.#orphans, 'request')} whose predecessors are left out wait for none`);
  }

  #afterOf({ after, parent }: Request, branch: string | null): Request['after'] {
    if (after !== undefined) {
      const left = after.filter(({ id }) => !this.#ids.has(id));
      return left.length === after.length ? after : left;
    }
    const isCut = parent === undefined ? branch !== null && this.#cut.has(branch) : this.#ids.has(parent);
    return isCut ? [] : undefined;
  }
}

/** The requests for which `isKept` is true. Throws a UserError where that is none; `option`: what asked for it. */
export async function* keptRequests(
  source: Source,
  isKept: (request: Request) => boolean,
  option: string,
  say: Say | null,
): AsyncGenerator<readonly Request[]> {
  const leftOut = new LeftOut();
  let any = false;
  try {
    for await (const batch of source.open()) {
      const kept = batch.flatMap((request) => leftOut.take(request, isKept(request)));
      if (kept.length === 0) continue;
      any = true;
      yield kept;
    }
  } finally {
    // A limit ends the reading before the trace does.
    leftOut.say(say);
  }
  if (!any) throw new UserError(`${option}: leaves no request of ${source.name}`);
}
