import { missingTokens, tokensOf, type SequenceView } from '../instance/sequence.ts';
import { sortByLongestPrefixMatch } from './longest-prefix-match.ts';
import { NewTokenRatio } from './new-token-ratio.ts';
import type { IterationPolicy, Scheduler } from './policy.ts';
import type { SglangRules } from './sglang-rules.ts';

export interface SglangOptions {
  readonly rules: SglangRules;
  readonly schedulePolicy: 'fcfs' | 'lpm';
  /** With more waiting requests than this, `lpm` does not sort them. */
  readonly lpmLimit: number;
  readonly conservativeness: number;
  /** Prompt tokens of one iteration (`max_prefill_tokens`); a single prompt may have more. */
  readonly maxPrefillTokens: number;
  /** Prompt tokens of one iteration at which a prompt is cut (`chunked_prefill_size`). */
  readonly chunkTokens: number;
  readonly maxRunning: number;
  /** Whether requests are sent with `ignore_eos`, and so generate all that they may. */
  readonly ignoresEos: boolean;
}

/** Upper limit of the expected output of a request (`CLIP_MAX_NEW_TOKENS_ESTIMATION`). */
const CLIP_TOKENS = 4096;

/** Decode steps for which a retraction makes room (`retract_decode_steps`). */
const RETRACT_STEPS = 20;

/** Requests whose prefixes are kept in use while they wait (`WAITING_QUEUE_PREFIX_MATCH_MAX`). */
const REFRESHED = 128;

interface State {
  readonly ratio: NewTokenRatio;
  /** The request whose prompt is computed in part (`chunked_req`). */
  chunked: SequenceView | null;
  /** Requests that decode, those included that ended and have not been removed yet (`running_batch`). */
  batch: SequenceView[];
  /** Requests of the last iteration, if it computed prompts (`last_batch`): they have not joined the batch yet. */
  prefilled: SequenceView[];
  /** Whether no prompt is tried until a request has left the batch (`batch_is_full`). */
  isFull: boolean;
  /** In which prompts were tried without sorting them. */
  rounds: number;
}

/**
 * SGLang's scheduler (srt/managers/{scheduler,schedule_policy,schedule_batch}.py): prompts first and alone, decodes when
 * no prompt can be admitted. Admission is optimistic: outputs are expected to be shorter than allowed, and when they are
 * not, the requests with the least output are retracted. Memory is counted by the token.
 */
export function sglang(options: SglangOptions): IterationPolicy {
  const state: State = {
    ratio: new NewTokenRatio(options.conservativeness),
    chunked: null,
    batch: [],
    prefilled: [],
    isFull: false,
    rounds: 0,
  };
  return (scheduler) => {
    mergePrefilled(state);
    if (options.rules.endedLeaveFirst) dropEnded(scheduler, state);
    if (prefill(scheduler, options, state)) return;
    decode(scheduler, options.rules, state);
    // While a batch is under way, what it outputs is waited for first.
    if (scheduler.running.length > 0 || scheduler.isAhead) return;
    // The instance is idle for a moment or more.
    if (options.rules.resetsWithWaiting || scheduler.waiting.length === 0) state.ratio.reset();
    prefill(scheduler, options, state);
  };
}

/** Those whose prompts were computed join the batch, unless they have ended or their prompt is cut. */
function mergePrefilled(state: State): void {
  const { batch, prefilled } = state;
  if (state.chunked?.hasEnded === true) state.chunked = null;
  if (prefilled.length === 0) return;
  const joining = prefilled.filter((each) => each !== state.chunked && !each.hasEnded);
  // An empty batch is replaced by the one that joins, and whether it was full is lost with it.
  if (joining.length < prefilled.length || batch.length === 0) state.isFull = false;
  batch.push(...joining);
  state.prefilled = [];
}

/** A batch of prompts that is being put together, and what is left of its budget (`PrefillAdder`). */
interface Plan<S> {
  readonly rules: SglangRules;
  readonly prompts: { readonly sequence: S; readonly tokens: number }[];
  /** Tokens of these prompts: their memory is taken when all have been chosen. */
  tokens: number;
  /** Prompt tokens left, and those left before a prompt is cut. */
  input: number;
  chunk: number;
  /** KV tokens reserved for outputs. */
  reserved: number;
}

