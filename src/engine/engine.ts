import type { Phases } from '../core/record.ts';
import type { PromptContent } from './instance/prompt-content.ts';

/** A request to an engine. */
export interface EngineRequest {
  /** Name in logs. */
  readonly id: string;
  readonly inputTokens: number;
  /** Content that the prompt may share with others; null where it is not known. */
  readonly content: PromptContent | null;
  /** Upper limit of the output that the caller sets: all that admission and policies may know of its length. */
  readonly maxTokens: number;
  /** The true output length, at most `maxTokens`: known to the instance alone, as a model knows when to stop. */
  readonly trueOutputTokens: number;
}

/** The result of a request that was completed. */
export interface Completion {
  readonly finishReason: 'stop' | 'length';
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
  readonly phases: Phases;
  /** The part of `decode_queue_us` before it moved: the wait for a place where it decodes. Null: it did not move. */
  readonly bridgeQueueUs: number | null;
}

/** Receives the events of one request: `tokens` any number of times, then `end`; or `reject` alone. */
export interface Listener {
  /** `count` tokens came out of one iteration, at `timeUs` of the engine's clock. */
  tokens(timeUs: number, count: number): void;
  end(timeUs: number, completion: Completion): void;
  /**
   * The request is rejected; `status` is HTTP's. 400: it can never be served, which is reported at once. 503: a router
   * rejected it, at once or after holding it. 500: the request that it shares a room with has failed.
   */
  reject(status: number, message: string): void;
}

/** Cancels a request: its memory is freed, its listener is not called any more. Does nothing once it has ended. */
export type Cancel = () => void;

/** Requests and memory in use at this moment, and counters since the start. */
export interface Load {
  readonly running: number;
  readonly waiting: number;
  readonly usedBlocks: number;
  readonly capacityBlocks: number;
  readonly capacityTokens: number;
  /** Preemptions since the start. */
  readonly preemptions: number;
  /** Tokens that were looked up in the prefix cache when requests were first admitted, and those that were found. */
  readonly queriedTokens: number;
  readonly hitTokens: number;
  /** Iterations that began since the start, and the tokens that they computed. */
  readonly iterations: number;
  readonly iterationTokens: number;
}

/** One instance of an engine, as its metrics tell it apart. */
interface EngineInstance {
  /** Name in iteration logs. */
  readonly name: string;
  /** The role that it began with, where instances have different ones; null where each does all of the work. */
  readonly role: string | null;
  /** Requests on their way to it wait there. */
  load(): Load;
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
  iterations: 0,
  iterationTokens: 0,
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
    iterations: a.iterations + b.iterations,
    iterationTokens: a.iterationTokens + b.iterationTokens,
  };
}

/** A serving system on simulated hardware, driven by the clock that it was made with. */
export interface Engine {
  /** Longest prompt and output together, tokens. */
  readonly maxModelLen: number;
  /** The request arrives now. */
  submit(request: EngineRequest, listener: Listener): Cancel;
  /** Of all instances, and of the requests that wait for one. */
  load(): Load;
  /** Always in the same order. */
  readonly instances: readonly EngineInstance[];
  /** Drops all cached prefixes. False if requests held some of them: those instances keep theirs. */
  resetPrefixCache(): boolean;
  /** Set if prefill and decode have endpoints of their own. */
  readonly pd?: PdEndpoints;
}

/**
 * The two endpoints of a disaggregated engine, as a proxy sees them: it calls prefill first, then decode, with the key
 * that prefill gave it; or both at once, with the key of a room that it made up.
 */
export interface PdEndpoints {
  readonly prefill: PrefillPool;
  readonly decode: DecodePool;
}

/** Instances that compute prompts; a request submitted here is served here to its last token. */
export interface PrefillPool extends Engine {
  /**
   * Computes a prompt and outputs one token, whatever `maxTokens` is; its KV memory is held for a decode instance to
   * fetch.
   */
  hold(request: EngineRequest, listener: Listener): HeldPrompt;
  /**
   * As `hold`, for the request that comes to decode with the same `room`. It is rejected with 500 if that one is given
   * up or refused before the prompt is computed, and with 400 if the room is in use.
   */
  holdInRoom(room: string, request: EngineRequest, listener: Listener): Cancel;
}

/** Instances that decode; a request submitted here is computed here from its first token. */
export interface DecodePool extends Engine {
  /** Fetches the KV memory of a held prompt and decodes. If the prompt is not held (any more), it is computed here. */
  fetch(key: string, request: EngineRequest, listener: Listener): Cancel;
  /**
   * As `fetch`, of the prompt that prefill holds in `room`, or will. It is rejected with 500 if the request for that is
   * given up or refused, or does not come as long as a prompt is held, and with 400 if the room is in use.
   */
  fetchFromRoom(room: string, request: EngineRequest, listener: Listener): Cancel;
}

/** A prompt whose KV memory is held after its request has ended, until it is fetched, released, or too old. */
export interface HeldPrompt {
  /** Identifies the held prompt to the decode instances. */
  readonly key: string;
  /** KV blocks that it holds. */
  readonly blocks: number;
  /** Releases the prompt at any stage: its memory is freed. Does nothing once it has been fetched. */
  release(): void;
}
