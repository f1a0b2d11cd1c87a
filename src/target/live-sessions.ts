import {
  answered,
  liveRequest,
  liveTurn,
  sessionTurns,
  type AnsweredTurn,
  type LivePrompts,
  type LiveTurn,
} from '../../workloads/prompts/index.ts';
import { isSentAsItIs } from '../../workloads/transforms/live.ts';
import type { Log } from '../core/log.ts';
import type { Prompt, Request } from '../core/request.ts';
import type { ResponseInfo, ScheduledRequest } from '../core/target.ts';

/** What of a response the prompt of the next turn needs. */
export type LiveResponse = Pick<ResponseInfo, 'answer' | 'outputTokens' | 'reasoningTokens'>;

/**
 * The turns of open sessions, where prompts repeat the answers of the run: each until the requests that go on from it
 * have their prompts, or are never sent.
 */
export class LiveSessions {
  readonly #prompts: LivePrompts | null;
  readonly #blockTokens: number | null;
  /** Turns that were sent; those that were answered. */
  readonly #sent = new Map<string, LiveTurn>();
  readonly #answered = new Map<string, AnsweredTurn>();
  /** How many requests go on from each. */
  readonly #followers = new Map<string, number>();

  /** `prompts`: null where prompts are lengths alone; `blockTokens`: of the plan's blocks. */
  constructor(prompts: LivePrompts | null, blockTokens: number | null) {
    this.#prompts = prompts;
    this.#blockTokens = blockTokens;
  }

  /** How many turns it holds. */
  get size(): number {
    return this.#sent.size + this.#answered.size;
  }

  /** Reads a request of the plan. Those of a session tree are read before the first of them is sent. */
  expect({ continues }: Request): void {
    if (continues !== undefined) this.#followers.set(continues, (this.#followers.get(continues) ?? 0) + 1);
  }

  /** The request as it is to be sent, now that those before it have ended. */
  complete(scheduled: ScheduledRequest): ScheduledRequest {
    const { request, index } = scheduled;
    if (this.#isSentAsItIs(request)) {
      this.#release(request);
      return scheduled;
    }
    const before = request.continues === undefined ? null : this.#answered.get(request.continues);
    if (before === undefined)
      throw new Error(`request ${request.id} goes on from ${request.continues}, which has not ended`);
    const turn = liveTurn(request, before, index + 1, this.#prompts);
    this.#sent.set(request.id, turn);
    this.#release(request);
    const completed = { ...scheduled, request: liveRequest(turn, this.#prompts) };
    return this.#prompts === null ? { ...completed, turns: sessionTurns(turn, this.#blockTokens) } : completed;
  }

  /** A request that was completed has ended. */
  ended(id: string, response: LiveResponse | null): void {
    const turn = this.#sent.get(id);
    if (turn === undefined) return;
    this.#sent.delete(id);
    if (this.#followers.has(id)) this.#answered.set(id, answered(turn, response));
  }

  /** A request is never sent. */
  drop(request: Request): void {
    this.#release(request);
  }

  /** Messages are too, where the route takes none. */
  #isSentAsItIs(request: Request): boolean {
    const takesNone = this.#prompts !== null && this.#prompts.form !== 'messages';
    return isSentAsItIs(request) || (takesNone && request.prompt !== undefined);
  }

  #release({ continues }: Request): void {
    if (continues === undefined) return;
    const left = (this.#followers.get(continues) ?? 0) - 1;
    if (left > 0) this.#followers.set(continues, left);
    else {
      this.#followers.delete(continues);
      this.#answered.delete(continues);
    }
  }
}

/** Says once that an answer cannot be repeated as it was. */
export function answerWatch(form: Prompt['kind'], log: Log): (id: string, response: LiveResponse | null) => void {
  const told = new Set<string>();
  const tell = (kind: string, text: string): void => {
    if (!told.has(kind)) log.warn(text);
    told.add(kind);
  };
  return (id, response) => {
    const { answer } = response ?? {};
    if (answer === undefined) return;
    if (answer.isCut)
      tell(
        'cut',
        `--history live: the answer of request ${id} is longer than what is kept; prompts repeat its beginning`,
      );
    else if (form === 'ids' && answer.ids === null && (response?.outputTokens ?? 0) > 0)
      tell(
        'ids',
        `--history live: the answer of request ${id} came without the ids of all its tokens; prompts have drawn ones in their place, which no cache holds`,
      );
  };
}
