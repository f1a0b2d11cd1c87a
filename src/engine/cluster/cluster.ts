import type { Clock } from '../../core/clock.ts';
import type { Cancel, Engine, Listener, Load, EngineRequest } from '../engine.ts';
import type { Instance } from '../instance/instance.ts';
import type { MemoryView } from '../kv/kv-cache.ts';
import type { Router } from './routers.ts';
import { Sequence } from '../instance/sequence.ts';

export interface ClusterParts {
  readonly clock: Clock;
  readonly maxModelLen: number;
  /** Longest prompt, where one batch must hold it whole; otherwise memory and `maxModelLen` alone limit it. */
  readonly maxPromptTokens?: number;
  /** Where requests arrive, and who picks one. */
  readonly entry: readonly Instance[];
  readonly router: Router;
  /** Instances that requests are handed to later. */
  readonly others?: readonly Instance[];
  /** Requests that are at none of them. */
  readonly between?: () => number;
}

/** An engine of many instances: refuses what the API server in front of them would, and routes the rest. */
export function cluster(parts: ClusterParts): Engine {
  const { maxModelLen, entry, others = [], between = () => 0 } = parts;
  const all = [...entry, ...others];
  return {
    maxModelLen,
    submit: (request, listener) => enter(parts, request, listener),
    load() {
      const load = all.map((instance) => instance.load()).reduce(sum);
      return { ...load, waiting: load.waiting + between() };
    },
    resetPrefixCache: () => all.map((instance) => instance.memory.reset()).every((forgot) => forgot),
  };
}

/** Refuses a request, or lets it in: `place` puts it where it goes, by itself into the instance that was picked. */
export function enter(
  parts: ClusterParts,
  request: EngineRequest,
  listener: Listener,
  place: (sequence: Sequence, instance: Instance) => void = (sequence, instance) => instance.submit(sequence),
  arrivalUs = parts.clock.now(),
): Cancel {
  const { entry, router } = parts;
  const refusal = refusalOf(request, parts);
  const instance = entry[entry.length === 1 ? 0 : router(entry)];
  if (refusal !== null || instance === undefined) {
    listener.reject(400, refusal ?? 'No instance takes requests.');
    return () => undefined;
  }
  const sequence = new Sequence(request, listener, arrivalUs);
  place(sequence, instance);
  return () => sequence.cancel();
}

function sum(a: Load, b: Load): Load {
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

/** Why a request can never be served; null if it can. */
function refusalOf(
  { inputTokens, maxTokens }: EngineRequest,
  { maxModelLen, maxPromptTokens = maxModelLen, entry, others = [] }: ClusterParts,
): string | null {
  if (inputTokens < 1) return 'The prompt is empty: at least one token is needed.';
  if (maxTokens < 1) return `max_tokens must be at least 1, got ${maxTokens}.`;
  const total = inputTokens + maxTokens;
  if (total > maxModelLen)
    return (
      `This model's maximum context length is ${maxModelLen} tokens: ${inputTokens} of the prompt and ${maxTokens} ` +
      'to generate are too many.'
    );
  if (inputTokens > maxPromptTokens)
    return `The prompt has ${inputTokens} tokens, and a batch of prompts holds ${maxPromptTokens}.`;
  // Where requests are handed on, those that take them in hold the prompt alone.
  const entryTokens = others.length === 0 ? total : inputTokens;
  return (
    [...entry.map((one) => lackOf(one, entryTokens)), ...others.map((one) => lackOf(one, total))].find(
      (lack) => lack !== null,
    ) ?? null
  );
}

interface HasMemory {
  readonly memory: MemoryView;
}

function lackOf({ memory }: HasMemory, tokens: number): string | null {
  const blocks = memory.blocksFor(tokens);
  if (blocks <= memory.capacityBlocks) return null;
  return `The request needs ${blocks} KV blocks for ${tokens} tokens, and there are ${memory.capacityBlocks}.`;
}
