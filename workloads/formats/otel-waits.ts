import type { Span } from './otel-spans.ts';
import { waitsOf, type Branch, type TimedCall, type Wait } from './waits.ts';

/** Clocks of one trace may be those of several machines. */
const TOLERANCE_US = 10_000;

/** A request of a session, and the subagents that it is of, the outermost first. */
export interface SessionCall {
  readonly id: string;
  readonly session: string;
  readonly span: Span;
  readonly agents: readonly Span[];
}

/** What each request of a session waited for, by id: answers, and subagents, that were over when it began. */
export function sessionWaits(calls: readonly SessionCall[]): ReadonlyMap<string, Wait> {
  const sessions = new Map<string, OpenBranch>();
  for (const call of calls) {
    let at = sessions.get(call.session);
    if (at === undefined) sessions.set(call.session, (at = new OpenBranch(call.span.startUs, null)));
    for (const agent of call.agents) at = at.below(agent);
    at.calls.push(timed(call));
  }
  return new Map([...sessions.values()].flatMap((main) => [...waitsOf(main.closed(), TOLERANCE_US)]));
}

function timed({ id, span }: SessionCall): TimedCall {
  return { id, startUs: span.startUs, endUs: endOf(span), thinkUs: null };
}

/** Null where it has none, or one before its start. */
function endOf({ startUs, endUs }: Span): number | null {
  return endUs === null || endUs < startUs ? null : endUs;
}

class OpenBranch {
  readonly calls: TimedCall[] = [];
  readonly #branches = new Map<Span, OpenBranch>();
  readonly #startUs: number;
  readonly #endUs: number | null;

  constructor(startUs: number, endUs: number | null) {
    this.#startUs = startUs;
    this.#endUs = endUs;
  }

  below(agent: Span): OpenBranch {
    const known = this.#branches.get(agent) ?? new OpenBranch(agent.startUs, endOf(agent));
    this.#branches.set(agent, known);
    return known;
  }

  closed(): Branch {
    const branches = [...this.#branches.values()].map((branch) => branch.closed());
    return { startUs: this.#startUs, endUs: this.#endUs, calls: this.calls, branches };
  }
}
