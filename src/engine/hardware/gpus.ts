const GIB = 1024 ** 3;

/** What a device can do, and what share of it real kernels reach. */
export interface Gpu {
  /** Peak dense bf16, FLOP/s. */
  readonly flopsPerS: number;
  /** Peak memory bandwidth, bytes/s. */
  readonly bandwidthBytesPerS: number;
  readonly memoryBytes: number;
  /** Share of peak FLOP/s that large matrix products reach. */
  readonly linearMfu: number;
  /** Share of peak FLOP/s that prefill attention reaches. */
  readonly attentionMfu: number;
  /** Share of peak bandwidth at which weights are read. */
  readonly weightMbu: number;
  /** Share of peak bandwidth at which the KV cache is read. */
  readonly kvMbu: number;
}

/**
 * Peaks and memory: NVIDIA's data sheets (SXM, dense bf16), as in AIConfigurator's system files; certain.
 *
 * `linearMfu`, `weightMbu`: fitted by eye to Vidur's published operator profiles (MLSys '24, its mlp.csv): QKV, output
 * and MLP products of Llama models at TP 1 reach 66-73 % of peak at 512-4096 tokens on A100 and 64-78 % on H100, and
 * 78 % (A100) and 77-86 % (H100) of bandwidth at one token. Within some 10 % outside 128-512 tokens, where real
 * kernels are slower than either bound.
 *
 * `attentionMfu`, `kvMbu`: middle of the ranges commonly reported (0.3-0.6 and 0.6-0.8); a guess within +-30 %.
 */
export const GPUS = {
  'a100-sxm-80g': {
    flopsPerS: 312e12,
    bandwidthBytesPerS: 2.039e12,
    memoryBytes: 80 * GIB,
    linearMfu: 0.72,
    attentionMfu: 0.45,
    weightMbu: 0.78,
    kvMbu: 0.7,
  },
  'h100-sxm': {
    flopsPerS: 989e12,
    bandwidthBytesPerS: 3.35e12,
    memoryBytes: 80 * GIB,
    linearMfu: 0.75,
    attentionMfu: 0.45,
    weightMbu: 0.82,
    kvMbu: 0.7,
  },
} as const satisfies Record<string, Gpu>;

export type GpuName = keyof typeof GPUS;