/** Fills a batch of prompts. False if it stays empty. */
function prefill<S extends SequenceView>(scheduler: Scheduler<S>, options: SglangOptions, state: State): boolean {
  const { running, waiting } = scheduler;
  const { rules } = options;
  const chunked = state.chunked === null ? undefined : running.findLast((each) => each === state.chunked);
  state.chunked = null;
  // No request is in the way.
  if (state.batch.length === 0) state.isFull = false;
  if (chunked === undefined && (state.isFull || waiting.length === 0)) return false;
  if (chunked === undefined && state.batch.length >= options.maxRunning) {
    state.isFull = true;
    return false;
  }
  // Others find what is computed of it, or being computed, from now on.
  if (chunked !== undefined) scheduler.publish(chunked);
  const sorts = options.schedulePolicy === 'lpm' && waiting.length <= options.lpmLimit;
  if (sorts) sortByLongestPrefixMatch(scheduler);
  else refreshWaiting(scheduler, rules, state);
  const plan: Plan<S> = {
    rules,
    prompts: [],
    tokens: 0,
    input: options.maxPrefillTokens,
    chunk: options.chunkTokens,
    reserved: reservedTokens(state.batch, rules.heedsIgnoreEos && options.ignoresEos ? 1 : state.ratio.value),
  };
  if (chunked !== undefined) continueChunked(scheduler, chunked, plan, state);
  const look = (each: S): number => (sorts && !rules.looksUpAgain ? each.cachedTokens() : each.lookUp());
  if (!admitWaiting(scheduler, plan, options, state, look)) state.isFull = true;
  makeRoom(scheduler, plan.tokens, rules);
  for (const { sequence, tokens } of plan.prompts) scheduler.run(sequence, tokens);
  state.prefilled = plan.prompts.map(({ sequence }) => sequence);
  return plan.prompts.length > 0;
}

/** The head last, so that what it will find is evicted last. */
function refreshWaiting<S extends SequenceView>({ waiting }: Scheduler<S>, rules: SglangRules, state: State): void {
  if (rules.refreshRounds === 0 || state.rounds++ % rules.refreshRounds > 0) return;
  for (let i = Math.min(waiting.length, REFRESHED) - 1; i >= 0; i--) waiting.at(i)?.lookUp();
}

/** The cut prompt continues first. */
function continueChunked<S extends SequenceView>(
  scheduler: Scheduler<S>,
  chunked: S,
  plan: Plan<S>,
  state: State,
): void {
  const { memory } = scheduler;
  const missing = missingTokens(chunked);
  const unreserved = plan.rules.chunksFitMemory ? Math.floor(memory.freeBlocks - plan.reserved) : plan.chunk;
  const tokens = Math.min(missing, plan.chunk, unreserved > 0 ? unreserved : plan.chunk);
  if (tokens <= memory.freeBlocks) spend(chunked, tokens, missing, plan, state);
  // Several batches share the memory, and another has taken its reserved blocks.
  else scheduler.preempt(chunked, 'tail');
}

/**
 * In queue order, until one does not fit. False if places or memory have run out, rather than the budget or the queue.
 */
function admitWaiting<S extends SequenceView>(
  scheduler: Scheduler<S>,
  plan: Plan<S>,
  options: SglangOptions,
  state: State,
  look: (sequence: S) => number,
): boolean {
  const { waiting, memory } = scheduler;
  const { rules, maxRunning } = options;
  for (let sequence = waiting.at(0); sequence !== undefined; sequence = waiting.at(0)) {
    const left = tokensLeft(scheduler, plan, state);
    if (rules.budgetFirst && left > 0 && isUsedUp(plan)) return true;
    if (state.batch.length + plan.prompts.length >= maxRunning) return false;
    const missing = missingTokens(sequence) - look(sequence);
    const output = sequence.maxTokens - (rules.countsGenerated ? sequence.generatedTokens : 0);
    const wanted = missing + expectedOutput(output) + rules.spareTokens;
    // Cached tokens count as free until the request takes them over.
    const leftThen = left - (sequence.neededBlocks(tokensOf(sequence)) - missing);
    if (wanted >= (rules.budgetFirst ? leftThen : left)) return false;
    if (!rules.budgetFirst && missing > plan.input && plan.prompts.length > 0) return true;
    if (wanted > leftThen) return false;
    const tokens = Math.min(missing, plan.chunk);
    if (tokens === 0) return true;
    scheduler.admit(sequence, 0);
    spend(sequence, tokens, missing, plan, state);
    if (memory.freeBlocks - plan.tokens - plan.reserved <= 0) return false;
    if (isUsedUp(plan)) return true;
  }
  return true;
}

