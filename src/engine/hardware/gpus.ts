const GIB = 1024 ** 3;

/** Peaks of a GPU, and the share of each that real kernels reach. */
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
  /** The link between GPUs of one node. */
  readonly link: Link;
  /** Peak to and from host memory, bytes/s in one direction. */
  readonly pcieBytesPerS: number;
  /** Sources of peaks, memory and link, and how certain each is. */
  readonly source: string;
}

export interface Link {
  readonly kind: 'NVLink' | 'PCIe';
  /** Peak of one GPU in one direction, bytes/s. */
  readonly bytesPerS: number;
  /** Share of the peak that the bus bandwidth of large all-reduces reaches. */
  readonly efficiency: number;
}

/**
 * Efficiency: 8 H100s reach 410 of 450 GB/s in Vidur's published all-reduce profile (24-67 MB). PCIe without peer
 * switches shares the host's root complex; 0.6 is an estimate within +-30 %.
 */
const nvlink = (bytesPerS: number): Link => ({ kind: 'NVLink', bytesPerS, efficiency: 0.91 });
const pcie = (bytesPerS: number): Link => ({ kind: 'PCIe', bytesPerS, efficiency: 0.6 });

const SYSTEM_FILE = 'NVIDIA data sheet, as in the system files of AIConfigurator';

/**
 * Peaks: dense bf16. Figures that `source` calls "from memory" were not looked up.
 *
 * `linearMfu`, `weightMbu`: fitted by eye to Vidur's published operator profiles (MLSys '24, its mlp.csv): QKV, output
 * and MLP products of Llama models at TP 1 reach 66-73 % of peak at 512-4096 tokens on A100, 64-78 % on H100 and 67-74
 * % on A40, and 78 %, 77-86 % and 80 % of bandwidth at one token. Within some 10 % outside 128-512 tokens, where real
 * kernels are slower than either bound. H200, H100 PCIe and B200 are assumed to be as H100 SXM; L20, L40S and A10 as
 * A40.
 *
 * `attentionMfu`, `kvMbu`: middle of the ranges commonly reported (0.3-0.6 and 0.6-0.8); an estimate within +-30 %.
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
    link: nvlink(300e9),
    pcieBytesPerS: 32e9,
    source: SYSTEM_FILE,
  },
  'h100-sxm': {
    flopsPerS: 989e12,
    bandwidthBytesPerS: 3.35e12,
    memoryBytes: 80 * GIB,
    linearMfu: 0.75,
    attentionMfu: 0.45,
    weightMbu: 0.82,
    kvMbu: 0.7,
    link: nvlink(450e9),
    pcieBytesPerS: 64e9,
    source: SYSTEM_FILE,
  },
  'h200-sxm': {
    flopsPerS: 989e12,
    bandwidthBytesPerS: 4.8e12,
    memoryBytes: 141e9,
    linearMfu: 0.75,
    attentionMfu: 0.45,
    weightMbu: 0.82,
    kvMbu: 0.7,
    link: nvlink(450e9),
    pcieBytesPerS: 64e9,
    source: SYSTEM_FILE,
  },
  'h100-pcie': {
    flopsPerS: 756.5e12,
    bandwidthBytesPerS: 2e12,
    memoryBytes: 80 * GIB,
    linearMfu: 0.75,
    attentionMfu: 0.45,
    weightMbu: 0.82,
    kvMbu: 0.7,
    link: pcie(64e9),
    pcieBytesPerS: 64e9,
    source: SYSTEM_FILE,
  },
  'b200-sxm': {
    flopsPerS: 2250e12,
    bandwidthBytesPerS: 7.7e12,
    memoryBytes: 180 * GIB,
    linearMfu: 0.75,
    attentionMfu: 0.45,
    weightMbu: 0.82,
    kvMbu: 0.7,
    link: nvlink(900e9),
    pcieBytesPerS: 64e9,
    source: `${SYSTEM_FILE}; efficiencies not measured`,
  },
  l40s: {
    flopsPerS: 362e12,
    bandwidthBytesPerS: 0.864e12,
    memoryBytes: 48e9,
    linearMfu: 0.72,
    attentionMfu: 0.45,
    weightMbu: 0.78,
    kvMbu: 0.7,
    link: pcie(32e9),
    pcieBytesPerS: 32e9,
    source: SYSTEM_FILE,
  },
  l20: {
    flopsPerS: 119.5e12,
    bandwidthBytesPerS: 0.864e12,
    memoryBytes: 48e9,
    linearMfu: 0.72,
    attentionMfu: 0.45,
    weightMbu: 0.78,
    kvMbu: 0.7,
    link: pcie(32e9),
    pcieBytesPerS: 32e9,
    source: 'memory and bandwidth as listed publicly; 119.5 TFLOP/s from memory',
  },
  a40: {
    flopsPerS: 149.7e12,
    bandwidthBytesPerS: 0.696e12,
    memoryBytes: 48e9,
    linearMfu: 0.72,
    attentionMfu: 0.45,
    weightMbu: 0.8,
    kvMbu: 0.7,
    link: pcie(32e9),
    pcieBytesPerS: 32e9,
    source: '149.7 TFLOP/s, 696 GB/s, 48 GB and PCIe from memory; its NVLink bridge, of pairs, is not modelled',
  },
  a10: {
    flopsPerS: 125e12,
    bandwidthBytesPerS: 0.6e12,
    memoryBytes: 24e9,
    linearMfu: 0.72,
    attentionMfu: 0.45,
    weightMbu: 0.78,
    kvMbu: 0.7,
    link: pcie(32e9),
    pcieBytesPerS: 32e9,
    source: '125 TFLOP/s, 600 GB/s and 24 GB from memory',
  },
} as const satisfies Record<string, Gpu>;

export type GpuName = keyof typeof GPUS;
