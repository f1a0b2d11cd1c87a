import type { Phases } from '../core/record.ts';
import type { PromptContent } from './instance/prompt-content.ts';

/** A request as an engine gets it. */
export interface EngineRequest {
  /** Name in logs. */
  readonly id: string;
  readonly inputTokens: number;
  /** What other prompts may begin with too; null where it is not known. */
  readonly content: PromptContent | null;
  /** What the caller allows: all that routers and policies may know of the length of the output. */
  readonly maxTokens: number;
  /** The true output length, at most `maxTokens`: known to the instance alone, as a model knows when to stop. */
  readonly trueOutputTokens: number;
}

/** How a request ended well. */
export interface Completion {
  readonly finishReason: 'stop' | 'length';
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
  readonly phases: Phases;
}

/** What an engine reports of one request to: `tokens` any number of times, then `end`; or `reject` alone. */
export interface Listener {
  /** `count` tokens came out of one iteration, at `timeUs` of the engine's clock. */
  tokens(timeUs: number, count: number): void;
  end(timeUs: number, completion: Completion): void;
  /**
   * The request is refused; `status` is HTTP's. 400: it can never be served, which is said at once. 503: a router
   * rejects it, at once or after it was held.
   */
  reject(status: number, message: string): void;
}

/**
 * Ends a request before its time: its memory is free again, its listener is not called any more. Nothing once it has
 * ended.
 */
export type Cancel = () => void;

/** Requests and memory in use at this moment, and what has happened since the start. */
export interface Load {
  readonly running: number;
  readonly waiting: number;
  readonly usedBlocks: number;
  readonly capacityBlocks: number;
  readonly capacityTokens: number;
  /** Preemptions since the start. */
  readonly preemptions: number;
  /** Tokens that were looked for in the prefix cache when requests were first admitted, and those that were found. */
  readonly queriedTokens: number;
  readonly hitTokens: number;
}

export const NO_LOAD: Load = {
  running: 0,
  waiting: 0,
  usedBlocks: 0,
  capacityBlocks: 0,
  capacityTokens: 0,
  preemptions: 0,
  queriedTokens: 0,
  hitTokens: 0,
};

export function sumOfLoads(a: Load, b: Load): Load {
  return {
    running: a.running + b.running,
    waiting: a.waiting + b.waiting,
    usedBlocks: a.usedBlocks + b.usedBlocks,
    capacityBlocks: a.capacityBlocks + b.capacityBlocks,
    capacityTokens: a.capacityTokens + b.capacityTokens,
    preemptions: a.preemptions + b.preemptions,
    queriedTokens: a.queriedTokens + b.queriedTokens,
    hitTokens: a.hitTokens + b.hitTokens,
  };
}

/** A serving system in simulated hardware, living on the clock that it was made with. */
export interface Engine {
  /** Longest prompt and output together that it takes, tokens. */
  readonly maxModelLen: number;
  /** Arrives now. */
  submit(request: EngineRequest, listener: Listener): Cancel;
  load(): Load;
  /** Forgets all prefixes. False where requests held some of them at this moment: those instances keep theirs. */
  resetPrefixCache(): boolean;
  /** Given where prompts are computed apart from decodes, and each of the two may be asked for by itself. */
  readonly pd?: PdEndpoints;
}

/** The prefill and the decode instances of an engine, as a proxy in front sees them: it asks one, then the other. */
export interface PdEndpoints {
  readonly prefill: PrefillPool;
  readonly decode: DecodePool;
}

/** What is submitted here is served here, to its last token. */
export interface PrefillPool extends Engine {
  /**
   * Computes a prompt and gives one token, whatever its `maxTokens`; its memory is held for a decode instance to fetch.
   */
  hold(request: EngineRequest, listener: Listener): HeldPrompt;
}

/** What is submitted here is computed here from its first token. */
export interface DecodePool extends Engine {
  /** Fetches the memory of a held prompt and decodes. If it is not held (any more), the prompt is computed here. */
  fetch(key: string, request: EngineRequest, listener: Listener): Cancel;
}

/** A prompt whose memory stays when its request has ended, until it is fetched, released, or too old. */
export interface HeldPrompt {
  /** To be given to `fetch`. */
  readonly key: string;
  /** KV blocks that it holds. */
  readonly blocks: number;
  /** Gives it up, at whichever stage it is: its memory is free. Nothing happens once it has been fetched. */
  release(): void;
}
