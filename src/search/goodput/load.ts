import type { Request } from '../../core/request.ts';
import type { Source } from '../../core/plan.ts';
import { ln } from '../../core/portable-math.ts';
import { randomStream, uniform } from '../../core/random.ts';
import { beginningsOf, freshBlocks, type Beginnings } from '../../../workloads/index.ts';

/** The requests of every simulation of a search, at one request per second: plain arrays, for worker threads. */
export interface Load {
  readonly dueS: Float64Array;
  readonly inputTokens: Float64Array;
  readonly outputTokens: Float64Array;
  /** Class of each request, where they have any. */
  readonly classes?: readonly (string | null)[];
  /** Absent: they share no prefixes. `rows`: the row of the trace that each request is. */
  readonly prefixes?: Prefixes & { readonly rows: Int32Array };
}

/** Prefix blocks of the rows of a trace. */
interface Prefixes {
  readonly beginnings: Beginnings;
  readonly blockTokens: number;
}

/** Lengths of requests: parallel lists. */
export interface Lengths {
  readonly inputTokens: readonly number[];
  readonly outputTokens: readonly number[];
  /** Class of each; absent: none has one. */
  readonly classes?: readonly (string | null)[];
  /** Absent where they have no prefix blocks, or blocks of unknown size. */
  readonly prefixes?: Prefixes;
}

/** What a search takes of a workload's requests, in its order, without those of more than `maxTokens` tokens in all. */
export interface Rows extends Lengths {
  readonly dueUs: readonly number[];
  readonly tooLong: number;
}

export async function readRows(source: Source, maxTokens: number): Promise<Rows> {
  const rows = { inputTokens: new Array<number>(), outputTokens: new Array<number>(), dueUs: new Array<number>() };
  const ids: (readonly number[])[] = [];
  const classes: (string | null)[] = [];
  let tooLong = 0;
  for await (const batch of source.open())
    for (const { inputTokens, outputTokens, dueUs, sloClass = null, blocks = [] } of batch) {
      if (inputTokens + outputTokens > maxTokens) {
        tooLong++;
        continue;
      }
      rows.inputTokens.push(inputTokens);
      rows.outputTokens.push(outputTokens);
      rows.dueUs.push(dueUs);
      ids.push(blocks);
      classes.push(sloClass);
    }
  const { blockTokens } = source;
  const read = { ...rows, tooLong, ...(classes.every((each) => each === null) ? {} : { classes }) };
  const beginnings = blockTokens === undefined ? null : beginningsOf(ids);
  if (blockTokens === undefined || beginnings === null) return read;
  return { ...read, prefixes: { beginnings, blockTokens } };
}

/** Share of all prompt tokens that an unlimited prefix cache would hold; 0 without blocks. */
export function prefixShare({ inputTokens, prefixes }: Rows): number {
  if (prefixes === undefined) return 0;
  const { beginnings, blockTokens } = prefixes;
  const found = inputTokens.map((tokens, row) => Math.min(tokens, (beginnings.found[row] ?? 0) * blockTokens));
  return sum(found) / sum(inputTokens);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/**
 * The first rows with their own timing, at one request per second: (n - 1) / (last - first), as `--rate` has it. Null
 * where all are due at one time, which leaves nothing to scale.
 */
export function traceLoad(
  { dueUs, inputTokens, outputTokens, classes, prefixes }: Rows,
  most: number,
): TraceLoad | null {
  const requests = Math.min(dueUs.length, most);
  const [firstUs = 0, lastUs = 0] = [dueUs[0], dueUs[requests - 1]];
  if (lastUs === firstUs) return null;
  const rateRps = ((requests - 1) * 1e6) / (lastUs - firstUs);
  return {
    rateRps,
    load: {
      dueS: Float64Array.from(dueUs.slice(0, requests), (us) => ((us - firstUs) / 1e6) * rateRps),
      inputTokens: Float64Array.from(inputTokens.slice(0, requests)),
      outputTokens: Float64Array.from(outputTokens.slice(0, requests)),
      ...(classes === undefined ? {} : { classes: classes.slice(0, requests) }),
      ...(prefixes === undefined
        ? {}
        : { prefixes: { ...prefixes, rows: Int32Array.from({ length: requests }, (_, row) => row) } }),
    },
  };
}

export interface TraceLoad {
  readonly load: Load;
  /** Mean rate at the trace's own speed. */
  readonly rateRps: number;
}

/**
 * Poisson arrivals with lengths drawn from a workload, with replacement, as in DistServe's search. The same draws serve
 * every rate and every system, so that two simulations differ only in what is compared.
 */
export function drawLoad(lengths: Lengths, requests: number, seed: number): Load {
  const rows = randomStream(seed, 'search', 'lengths');
  const gaps = randomStream(seed, 'search', 'arrivals');
  const rowCount = lengths.inputTokens.length;
  const drawn = new Int32Array(requests);
  const load = {
    dueS: new Float64Array(requests),
    inputTokens: new Float64Array(requests),
    outputTokens: new Float64Array(requests),
  };
  let dueS = 0;
  for (let i = 0; i < requests; i++) {
    const row = Math.floor(uniform(rows) * rowCount);
    drawn[i] = row;
    load.dueS[i] = dueS;
    load.inputTokens[i] = lengths.inputTokens[row] ?? 0;
    load.outputTokens[i] = lengths.outputTokens[row] ?? 0;
    dueS -= ln(1 - uniform(gaps));
  }
  const { classes, prefixes } = lengths;
  return {
    ...load,
    ...(classes === undefined ? {} : { classes: Array.from(drawn, (row) => classes[row] ?? null) }),
    ...(prefixes === undefined ? {} : { prefixes: { ...prefixes, rows: drawn } }),
  };
}

/**
 * The first requests of the load at `rateRps`; where there are fewer, the load end to end, a mean gap between two. The
 * same blocks at every rate.
 * `outputTokens`: the same number for all of them; null: as drawn.
 */
export function requestsAt(load: Load, requests: number, rateRps: number, outputTokens: number | null): Request[] {
  const rows = load.dueS.length;
  const { classes, prefixes } = load;
  const nextBlocks = prefixes === undefined ? null : freshBlocks(prefixes.beginnings);
  return Array.from({ length: requests }, (_, i) => {
    const row = i % rows;
    const blocks = nextBlocks?.(prefixes?.rows[row] ?? 0);
    const sloClass = classes?.[row] ?? null;
    return {
      id: '',
      traceRow: 0,
      dueUs: Math.round((((load.dueS[row] ?? 0) + (i - row)) * 1e6) / rateRps),
      inputTokens: load.inputTokens[row] ?? 0,
      outputTokens: outputTokens ?? load.outputTokens[row] ?? 0,
      ...(sloClass === null ? {} : { sloClass }),
      ...(blocks === undefined ? {} : { blocks }),
    };
  });
}
