import { missingTokens, tokensOf, type SequenceView } from '../instance/sequence.ts';
import { sortByLongestPrefixMatch } from './longest-prefix-match.ts';
import { NewTokenRatio, RETRACT_STEPS } from './new-token-ratio.ts';
import type { IterationPolicy, Scheduler } from './policy.ts';

export interface SglangOptions {
  readonly schedulePolicy: 'fcfs' | 'lpm';
  /** With more waiting than this, `lpm` leaves them as they stand. */
  readonly lpmLimit: number;
  readonly conservativeness: number;
  /** Prompt tokens of one iteration (`max_prefill_tokens`); a single prompt may have more. */
  readonly maxPrefillTokens: number;
  /** Where a prompt is cut (`chunked_prefill_size`). */
  readonly chunkTokens: number;
  readonly maxRunning: number;
}

/** What SGLang expects of one output at most (`CLIP_MAX_NEW_TOKENS_ESTIMATION`). */
const CLIP_TOKENS = 4096;

interface State {
  readonly ratio: NewTokenRatio;
  /** The one whose prompt is computed in part. */
  chunked: SequenceView | null;
  /** No prompts are tried until a request has left the batch (`batch_is_full`). */
  isFull: boolean;
  /** How many were in the batch in the last iteration, by its kind; 0 in the other. */
  decoding: number;
  prefilling: number;
  /** Ended, and in the batch until the next decode step takes them out. */
  ended: number;
}

/**
 * SGLang's scheduler (v0.4.4, srt/managers/{scheduler,schedule_policy,schedule_batch}.py): prompts first and alone,
 * decodes where no prompt can run. Admission is a bet: outputs are taken to be shorter than allowed, and where they are
 * not, the requests with the least output go back to wait. Memory is counted by the token.
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
    settle(scheduler, state);
    if (prefill(scheduler, options, state)) return;
    decode(scheduler, state);
    if (scheduler.running.length > 0) return;
    // Idle for a moment or more: the batch is empty.
    state.ratio.reset();
    state.isFull = false;
    state.ended = 0;
    prefill(scheduler, options, state);
  };
}

/** What became of the last iteration. */
function settle<S extends SequenceView>({ running }: Scheduler<S>, state: State): void {
  if (state.decoding > 0) state.ended += state.decoding - running.length;
  if (state.prefilling > running.length || (state.prefilling > 0 && state.chunked !== null)) state.isFull = false;
  state.decoding = state.prefilling = 0;
}

/** What a batch of prompts may still hold (`PrefillAdder`). */
interface Budget {
  /** Prompt tokens, and those up to which prompts are not cut. */
  input: number;
  chunk: number;
  /** KV tokens promised to outputs. */
  reserved: number;
  added: number;
}

/** Fills a batch of prompts. False if there is none. */
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
  if (chunked !== undefined) goOn(scheduler, chunked, budget, state);
  if (!admitWaiting(scheduler, budget, state, options.maxRunning - batched)) state.isFull = true;
  state.prefilling = budget.added > 0 ? running.length : 0;
  return budget.added > 0;
}

/** The prompt that was cut comes first. */
function goOn<S extends SequenceView>(scheduler: Scheduler<S>, chunked: S, budget: Budget, state: State): void {
  const missing = missingTokens(chunked);
  const tokens = Math.min(missing, budget.chunk);
  if (scheduler.run(chunked, tokens)) spend(chunked, tokens, missing, budget, state);
  // Several batches share the memory, and another has taken what it was promised.
  else scheduler.preempt(chunked, 'tail');
}

/**
 * In their order, until one does not fit. False if places or memory have run out, rather than the budget or the queue.
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
    // What it finds in the cache counts as free until it takes it over.
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

/** Free KV tokens that are neither promised to other outputs nor to its own. */
function tokensLeft<S extends SequenceView>({ memory }: Scheduler<S>, sequence: S, reserved: number): number {
  // A request that is alone is served: SGLang refuses on arrival what could never be admitted, and so does this engine.
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

/** All decode; where memory is short, some are retracted first. */
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
  // Several batches share the memory: the last request left gives way to those of other batches.
  const last = running[0];
  if (runs === 0 && last !== undefined) scheduler.preempt(last, 'tail');
}

/**
 * Preempts the requests with the least output, of these the longest prompts first, until the others have room for some
 * steps.
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
