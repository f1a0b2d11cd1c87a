import type { After, Request } from '../../src/core/request.ts';
import { countText } from '../../src/core/words.ts';
import type { Transform } from './transform.ts';

/** When a request of a session began, and how long its answer took in the trace where that is known. */
interface Turn {
  readonly id: string;
  readonly dueUs: number;
  readonly e2eUs: number | null;
}

/** Clocks are rounded, and those of a client and a server differ: so much earlier than an end is at once after it. */
const OVERLAP_US = 1e6;

/**
 * Finds for each request what it waits for, and its think time: from the end of the answer before it until its own
 * start. Where the trace does not know how long that answer took, the gap from start to start is all think time, and
 * where it began before that answer had ended it follows it at once, both of which `log` says. What a trace gives itself
 * (`Request.after`) stays. To come before all that leaves requests out.
 */
export const thinkTimes: Transform = (source, _args, log) => {
  let isTold = false;
  async function* open(): AsyncGenerator<readonly Request[]> {
    const lastOf = new Map<string, Turn>();
    const turns = new Map<string, Turn>();
    let [gaps, startToStart, overlaps, late] = [0, 0, 0, 0];
    const awaited = new Set<string>();
    for await (const batch of source.open())
      yield batch.map((request) => {
        if (request.session === undefined && request.parent === undefined) return request;
        const branch = `${request.session ?? ''}\0${request.agent ?? ''}`;
        const turn = { id: request.id, dueUs: request.dueUs, e2eUs: request.source?.e2eUs ?? null };
        const before = request.parent === undefined ? lastOf.get(branch) : turns.get(request.parent);
        lastOf.set(branch, turn);
        turns.set(request.id, turn);
        if (awaited.delete(request.id)) late++;
        if (request.after !== undefined) return request;
        if (before === undefined) {
          if (request.parent !== undefined) awaited.add(request.parent);
          return { ...request, after: [] };
        }
        gaps++;
        if (before.e2eUs === null) startToStart++;
        else if (request.dueUs < before.dueUs + before.e2eUs - OVERLAP_US) overlaps++;
        return { ...request, after: [afterTurn(before, request)] };
      });
    if (!isTold && startToStart > 0)
      log.warn(
        `--sessions think: ${startToStart} of ${gaps} gaps between turns are known from start to start only: all of such a gap counts as think time, after the answer`,
      );
    if (!isTold && late > 0)
      log.warn(
        `parent_after_child: ${countText(late, 'request')} due after one that names it as its parent, which waits for nothing`,
      );
    if (!isTold && overlaps > 0)
      log.warn(
        `--sessions think: ${overlaps} of ${gaps} turns began before the answer before them had ended in the trace: here they wait for it, and follow it without think time`,
      );
    isTold = true;
  }
  return { open };
};

function afterTurn({ id, dueUs, e2eUs }: Turn, request: Request): After {
  return { id, thinkUs: Math.max(0, request.dueUs - dueUs - (e2eUs ?? 0)) };
}
