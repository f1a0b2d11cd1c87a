import { EventQueue } from '../../src/core/event-queue.ts';
import { randomStream, uniform, type Random } from '../../src/core/random.ts';
import type { After, Request } from '../../src/core/request.ts';
import type { Draw } from './distributions.ts';
import type { Lengths } from './lengths.ts';
import { BlockIds, groupOf, type PrefixGroups } from './prefixes.ts';
import { rowId } from '../row-id.ts';

/** An answer takes so long a token where a time has to be said for a turn that waits for it. */
const TOKEN_S = 0.02;

/** How requests, or sessions of them, are made. */
export interface SessionShape {
  /** New input tokens and output tokens of a turn. */
  readonly lengths: Lengths;
  /** Null: there are no sessions, each request is alone. */
  readonly turns: Draw | null;
  /** Seconds from the end of an answer to the next turn. */
  readonly think: Draw;
  /** The chance that a turn is followed by a subagent, which the next turn waits for, and its turns. */
  readonly branches: { readonly chance: number; readonly turns: Draw } | null;
  readonly prefixes: PrefixGroups | null;
  readonly blockTokens: number;
}

/** A request that has no number yet. */
type Made = Omit<Request, 'traceRow'>;

/**
 * Requests in order of time: of each arrival a session, or a request alone. Turns have the prompts and answers before them
 * in their context, and wait for the answer before (`after`); their own times are those of answers at 50 tokens a second.
 */
export function* sessionRequests(arrivals: Iterable<number>, shape: SessionShape, seed: number): Generator<Request> {
  const random = randomStream(seed, 'synth', 'sessions');
  const ids = new BlockIds(shape.blockTokens, shape.prefixes?.tokens ?? 0);
  const open = new EventQueue<Made>();
  let [traceRow, sessions] = [2, 0];
  for (const atS of arrivals) {
    // No session that comes later has a request before its arrival.
    while (open.nextTime <= Math.round(atS * 1e6)) yield { ...open.pop(), traceRow: traceRow++ };
    for (const request of session(sessions++, atS, shape, { random, ids })) open.push(request.dueUs, request);
  }
  while (open.size > 0) yield { ...open.pop(), traceRow: traceRow++ };
}

interface Sources {
  readonly random: Random;
  readonly ids: BlockIds;
}

/** The requests of one session in order of time. */
function session(number: number, atS: number, shape: SessionShape, { random, ids }: Sources): Made[] {
  const { turns, prefixes, branches, lengths, think } = shape;
  const group = groupOf(prefixes, random);
  const name = turns === null ? null : `s${number}`;
  const made: Made[] = [];
  let branch = 0;
  const agent = (count: number, label: string | null, start: Turn | null, startS: number): Turn => {
    const context = ids.begin(group);
    let tokens = prefixes?.tokens ?? 0;
    let waits: readonly After[] = start === null ? [] : [{ id: start.id, thinkUs: 0 }];
    let dueS = startS;
    let last: Turn = start ?? { id: '', endS: startS };
    for (let turn = 0; turn < count; turn++) {
      const [newTokens, outputTokens] = lengths(random);
      tokens += newTokens;
      const id = name === null ? rowId(number) : [name, label, turn].filter((part) => part !== null).join('.');
      made.push({
        id,
        dueUs: Math.round(dueS * 1e6),
        inputTokens: tokens,
        outputTokens,
        ...(name === null ? {} : { session: name, turn, after: waits }),
        ...(label === null ? {} : { agent: label }),
        ...(turn > 0 ? { newTokens, parent: last.id } : {}),
        ...(name === null && prefixes === null ? {} : { blocks: ids.prompt(context, tokens) }),
      });
      tokens += outputTokens;
      last = { id, endS: dueS + outputTokens * TOKEN_S };
      if (turn === count - 1) break;
      const others: After[] = [];
      const thinkS = think(random);
      let readyS = last.endS;
      if (branches !== null && label === null && uniform(random) < branches.chance) {
        const ended = agent(branches.turns(random), `a${branch++}`, last, last.endS);
        others.push({ id: ended.id, thinkUs: 0 });
        readyS = ended.endS;
      }
      waits = [{ id: last.id, thinkUs: Math.round(thinkS * 1e6) }, ...others];
      dueS = Math.max(last.endS + thinkS, readyS);
    }
    return last;
  };
  agent(turns === null ? 1 : turns(random), null, null, atS);
  return made.toSorted((a, b) => a.dueUs - b.dueUs);
}

/** A request, and when its answer ends. */
interface Turn {
  readonly id: string;
  readonly endS: number;
}
