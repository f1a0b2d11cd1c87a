import { randomStream, uniform } from '../../core/random.ts';
import type { Lengths } from '../goodput/load.ts';

/**
 * Lengths in tokens as far as they are published: by quantiles, between which they lie on straight lines. With a `mean`,
 * the lowest length is whatever makes the mean right; without one the first of the quantiles is that of share 0.
 */
export interface LengthLaw {
  readonly mean: number | null;
  /** `[share of the requests, tokens]`, both ascending, the last with share 1. */
  readonly quantiles: readonly (readonly [share: number, tokens: number])[];
}

/** Requests of one kind or several. */
export interface Workload {
  readonly name: string;
  /** Where the lengths come from, and what of them is reconstructed. */
  readonly how: string;
  readonly kinds: readonly { readonly share: number; readonly input: LengthLaw; readonly output: LengthLaw }[];
  /** Prompt and output together at most: outputs are cut. */
  readonly longestTokens: number | null;
}

/** Every request has this length. */
export function always(tokens: number): LengthLaw {
  return {
    mean: null,
    quantiles: [
      [0, tokens],
      [1, tokens],
    ],
  };
}

/** All quantiles of a law, that of share 0 included. The area under the line from share 0 on is the mean. */
export function wholeLaw({ mean, quantiles }: LengthLaw): readonly (readonly [share: number, tokens: number])[] {
  const [first] = quantiles;
  if (mean === null || first === undefined) return quantiles;
  let beyond = 0;
  for (const [i, [share, tokens]] of quantiles.slice(1).entries()) {
    const [from, before] = quantiles[i] ?? first;
    beyond += ((share - from) * (before + tokens)) / 2;
  }
  return [[0, (2 * (mean - beyond)) / first[0] - first[1]], ...quantiles];
}

/** The length in tokens below which a share of the requests lies, by all quantiles of a law: at least 1. */
export function lengthAt(whole: ReturnType<typeof wholeLaw>, share: number): number {
  const at = Math.max(
    1,
    whole.findIndex(([to]) => share <= to),
  );
  const [from, before] = whole[at - 1] ?? [0, 1];
  const [to, tokens] = whole[at] ?? [1, before];
  return Math.max(1, Math.round(before + ((tokens - before) * (share - from)) / (to - from)));
}

/** So many requests hold the law to a fraction of a token; requests of a simulation are drawn from them. */
const POPULATION = 2000;

/** Requests whose lengths are spread evenly over their laws, inputs and outputs independent of each other. */
export function population({ kinds, longestTokens }: Workload): Lengths {
  const rows = { inputTokens: new Array<number>(), outputTokens: new Array<number>() };
  for (const [kind, { share, input, output }] of kinds.entries()) {
    const count = Math.round(POPULATION * share);
    const order = shuffled(count, kind);
    const [inputs, outputs] = [wholeLaw(input), wholeLaw(output)];
    for (let i = 0; i < count; i++) {
      const inputTokens = lengthAt(inputs, (i + 0.5) / count);
      const outputTokens = lengthAt(outputs, ((order[i] ?? 0) + 0.5) / count);
      rows.inputTokens.push(inputTokens);
      rows.outputTokens.push(
        longestTokens === null ? outputTokens : Math.max(1, Math.min(outputTokens, longestTokens - inputTokens)),
      );
    }
  }
  return rows;
}

/** 0 to count - 1 in a random order that is always the same. */
function shuffled(count: number, kind: number): number[] {
  const random = randomStream(1, 'lengths', kind);
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = Math.floor(uniform(random) * (i + 1));
    [order[i], order[other]] = [order[other] ?? 0, order[i] ?? 0];
  }
  return order;
}
