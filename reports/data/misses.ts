import type { RequestRecord } from '../../src/core/record.ts';
import { limitsOf, type Slo } from '../../src/core/slo.ts';
import { ascendingOrder } from '../../src/metrics/ascending-order.ts';
import { release } from '../../src/core/release.ts';
import { Samples } from '../../src/metrics/samples.ts';
import { MISS_KINDS, type MissKind, missOf, type MissPhase } from './miss.ts';

/** Requests in a range of a value, and those of them that missed the SLO, by kind of miss. */
export interface MissBin {
  /** Inclusive. */
  readonly from: number;
  /** Exclusive; infinite in the last bin of `far`. */
  readonly to: number;
  readonly requests: number;
  readonly missed: Readonly<Record<MissKind, number>>;
}

/** Neighbours in due time met the same load, so that what sets their outcomes apart is not the load. */
export interface LengthPairs {
  readonly from: number;
  readonly longer_missed: number;
  readonly shorter_missed: number;
}

export interface Misses {
  readonly requests: number;
  readonly missed: number;
  readonly kinds: Readonly<Record<MissKind, number>>;
  /** Answered misses by the phase that took most of their time. */
  readonly phases: Readonly<Record<MissPhase, number>>;
  /** By value / limit, of the limit exceeded most. Failed requests are in no bin. */
  readonly far: readonly MissBin[];
  /** By planned input tokens, in octaves. */
  readonly lengths: readonly MissBin[];
  /** Of pairs of neighbours in due time, one at or above the start of a bin of `lengths` and one below, of which one missed: how often it was which. */
  readonly length_pairs: readonly LengthPairs[];
  /** By due time, in seconds. */
  readonly times: readonly MissBin[];
}

const FAR_EDGES = [1, 1.1, 1.5, 2, 5, 10, Infinity] as const;
/** Round lengths of time, in seconds. Bins take the shortest that makes at most MAX_TIME_BINS of them. */
export const ROUND_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21_600, 86_400];
const MAX_TIME_BINS = 60;

/** Counts the requests that missed the SLO, by possible reasons. */
export class MissCollector {
  readonly #slo: Slo;
  readonly #kinds = noMisses();
  readonly #phases = noPhases();
  readonly #far = FAR_EDGES.slice(1).map(() => newCell());
  readonly #lengths = new Map<number, Cell>();
  readonly #dueUs = new Samples();
  /** Beside `#dueUs`, kinds of misses by their places in MISS_KINDS; behind those: it met the SLO. */
  readonly #kindOf = new Samples();
  /** Beside `#dueUs`, octaves of inputs; 0: not known. */
  readonly #octaveOf = new Samples();

  constructor(slo: Slo) {
    this.#slo = slo;
  }

