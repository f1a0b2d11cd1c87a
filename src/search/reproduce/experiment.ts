import type { Limits } from './limits.ts';
import type { FigureName } from './figures.ts';
import type { Workload } from './lengths.ts';

/** A published experiment as data: what was run, on what, and what came out. */
export interface Experiment {
  /** Of its page and on the command line: letters, digits and hyphens. */
  readonly name: string;
  readonly title: string;
  /** The publication, and where in it. */
  readonly source: string;
  /** What it says, as far as it is compared here. */
  readonly published: string;
  /** What it does not give, and what stands in its place; a sentence each. */
  readonly reconstructed: readonly string[];
  /** What of it is not repeated, and why; a sentence each. */
  readonly leftOut: readonly string[];
  readonly parts: readonly Part[];
}

/** One workload on several systems, along one axis. */
export interface Part {
  /** Unique within the experiment: letters, digits and hyphens. */
  readonly id: string;
  readonly title: string;
  readonly workload: Workload;
  /** Requests of each simulation. */
  readonly requests: number;
  readonly seeds: readonly number[];
  readonly systems: readonly Contestant[];
  /** Values of `mixed_batch_penalty` with which the part is judged; empty: no system has batches of both phases. */
  readonly gammas: readonly number[];
  readonly limits: Limits | null;
  readonly grid: Grid;
  readonly panels: readonly Panel[];
  readonly published: readonly PublishedSeries[];
  readonly checks: readonly Check[];
  readonly ratios: readonly Ratio[];
}

export interface Contestant {
  readonly name: string;
  /** `SYSTEM,key=value...` of a reference target, without `mixed_batch_penalty`. */
  readonly spec: string;
  readonly gpus: number;
  /** Whether its batches may hold both phases, so that it is simulated with every `mixed_batch_penalty`. */
  readonly mixes: boolean;
  /** Stages of its pipeline; absent: one. */
  readonly stages?: number;
  /** Output tokens of its requests, where it serves one phase alone; absent: those of the workload. */
  readonly outputTokens?: number;
  /** Limits of its own, where it serves one phase alone; absent: those of the part. */
  readonly limits?: Limits;
}

/** What stands on the x axis, and what is simulated for each of its points. */
export type Grid =
  /** A simulation at each rate, requests/s, of the whole system or of each of its GPUs. */
  | { readonly kind: 'rate'; readonly per: 'system' | 'gpu'; readonly rates: readonly number[] }
  /** Both limits times each scale: at one rate for each GPU, and with the highest rate that meets them. */
  | { readonly kind: 'scale'; readonly rateRpsPerGpu: number; readonly scales: readonly number[] }
  /** A simulation at one rate with each `mixed_batch_penalty`. */
  | { readonly kind: 'gamma'; readonly rateRps: number; readonly gammas: readonly number[] }
  /** No axis: for each system the highest rate that passes a test. */
  | { readonly kind: 'highest'; readonly test: HighestTest }
  /**
   * Prompts of one length, one at a time: how long a first token takes by the rate, as multiples of the time that the
   * first system takes for one alone; and what the theory of an M/D/1 queue says.
   */
  | { readonly kind: 'queue'; readonly loads: readonly number[] }
  /** No axis: the placement search of DistServe, on so many GPUs. */
  | { readonly kind: 'placement'; readonly model: string; readonly gpu: string; readonly gpus: number };

/**
 * `marginal`: the 90th percentiles of TTFT and TPOT are each within their limit. `joint`: 90 % of the requests are within
 * both. `capacity`: the 99th percentile of TBT is within the limit on TPOT, and half of the requests wait 2 s at most.
 */
export type HighestTest = 'marginal' | 'joint' | 'capacity';

export interface Panel {
  readonly figure: FigureName;
  readonly title: string;
  readonly unit: string;
  readonly scale: 'linear' | 'log';
}

/** Points of a publication, or of a theory, in one panel. */
export interface PublishedSeries {
  readonly name: string;
  readonly figure: FigureName;
  /** `x`: null where the grid has no axis; `system`: which of ours it is the same as, or null. */
  readonly system: string | null;
  readonly points: readonly { readonly x: number | null; readonly y: number }[];
}

/** A shape that the publication shows. `claim` says it as a sentence without its full stop. */
export type Check = { readonly claim: string } & (
  | {
      /** From the lowest figure to the highest, at every x of `at`, or at all; each at least `factor` times the one before. */
      readonly kind: 'order';
      readonly figure: FigureName;
      readonly systems: readonly string[];
      readonly at?: readonly number[];
      readonly factor?: number;
    }
  /** Along the axis; `slack`: how far, in the unit of the figure, a point may lie on the wrong side of the one before. */
  | {
      readonly kind: 'monotone';
      readonly figure: FigureName;
      readonly systems: readonly string[];
      readonly direction: 'rises' | 'falls';
      readonly slack: number;
    }
  /** `first` is the lower one up to an x within `within`, and the higher one from there on. */
  | {
      readonly kind: 'crossing';
      readonly figure: FigureName;
      readonly first: string;
      readonly second: string;
      readonly within: readonly [number, number];
    }
  /** The limit that fewer requests meet, at the lowest x at which fewer than 90 % meet both. */
  | { readonly kind: 'binds'; readonly system: string; readonly limit: 'ttft' | 'tpot' }
  /** The figure is within `tolerance`, as a share, of each published point of the same system. */
  | { readonly kind: 'near'; readonly figure: FigureName; readonly system: string; readonly tolerance: number }
  /** `first` attains 90 % up to a higher rate than `second`. */
  | { readonly kind: 'ahead'; readonly first: string; readonly second: string }
  /** The figure lies in a range at every x of `at`. */
  | {
      readonly kind: 'between';
      readonly figure: FigureName;
      readonly system: string;
      readonly at: readonly number[] | null;
      readonly range: readonly [number, number];
    }
  /** The placement search finds these shapes as the best. */
  | { readonly kind: 'shapes'; readonly prefill: Shape; readonly decode: Shape }
  /** Nothing that could be judged: `why` says what is missing. */
  | { readonly kind: 'none'; readonly why: string }
);

export interface Shape {
  readonly tp: number;
  readonly pp: number;
}

/**
 * How many times the figure of `of` is that of `to`, at each x of `at` or at all; of `goodput` the highest rate, and of
 * `least-scale` the lowest SLO scale, at which 90 % are attained. `published`: a range, or one number twice.
 */
export interface Ratio {
  readonly what: string;
  readonly of: string;
  readonly to: string;
  readonly figure: FigureName | 'goodput' | 'least-scale';
  readonly at: readonly number[] | null;
  readonly published: readonly [number, number];
}
