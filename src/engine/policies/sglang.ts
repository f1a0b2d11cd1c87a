import { missingTokens, tokensOf, type SequenceView } from '../instance/sequence.ts';
import { sortByLongestPrefixMatch } from './longest-prefix-match.ts';
import { NewTokenRatio, RETRACT_STEPS } from './new-token-ratio.ts';
import type { IterationPolicy, Scheduler } from './policy.ts';

export interface SglangOptions {
  readonly schedulePolicy: 'fcfs' | 'lpm';
  /** With more waiting requests than this, `lpm` does not sort them. */
  readonly lpmLimit: number;
  readonly conservativeness: number;
  /** Prompt tokens of one iteration (`max_prefill_tokens`); a single prompt may have more. */
  readonly maxPrefillTokens: number;
  /** Prompt tokens of one iteration at which a prompt is cut (`chunked_prefill_size`). */
  readonly chunkTokens: number;
  readonly maxRunning: number;
}

/** Upper limit of the expected output of a request (`CLIP_MAX_NEW_TOKENS_ESTIMATION`). */
const CLIP_TOKENS = 4096;

interface State {
  readonly ratio: NewTokenRatio;
  /** The request whose prompt is computed in part. */
  chunked: SequenceView | null;
  /** Whether no prompt is tried until a request has left the batch (`batch_is_full`). */
  isFull: boolean;
  /** Requests in the batch of the last iteration, if it decoded and if it computed prompts; else 0. */
  decoding: number;
  prefilling: number;
  /** Requests that have ended, but stay in the batch until the next decode step removes them. */
  ended: number;
}

/**
 * SGLang's scheduler (v0.4.4, srt/managers/{scheduler,schedule_policy,schedule_batch}.py): prompts first and alone,
 * decodes when no prompt can be admitted. Admission is optimistic: outputs are expected to be shorter than allowed, and
 * when they are not, the requests with the least output are retracted. Memory is counted by the token.
 */
export function sglang(options: SglangOptions): IterationPolicy {
  const state: State = {
    ratio: new NewTokenRatio(options.conservativeness),
    chunked: null,
    isFull: false,
    decoding: 0,
    prefilling: 0,
    ended: 0,
  };
  return (scheduler) => {
    accountForEnded(scheduler, state);
    if (prefill(scheduler, options, state)) return;
    decode(scheduler, state);
    if (scheduler.running.length > 0) return;
    // The instance is idle for a moment or more: no request is in the way any longer.
    state.ratio.reset();
    state.isFull = false;
    state.ended = 0;
    prefill(scheduler, options, state);
  };
}

/** Accounts for the requests that ended in the last iteration. */
function accountForEnded<S extends SequenceView>({ running }: Scheduler<S>, state: State): void {
  if (state.decoding > 0) state.ended += state.decoding - running.length;
  if (state.prefilling > running.length || (state.prefilling > 0 && state.chunked !== null)) state.isFull = false;
  state.decoding = state.prefilling = 0;
}

/** Remaining budget of a prefill batch (`PrefillAdder`). */
interface Budget {
  /** Prompt tokens left, and those left before a prompt is cut. */
  input: number;
  chunk: number;
  /** KV tokens reserved for outputs. */
  reserved: number;
  added: number;
}

/** Fills a batch of prompts. False if it stays empty. */
function prefill<S extends SequenceView>(scheduler: Scheduler<S>, options: SglangOptions, state: State): boolean {
  const { running, waiting } = scheduler;
  const chunked = state.chunked === null ? undefined : running.findLast((each) => each === state.chunked);
  state.chunked = null;
  if (chunked === undefined && (state.isFull || waiting.length === 0)) return false;
  const batched = running.length + state.ended - (chunked === undefined ? 0 : 1);
  if (chunked === undefined && batched >= options.maxRunning) {
    state.isFull = true;
    return false;
  }
  if (options.schedulePolicy === 'lpm' && waiting.length <= options.lpmLimit) sortByLongestPrefixMatch(scheduler);
  const budget: Budget = {
    input: options.maxPrefillTokens,
    chunk: options.chunkTokens,
    reserved: reservedTokens(running, chunked) * state.ratio.value,
    added: 0,
  };
  if (chunked !== undefined) continueChunked(scheduler, chunked, budget, state);
  if (!admitWaiting(scheduler, budget, state, options.maxRunning - batched)) state.isFull = true;
  state.prefilling = budget.added > 0 ? running.length : 0;
  return budget.added > 0;
}

