import { type Span, spanOf } from '../../src/metrics/judged-requests.ts';
import { randomStream } from '../../src/core/random.ts';
import { nearestRank, sum } from '../../src/metrics/samples.ts';

/**
 * With at least so many blocks the interval is a bootstrap; with `MIN_BATCHES` to that many, a batch-means t interval.
 */
const MIN_BLOCKS = 20;
const MIN_BATCHES = 6;
const RESAMPLES = 2000;
/** Beyond this, blocks get longer rather than more: more would cost time and not change the interval. */
const MAX_BLOCKS = 1000;
/** Possible starts of a block within the length of one block. */
const STARTS_PER_BLOCK = 8;

export interface BlockSample {
  /** Due time of each request, and beside it 1 where the request met its SLO, 0 where it did not. */
  readonly dueUs: Float64Array;
  readonly met: readonly number[];
  /** p90 of the time that requests were in the system; null if none ended. */
  readonly timeInSystemUs: number | null;
  readonly seed: number;
}

export interface BlockInterval {
  readonly ci95: readonly [number, number] | null;
  readonly nEff: number | null;
  /** Whether the sample carries a bootstrap interval. */
  readonly sufficient: boolean;
}

/**
 * 95 % interval of the share that met the SLO (`statistics.md`, "Attainment of one run"). Requests near in time share a
 * queue, so whole blocks of due time are drawn, each twice as long as the p90 of the time in the system; the ratio is
 * recomputed on each resample. Blocks wrap round at the end, so that every request is equally likely to be drawn.
 */
export function blockInterval(sample: BlockSample): BlockInterval {
  const span = spanOf(sample.dueUs);
  const wanted =
    sample.timeInSystemUs === null || sample.timeInSystemUs <= 0
      ? 0
      : Math.floor(span.lengthUs / (2 * sample.timeInSystemUs));
  const blocks = Math.min(wanted, MAX_BLOCKS);
  if (blocks < MIN_BATCHES) return { ci95: null, nEff: null, sufficient: false };

  const sufficient = blocks >= MIN_BLOCKS;
  const n = sample.met.length;
  const good = sample.met.reduce((total, met) => total + met, 0);
  if (good === 0 || good === n) return { ci95: unanimous(good > 0, n), nEff: n, sufficient };

  const { lower, upper, variance } = sufficient ? bootstrap(sample, span, blocks) : batchMeans(sample, span, blocks);
  const share = good / n;
  const nEff = variance > 0 ? Math.round((share * (1 - share)) / variance) : null;
  return { ci95: [Math.max(0, lower), Math.min(1, upper)], nEff, sufficient };
}

/** If all requests agree, their dependence does not show: the exact binomial bound of independent requests. */
function unanimous(allMet: boolean, n: number): readonly [number, number] {
  const bound = 0.025 ** (1 / n);
  return allMet ? [bound, 1] : [0, 1 - bound];
}

interface Spread {
  readonly lower: number;
  readonly upper: number;
  readonly variance: number;
}

function bootstrap(sample: BlockSample, span: Span, blocks: number): Spread {
  const starts = blocks * STARTS_PER_BLOCK;
  const slots = sumsPerSlot(sample, span, starts);
  const requests = circularSums(slots.requests);
  const met = circularSums(slots.met);

  const random = randomStream(sample.seed, 'attainment bootstrap');
  const shares = new Float64Array(RESAMPLES);
  for (let r = 0; r < RESAMPLES; r++) {
    let [drawn, drawnMet] = [0, 0];
    while (drawn === 0)
      for (let b = 0; b < blocks; b++) {
        const start = Math.floor((random() / 2 ** 32) * starts);
        drawn += requests[start] ?? 0;
        drawnMet += met[start] ?? 0;
      }
    shares[r] = drawnMet / drawn;
  }
  shares.sort();
  const observed = sum(slots.met) / sum(slots.requests);
  const wider = smallSampleFactor(blocks);
  return {
    lower: observed + wider * ((nearestRank(shares, 25) ?? 0) - observed),
    upper: observed + wider * ((nearestRank(shares, 975) ?? 1) - observed),
    variance: wider * wider * varianceOf(shares),
  };
}

/**
 * Factor by which the interval of b blocks must be wider than its percentiles: resamples of b blocks vary by (b - 1) /
 * b too little, and their spread is itself an estimate (Student's t over the normal, first term of its expansion). 8 %
 * at 20.
 */
function smallSampleFactor(blocks: number): number {
  return Math.sqrt(blocks / (blocks - 1)) * (1 + (1.96 * 1.96 + 1) / (4 * (blocks - 1)));
}

/** Linearised ratio of batch sums: batches differ in the number of their requests. */
function batchMeans(sample: BlockSample, span: Span, batches: number): Spread {
  const { requests, met } = sumsPerSlot(sample, span, batches);
  const share = sum(met) / sum(requests);
  let squares = 0;
  for (let b = 0; b < batches; b++) squares += ((met[b] ?? 0) - share * (requests[b] ?? 0)) ** 2;
  const variance = ((batches / (batches - 1)) * squares) / sum(requests) ** 2;
  const half = (T_975[batches - 1 - FIRST_DF] ?? Number.NaN) * Math.sqrt(variance);
  return { lower: share - half, upper: share + half, variance };
}

/** 97.5 % points of Student's t with 5 to 18 degrees of freedom. */
const FIRST_DF = MIN_BATCHES - 1;
const T_975 = [2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101];

function sumsPerSlot({ dueUs, met }: BlockSample, { fromUs, lengthUs }: Span, slots: number) {
  const sums = { requests: new Float64Array(slots), met: new Float64Array(slots) };
  for (const [i, due] of dueUs.entries()) {
    const slot = Math.min(slots - 1, Math.floor(((due - fromUs) / lengthUs) * slots));
    sums.requests[slot] = (sums.requests[slot] ?? 0) + 1;
    sums.met[slot] = (sums.met[slot] ?? 0) + (met[i] ?? 0);
  }
  return sums;
}

/** Entry i: the sum over the block of slots that starts at slot i. */
function circularSums(slots: Float64Array): Float64Array {
  const sums = new Float64Array(slots.length);
  let total = 0;
  for (let i = 0; i < STARTS_PER_BLOCK; i++) total += slots[i] ?? 0;
  for (let i = 0; i < slots.length; i++) {
    sums[i] = total;
    total += (slots[(i + STARTS_PER_BLOCK) % slots.length] ?? 0) - (slots[i] ?? 0);
  }
  return sums;
}

function varianceOf(values: Float64Array): number {
  const mean = sum(values) / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return squares / (values.length - 1);
}
