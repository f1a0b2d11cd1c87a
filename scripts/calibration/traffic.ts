import { ln } from '../../src/core/portable-math.ts';
import { randomStream, uniform, type Random } from '../../src/core/random.ts';
import type { Request } from '../../src/core/request.ts';
import { readTrace } from '../bench/counted-simulation.ts';

/** Requests that come at 1 a second on average. */
export interface UnitTraffic {
  readonly dueS: Float64Array;
  readonly inputTokens: Uint32Array;
  readonly outputTokens: Uint32Array;
}

/** Traffic of one kind: `requests` of it, others for each seed. */
export type Traffic = (seed: number, requests: number) => UnitTraffic;

interface Row {
  readonly dueS: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Rows of a trace, cut to as many tokens in and out. */
export async function readRows(path: string, maxInput = Infinity, maxOutput = Infinity): Promise<readonly Row[]> {
  const { requests } = await readTrace(path);
  return requests.map(({ dueUs, inputTokens, outputTokens }) => ({
    dueS: dueUs / 1e6,
    inputTokens: Math.min(maxInput, inputTokens),
    outputTokens: Math.min(maxOutput, outputTokens),
  }));
}

/** Exponential gaps; rows drawn with replacement. */
export function poisson(rows: readonly Row[]): Traffic {
  return (seed, requests) => {
    const gaps = randomStream(seed, 'calibration', 'gaps');
    let atS = 0;
    return drawn(rows, seed, requests, () => (atS += exponential(gaps)));
  };
}

/**
 * Two states, each of which lasts `stay` seconds on average, exponentially; the rate in one is `ratio` times that in the
 * other. Rows drawn with replacement.
 */
export function mmpp(rows: readonly Row[], ratio: number, stay: number): Traffic {
  const low = 2 / (1 + ratio);
  return (seed, requests) => {
    const random = randomStream(seed, 'calibration', 'mmpp');
    let isHigh = uniform(random) < 0.5;
    let atS = 0;
    let switchS = stay * exponential(random);
    const next = (): number => {
      for (;;) {
        const dueS = atS + exponential(random) / (isHigh ? ratio * low : low);
        if (dueS <= switchS) return (atS = dueS);
        // Without memory, the gap begins anew where the rate changes.
        atS = switchS;
        isHigh = !isHigh;
        switchS += stay * exponential(random);
      }
    };
    return drawn(rows, seed, requests, next);
  };
}

const PIECE_S = 60;

/** Pieces of 60 s of a trace from uniformly drawn starts, one after another, with their arrivals and lengths. */
export function pieces(rows: readonly Row[]): Traffic {
  const lengthS = rows.at(-1)?.dueS ?? 0;
  const rate = rows.length / lengthS;
  return (seed, requests) => {
    const random = randomStream(seed, 'calibration', 'pieces');
    const traffic = emptyTraffic(requests);
    let filled = 0;
    for (let piece = 0; filled < requests; piece++) {
      const fromS = uniform(random) * (lengthS - PIECE_S);
      for (let row = firstFrom(rows, fromS); filled < requests; row++) {
        const { dueS, inputTokens, outputTokens } = rows[row] ?? { dueS: Infinity, inputTokens: 0, outputTokens: 0 };
        if (dueS >= fromS + PIECE_S) break;
        traffic.dueS[filled] = (piece * PIECE_S + dueS - fromS) * rate;
        traffic.inputTokens[filled] = inputTokens;
        traffic.outputTokens[filled] = outputTokens;
        filled++;
      }
    }
    return traffic;
  };
}

/** The first `requests` at `rateRps`. */
export function requestsAt({ dueS, inputTokens, outputTokens }: UnitTraffic, rateRps: number): Request[] {
  return Array.from(dueS, (due, i) => ({
    id: '',
    traceRow: 0,
    dueUs: Math.round((due * 1e6) / rateRps),
    inputTokens: inputTokens[i] ?? 0,
    outputTokens: outputTokens[i] ?? 0,
  }));
}

function drawn(rows: readonly Row[], seed: number, requests: number, nextS: () => number): UnitTraffic {
  const draw = randomStream(seed, 'calibration', 'rows');
  const traffic = emptyTraffic(requests);
  for (let i = 0; i < requests; i++) {
    const row = rows[Math.floor(uniform(draw) * rows.length)];
    traffic.dueS[i] = nextS();
    traffic.inputTokens[i] = row?.inputTokens ?? 0;
    traffic.outputTokens[i] = row?.outputTokens ?? 0;
  }
  return traffic;
}

function emptyTraffic(requests: number): UnitTraffic {
  return {
    dueS: new Float64Array(requests),
    inputTokens: new Uint32Array(requests),
    outputTokens: new Uint32Array(requests),
  };
}

function firstFrom(rows: readonly Row[], fromS: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.dueS ?? Infinity) < fromS) low = middle + 1;
    else high = middle;
  }
  return low;
}

function exponential(random: Random): number {
  return -ln(1 - uniform(random));
}
