import type { Request } from '../../src/core/request.ts';
import type { Transform } from './transform.ts';

/** A prompt that is less than this share of the one before it is a new beginning, such as after a compaction. */
const LEAST_KEPT = 0.5;

/**
 * Prompts with the answers of the run: finds for each request whose prompt and answer its own goes on from
 * (`Request.continues`), and what is new of it. `inputTokens` become as long as answers of the planned length make
 * them. That request is the one of the same branch of its session among those that it waits for. Without new tokens of
 * its own, its prompt less the trace's prompt and answer before it are new, at least one. Blocks stay with first
 * prompts, for what follows is no longer the trace's. To come after `by-session`.
 */
export const live: Transform = (source) => ({
  async *open() {
    let tree: number | undefined;
    let turns = new Map<string, Turn>();
    for await (const batch of source.open())
      yield batch.map((request) => {
        if (request.tree !== tree) {
          tree = request.tree;
          turns = new Map();
        }
        if (isSentAsItIs(request)) return request;
        const going = goingOn(request, turns);
        turns.set(request.id, { inTrace: request, inputTokens: going.inputTokens });
        return going;
      });
  },
});

/** Whether a request says all that is sent: a body, a text or ids. No other prompt goes on from it. */
export function isSentAsItIs({ payload, prompt }: Request): boolean {
  return payload !== undefined || (prompt !== undefined && prompt.kind !== 'messages');
}

/** A request as the trace has it, and how long its prompt is with the planned answers of the run. */
interface Turn {
  readonly inTrace: Request;
  readonly inputTokens: number;
}

function goingOn(request: Request, turns: ReadonlyMap<string, Turn>): Request {
  const before = turnBefore(request, turns);
  if (before === undefined) return request;
  const { inTrace, inputTokens } = before;
  // A session that is met as it goes on has no answer before it, which is new then.
  const told = inTrace.isPriming === true ? undefined : request.newTokens;
  const newTokens = told ?? Math.max(1, request.inputTokens - inTrace.inputTokens - inTrace.outputTokens);
  const isShort = request.inputTokens < LEAST_KEPT * inTrace.inputTokens;
  if (isShort && told === undefined && request.prompt === undefined) return request;
  const { blocks: _, ...rest } = request;
  return { ...rest, continues: inTrace.id, newTokens, inputTokens: inputTokens + inTrace.outputTokens + newTokens };
}

function turnBefore(
  { session, agent, parent, after = [] }: Request,
  turns: ReadonlyMap<string, Turn>,
): Turn | undefined {
  const before = after.flatMap(({ id }) => turns.get(id) ?? []);
  const ofBranch = before.filter(({ inTrace }) => inTrace.session === session && inTrace.agent === agent);
  return ofBranch.find(({ inTrace }) => inTrace.id === parent) ?? ofBranch.at(-1);
}