function spend<S extends SequenceView>(
  sequence: S,
  tokens: number,
  missing: number,
  plan: Plan<S>,
  state: State,
): void {
  plan.prompts.push({ sequence, tokens });
  plan.tokens += tokens;
  plan.input -= tokens;
  plan.chunk -= tokens;
  plan.reserved += plan.rules.spareTokens;
  if (tokens < missing) state.chunked = sequence;
  else plan.reserved += expectedOutput(sequence.maxTokens);
}

function isUsedUp({ input, chunk }: Plan<unknown>): boolean {
  return input <= 0 || chunk <= 0;
}

/** Free KV tokens that are neither reserved nor to be taken by the prompts that were chosen. */
function tokensLeft<S extends SequenceView>({ memory }: Scheduler<S>, plan: Plan<S>, { batch }: State): number {
  // A request alone is always admitted: SGLang rejects at its arrival a request that could never run, and so does this
  // engine.
  const isAlone = batch.length + plan.prompts.length === 0 && memory.freeBlocks === memory.capacityBlocks;
  if (isAlone) return Number.POSITIVE_INFINITY;
  return memory.freeBlocks - plan.tokens - plan.reserved;
}

/** Tokens that the decoding requests are expected to generate yet, each clipped. */
function reservedTokens(batch: readonly SequenceView[], share: number): number {
  let tokens = 0;
  for (const { maxTokens, generatedTokens } of batch) tokens += expectedOutput(maxTokens - generatedTokens) * share;
  return tokens;
}

function expectedOutput(allowedTokens: number): number {
  return Math.min(allowedTokens, CLIP_TOKENS);
}

/** All running requests decode; if memory is short, some are retracted first. */
function decode<S extends SequenceView>(scheduler: Scheduler<S>, rules: SglangRules, state: State): void {
  const { running, memory } = scheduler;
  dropEnded(scheduler, state);
  const isAnyEnding = rules.foreseesLength && dropEnding(state);
  const { length } = state.batch;
  if (length === 0) return;
  makeRoom(scheduler, length, rules);
  if (memory.freeBlocks >= length) state.ratio.decay();
  // What those hold is free when the batch under way has run.
  else if (isAnyEnding) return;
  else retract(scheduler, rules, state);
  let runs = 0;
  for (const sequence of running) if (!(isAnyEnding && sequence.isSpent) && scheduler.run(sequence, 1)) runs++;
  const [last] = running;
  if (runs > 0 || last === undefined) return;
  // Several batches share the memory: the only request left here gives way to those of others.
  scheduler.preempt(last, 'tail');
  state.batch = [];
}

/** Those that have ended leave the batch. */
function dropEnded<S extends SequenceView>({ running }: Scheduler<S>, state: State): void {
  // None has: who does is not running any more.
  if (running.length - (state.chunked === null ? 0 : 1) === state.batch.length) return;
  for (const { hasEnded } of state.batch) {
    if (!hasEnded) continue;
    state.batch = state.batch.filter((each) => !each.hasEnded);
    state.isFull = false;
    return;
  }
}

/** Those whose last token is being computed leave the batch; whether there were any. */
function dropEnding(state: State): boolean {
  const before = state.batch.length;
  state.batch = state.batch.filter(({ isSpent }) => !isSpent);
  if (state.batch.length === before) return false;
  state.isFull = false;
  return true;
}

/** What an iteration takes is evicted for all of its requests at once. */
function makeRoom<S extends SequenceView>(scheduler: Scheduler<S>, tokens: number, rules: SglangRules): void {
  if (rules.evictsAll) scheduler.makeRoom(tokens, tokens);
  else scheduler.makeRoom(tokens);
}

/**
 * Retracts those with the least output, among equals the longest prompts, until the others have memory for some steps.
 */
function retract<S extends SequenceView>(scheduler: Scheduler<S>, rules: SglangRules, state: State): void {
  const { running, memory } = scheduler;
  scheduler.sortRunning((a, b) => b.generatedTokens - a.generatedTokens || a.promptTokens - b.promptTokens);
  do {
    const victim = running.at(-1);
    if (victim === undefined || running.length === 1) break;
    scheduler.preempt(victim, 'tail');
    // What it leaves in the cache is the first to go.
    scheduler.makeRoom(running.length * RETRACT_STEPS);
  } while (memory.freeBlocks < running.length * rules.retractSteps);
  if (running.length < state.batch.length) state.isFull = false;
  state.batch = [...running];
  state.ratio.estimate(running, RETRACT_STEPS, rules.estimateSpare);
}
