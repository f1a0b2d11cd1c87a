import { distserve } from './distserve.ts';
import { nexus } from './nexus.ts';
import { sarathi } from './sarathi.ts';
import { semiPd } from './semi-pd.ts';
import { sglang } from './sglang.ts';
import type { System } from './system.ts';
import { simdistserve, simdistserveVllmSystem } from './simdistserve.ts';
import { vllmPd } from './vllm-pd.ts';
import { vllmV0 } from './vllm-v0.ts';
import { vllmV1 } from './vllm-v1.ts';

/** All systems of the engine, by name. */
export const SYSTEMS: Readonly<Record<string, System>> = {
  'vllm-v1': vllmV1,
  'vllm-v0': vllmV0,
  sarathi,
  sglang,
  distserve,
  'vllm-pd': vllmPd,
  nexus,
  'semi-pd': semiPd,
  simdistserve,
  'simdistserve-vllm': simdistserveVllmSystem,
};

export const DEFAULT_SYSTEM = 'vllm-v1';