  add(record: RequestRecord): void {
    const limits = limitsOf(this.#slo, record.slo_class);
    if (limits === null) return;
    const miss = missOf(record, limits);
    this.#dueUs.push(record.due_us);
    this.#kindOf.push(miss === null ? MISS_KINDS.length : MISS_KINDS.indexOf(miss.kind));
    const tokens = record.input_tokens_planned ?? record.input_tokens;
    const octave = tokens === null ? null : Math.max(MIN_OCTAVE, Math.floor(Math.log2(Math.max(1, tokens))));
    this.#octaveOf.push(octave ?? 0);
    if (octave !== null) {
      const cell = this.#lengths.get(octave) ?? newCell();
      this.#lengths.set(octave, cell);
      count(cell, miss?.kind ?? null);
    }
    if (miss === null) return;
    this.#kinds[miss.kind]++;
    if (miss.phase !== null) this.#phases[miss.phase]++;
    const far = this.#far[FAR_EDGES.findIndex((edge) => (miss.times_limit ?? 0) < edge) - 1];
    if (far !== undefined && miss.times_limit !== null) count(far, miss.kind);
  }

  result(): Misses {
    return {
      requests: this.#dueUs.length,
      missed: missedIn(this.#kinds),
      kinds: this.#kinds,
      phases: this.#phases,
      far: this.#far.map((cell, i) => ({ from: FAR_EDGES[i] ?? 0, to: FAR_EDGES[i + 1] ?? Infinity, ...cell })),
      lengths: [...this.#lengths]
        .sort(([a], [b]) => a - b)
        .map(([octave, cell]) => ({ from: startOf(octave), to: 2 ** (octave + 1), ...cell })),
      length_pairs: this.#lengthPairs(),
      times: this.#times(),
    };
  }

  #lengthPairs(): LengthPairs[] {
    const due = this.#dueUs.values();
    const order = ascendingOrder(due);
    const pairs = new Map<number, { longer_missed: number; shorter_missed: number }>();
    for (let i = 1; i < order.length; i++) {
      const both = [order[i - 1] ?? 0, order[i] ?? 0].map((at) => ({
        octave: this.#octaveOf.at(at),
        missed: this.#kindOf.at(at) < MISS_KINDS.length,
      }));
      const [short, long] = both.toSorted((a, b) => a.octave - b.octave);
      if (short === undefined || long === undefined || short.missed === long.missed) continue;
      if (short.octave === 0) continue;
      for (let octave = short.octave + 1; octave <= long.octave; octave++) {
        const pair = pairs.get(octave) ?? { longer_missed: 0, shorter_missed: 0 };
        pairs.set(octave, pair);
        pair[long.missed ? 'longer_missed' : 'shorter_missed']++;
      }
    }
    release(due, order);
    return [...pairs].sort(([a], [b]) => a - b).map(([octave, pair]) => ({ from: startOf(octave), ...pair }));
  }

  #times(): MissBin[] {
    const dueUs = this.#dueUs.values();
    const last = dueUs.reduce((high, due) => Math.max(high, due), 1);
    const widthS =
      ROUND_S.find((width) => last < width * 1e6 * MAX_TIME_BINS) ?? Math.ceil(last / 1e6 / (MAX_TIME_BINS - 1));
    const widthUs = Math.round(widthS * 1e6);
    const cells = Array.from({ length: Math.floor(last / widthUs) + 1 }, newCell);
    for (let i = 0; i < dueUs.length; i++) {
      const cell = cells[Math.floor((dueUs[i] ?? 0) / widthUs)];
      if (cell !== undefined) count(cell, MISS_KINDS[this.#kindOf.at(i)] ?? null);
    }
    release(dueUs);
    return cells.map((cell, i) => ({ from: (i * widthUs) / 1e6, to: ((i + 1) * widthUs) / 1e6, ...cell }));
  }
}

/** Prompts shorter than 2^6 tokens are one bin. */
const MIN_OCTAVE = 5;

/** The least number of tokens of an octave. */
function startOf(octave: number): number {
  return octave === MIN_OCTAVE ? 0 : 2 ** octave;
}

interface Cell {
  requests: number;
  readonly missed: Record<MissKind, number>;
}

export function missedIn(counts: Readonly<Record<MissKind, number>>): number {
  return MISS_KINDS.reduce((sum, kind) => sum + counts[kind], 0);
}

function newCell(): Cell {
  return { requests: 0, missed: noMisses() };
}

function noMisses(): Record<MissKind, number> {
  return { ttft: 0, tpot: 0, e2e: 0, itl: 0, several: 0, failed: 0 };
}

function noPhases(): Record<MissPhase, number> {
  return {
    held: 0,
    client: 0,
    prefill_call: 0,
    handover: 0,
    first_decode: 0,
    prefill_queue: 0,
    prefill: 0,
    transfer: 0,
    decode_queue: 0,
    decode: 0,
    unknown: 0,
  };
}

function count(cell: Cell, kind: MissKind | null): void {
  cell.requests++;
  if (kind !== null) cell.missed[kind]++;
}
