import type { Answer } from './answer.ts';
import type { Percentiles } from './distribution.ts';

/** What is known of a run besides its records. */
export interface PeerContext {
  /** Chat completions: the server sends a chunk with the role ahead of the first token, which no record keeps. */
  readonly isChat: boolean;
  /** In virtual time there are no reads, connections or texts. */
  readonly isVirtual: boolean;
  /** How long the run took, where it is not known when its requests were sent; null: their times tell. */
  readonly durationS: number | null;
}

/** Latencies of one request in microseconds; null where the tool has none. */
export interface PeerLatencies {
  readonly ttftUs: number | null;
  readonly tpotUs: number | null;
  readonly e2eUs: number | null;
}

/**
 * How another tool computes its figures (`peers.md`, section 4), as functions of our records. Requests that failed are in
 * none of its latencies.
 */
export interface Peer {
  readonly key: string;
  /** As a heading. */
  readonly name: string;
  readonly percentiles: Percentiles;
  latencies(answer: Answer): PeerLatencies;
  /** What its ITL is: the gaps between tokens, or between chunks, or a mean of each answer. */
  readonly itlOf: 'gaps' | 'answers';
  /** Pushes each ITL of a request, with its weight where that is not 1. */
  itls(answer: Answer, context: PeerContext, push: (us: number, weight?: number) => void): void;
  /** Of which chunks its ITL are the gaps; null where it does not depend on what came in one chunk. */
  readonly chunks: 'of tokens' | 'of the role too' | null;
  /** Weight of a request in the statistics of TPOT, where it is not 1. */
  tpotWeight?(answer: Answer): number;
  /** What it holds against the limit of TPOT, where that is not what it calls TPOT. */
  judgedTpotUs?(answer: Answer): number | null;
  readonly goodput: {
    /** What a request is whose latency does not exist, such as TPOT of one token. */
    readonly missing: 'met' | 'missed' | 'left out';
    /** Whose time the good requests are divided by: from the first start to the last end of all requests, or of answered ones. */
    readonly duration: 'all' | 'answered';
    /** Of which requests it states the share that is good; null where it states none. */
    readonly shareOf: 'all' | 'answered' | null;
  };
  /** How its figures differ from ours, and what our records cannot tell, each a sentence. */
  notes(context: PeerContext): readonly string[];
}

/** Mean gap between tokens, from the first token to `untilUs`; null with one token. */
export function meanGapUs(firstUs: number, untilUs: number, tokens: number): number | null {
  return tokens < 2 ? null : (untilUs - firstUs) / (tokens - 1);
}

/** The gap before each chunk but the first. */
export function chunkGaps({ chunks: { timesUs } }: Pick<Answer, 'chunks'>, push: (us: number) => void): void {
  for (let i = 1; i < timesUs.length; i++) push((timesUs[i] ?? 0) - (timesUs[i - 1] ?? 0));
}
