import type { Request } from '../../core/request.ts';
import type { Source } from '../../core/plan.ts';
import { ln } from '../../core/portable-math.ts';
import { randomStream, uniform } from '../../core/random.ts';

/** The requests of every simulation of a search, at one request per second: plain arrays, for worker threads. */
export interface Load {
  readonly dueS: Float64Array;
  readonly inputTokens: Float64Array;
  readonly outputTokens: Float64Array;
}

/** The lengths of a workload's requests, in its order, without requests of more than `maxTokens` tokens in all. */
export interface Lengths {
  readonly inputTokens: readonly number[];
  readonly outputTokens: readonly number[];
  readonly tooLong: number;
}

export async function readLengths(source: Source, maxTokens: number): Promise<Lengths> {
  const inputTokens: number[] = [];
  const outputTokens: number[] = [];
  let tooLong = 0;
  for await (const batch of source.open())
    for (const request of batch) {
      if (request.inputTokens + request.outputTokens > maxTokens) {
        tooLong++;
        continue;
      }
      inputTokens.push(request.inputTokens);
      outputTokens.push(request.outputTokens);
    }
  return { inputTokens, outputTokens, tooLong };
}

/**
 * Poisson arrivals with lengths drawn from a workload, with replacement, as in DistServe's search. The same draws serve
 * every rate and every system, so that two simulations differ only in what is compared.
 */
export function drawLoad(lengths: Lengths, requests: number, seed: number): Load {
  const rows = randomStream(seed, 'search', 'lengths');
  const gaps = randomStream(seed, 'search', 'arrivals');
  const rowCount = lengths.inputTokens.length;
  const load = {
    dueS: new Float64Array(requests),
    inputTokens: new Float64Array(requests),
    outputTokens: new Float64Array(requests),
  };
  let dueS = 0;
  for (let i = 0; i < requests; i++) {
    const row = Math.floor(uniform(rows) * rowCount);
    load.dueS[i] = dueS;
    load.inputTokens[i] = lengths.inputTokens[row] ?? 0;
    load.outputTokens[i] = lengths.outputTokens[row] ?? 0;
    dueS -= ln(1 - uniform(gaps));
  }
  return load;
}

/** The first requests of the load at `rateRps`. `outputTokens`: the same number for all of them; null: as drawn. */
export function requestsAt(load: Load, requests: number, rateRps: number, outputTokens: number | null): Request[] {
  return Array.from({ length: requests }, (_, i) => ({
    id: '',
    traceRow: 0,
    dueUs: Math.round(((load.dueS[i] ?? 0) * 1e6) / rateRps),
    inputTokens: load.inputTokens[i] ?? 0,
    outputTokens: outputTokens ?? load.outputTokens[i] ?? 0,
  }));
}