/** The cut prompt continues first. */
function continueChunked<S extends SequenceView>(
  scheduler: Scheduler<S>,
  chunked: S,
  budget: Budget,
  state: State,
): void {
  const missing = missingTokens(chunked);
  const tokens = Math.min(missing, budget.chunk);
  if (scheduler.run(chunked, tokens)) spend(chunked, tokens, missing, budget, state);
  // Several batches share the memory, and another has taken its reserved blocks.
  else scheduler.preempt(chunked, 'tail');
}

/**
 * In queue order, until one does not fit. False if places or memory have run out, rather than the budget or the queue.
 */
function admitWaiting<S extends SequenceView>(
  scheduler: Scheduler<S>,
  budget: Budget,
  state: State,
  places: number,
): boolean {
  const { waiting, memory } = scheduler;
  for (let sequence = waiting.at(0); sequence !== undefined; sequence = waiting.at(0)) {
    if (budget.added >= places) return false;
    const missing = missingTokens(sequence) - sequence.cachedTokens();
    const left = tokensLeft(scheduler, sequence, budget.reserved);
    if (missing >= left) return false;
    if (missing > budget.input && budget.added > 0) return true;
    // Cached tokens count as free until the request takes them over.
    if (sequence.neededBlocks(tokensOf(sequence)) > left) return false;
    const tokens = Math.min(missing, budget.chunk);
    if (tokens === 0) return true;
    if (!scheduler.admit(sequence, tokens)) return false;
    spend(sequence, tokens, missing, budget, state);
    if (memory.freeBlocks - budget.reserved <= 0) return false;
    if (budget.input <= 0 || budget.chunk <= 0) return true;
  }
  return true;
}

function spend(sequence: SequenceView, tokens: number, missing: number, budget: Budget, state: State): void {
  budget.added++;
  budget.input -= tokens;
  budget.chunk -= tokens;
  if (tokens < missing) state.chunked = sequence;
  else budget.reserved += expectedOutput(sequence.maxTokens);
}

/** Free KV tokens that are reserved neither for other outputs nor for its own. */
function tokensLeft<S extends SequenceView>({ memory }: Scheduler<S>, sequence: S, reserved: number): number {
  // A request alone is always admitted: SGLang rejects at its arrival a request that could never run, and so does this
  // engine.
  if (memory.freeBlocks === memory.capacityBlocks) return Number.POSITIVE_INFINITY;
  return memory.freeBlocks - reserved - expectedOutput(sequence.maxTokens);
}

/** Tokens that the decoding requests may still generate, each clipped. */
function reservedTokens<S extends SequenceView>(running: readonly S[], chunked: S | undefined): number {
  let tokens = 0;
  for (const each of running) if (each !== chunked) tokens += expectedOutput(each.maxTokens - each.generatedTokens);
  return tokens;
}

function expectedOutput(allowedTokens: number): number {
  return Math.min(allowedTokens, CLIP_TOKENS);
}

/** All running requests decode; if memory is short, some are retracted first. */
function decode<S extends SequenceView>(scheduler: Scheduler<S>, state: State): void {
  const { running, memory } = scheduler;
  const before = running.length;
  if (before === 0) return;
  if (memory.freeBlocks >= before) state.ratio.decay();
  else retract(scheduler, state.ratio);
  if (running.length < before || state.ended > 0) state.isFull = false;
  state.ended = 0;
  let runs = 0;
  for (const sequence of running) if (scheduler.run(sequence, 1)) runs++;
  if (runs > 0) state.decoding = running.length;
  // Several batches share the memory: the only request left here gives way to those of others.
  const last = running[0];
  if (runs === 0 && last !== undefined) scheduler.preempt(last, 'tail');
}

/**
 * Retracts those with the least output, among equals the longest prompts, until the others have memory for some steps.
 */
function retract<S extends SequenceView>(scheduler: Scheduler<S>, ratio: NewTokenRatio): void {
  const { running, memory } = scheduler;
  const order = running.toSorted((a, b) => b.generatedTokens - a.generatedTokens || a.promptTokens - b.promptTokens);
  do {
    if (order.length === 1) break;
    const victim = order.pop();
    if (victim !== undefined) scheduler.preempt(victim, 'tail');
  } while (memory.freeBlocks < order.length * RETRACT_STEPS);
  ratio.estimate(order);
}
