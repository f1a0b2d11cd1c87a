import { COSTS } from './cost/presets.ts';
import { TABLE, TABLE_EXTENSION } from './cost/table-preset.ts';
import { GPUS } from './hardware/gpus.ts';
import { kvBytesPerToken, weightBytes, type Llm } from './models/llm.ts';
import { LLMS } from './models/llms.ts';
import { tensorParallelDegrees } from './models/tensor-parallel.ts';
import { readEngineSpec } from './spec.ts';
import { SYSTEMS } from './systems/index.ts';
import type { OptionInfo } from './systems/option-reader.ts';

/** Everything that the engine can be configured with, each entry with its source: plain JSON. */
export interface EngineCatalogue {
  readonly systems: readonly { readonly name: string; readonly source: string; readonly equals: string }[];
  readonly models: readonly ModelInfo[];
  readonly gpus: readonly GpuInfo[];
  readonly costs: readonly { readonly name: string; readonly about: string; readonly source: string }[];
}

interface ModelInfo {
  readonly name: string;
  readonly weight_bytes: number;
  readonly kv_bytes_per_token: number;
  readonly layers: number;
  /** Number of MLPs in a layer, and how many of them a token passes through. */
  readonly experts: number;
  readonly active_experts: number;
  readonly max_model_len_tokens: number;
  /** Tensor-parallel degrees that divide the model. */
  readonly tp: readonly number[];
  readonly source: string;
}

interface GpuInfo {
  readonly name: string;
  readonly flops_per_s: number;
  readonly bandwidth_bytes_per_s: number;
  readonly memory_bytes: number;
  readonly link: string;
  readonly link_bytes_per_s: number;
  readonly source: string;
}

export function engineCatalogue(): EngineCatalogue {
  return {
    systems: Object.entries(SYSTEMS).map(([name, { cites, equals }]) => ({ name, source: cites, equals })),
    models: Object.entries(LLMS).map(([name, llm]) => ({
      name,
      weight_bytes: weightBytes(llm),
      kv_bytes_per_token: kvBytesPerToken(llm),
      layers: llm.layers,
      ...expertsOf(llm),
      max_model_len_tokens: llm.maxModelLen,
      tp: tensorParallelDegrees(llm),
      source: llm.source,
    })),
    gpus: Object.entries(GPUS).map(([name, gpu]) => ({
      name,
      flops_per_s: gpu.flopsPerS,
      bandwidth_bytes_per_s: gpu.bandwidthBytesPerS,
      memory_bytes: gpu.memoryBytes,
      link: gpu.link.kind,
      link_bytes_per_s: gpu.link.bytesPerS,
      source: gpu.source,
    })),
    costs: [
      ...Object.entries(COSTS).map(([name, { about, source }]) => ({ name, about, source })),
      { name: `FILE${TABLE_EXTENSION}`, ...TABLE },
    ],
  };
}

function expertsOf({ experts }: Llm): Pick<ModelInfo, 'experts' | 'active_experts'> {
  return { experts: experts?.count ?? 1, active_experts: experts?.active ?? 1 };
}

export interface SystemInfo {
  readonly system: string;
  readonly source: string;
  /** Which version of the real system it equals, and how that was checked. */
  readonly equals: string;
  readonly options: readonly OptionInfo[];
  /** Warnings about these values, a sentence each. */
  readonly warnings: readonly string[];
}

/** The options of the system in `text` (as `parseEngineSpec` reads it), with their values. */
export function describeSystem(text: string): SystemInfo {
  const { name, system, reader } = readEngineSpec(text);
  const { cites: source, equals } = system;
  return { system: name, source, equals, options: reader.infos, warnings: reader.warnings };
}
