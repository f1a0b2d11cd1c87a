import { sglang } from './sglang.ts';
import type { System } from './system.ts';
import { simdistserve, simdistserveVllmSystem } from './simdistserve.ts';
import { vllmV1 } from './vllm-v1.ts';

/** Every system that the engine can be, by name. */
export const SYSTEMS: Readonly<Record<string, System>> = {
  simdistserve,
  'simdistserve-vllm': simdistserveVllmSystem,
  'vllm-v1': vllmV1,
  sglang,
};

export const DEFAULT_SYSTEM = 'vllm-v1';
