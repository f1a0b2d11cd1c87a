import { didYouMean } from './did-you-mean.ts';
import { UserError } from './errors.ts';
import { readCondition, type GateVerdict } from './gate.ts';

/** A condition on what a search found. */
export interface GoodputGate {
  readonly text: string;
  readonly leastRps: number;
}

const EXAMPLE = '"goodput>=4rps"';

/** Reads `goodput>=4rps`. Throws a UserError for any other text. */
export function parseGoodputGate(given: string): GoodputGate {
  const { text, name, operator, value, unit } = readCondition(given, EXAMPLE);
  if (name !== 'goodput')
    throw new UserError(`--gate: "${name}" is not judged here; write e.g. ${EXAMPLE}${didYouMean(name, ['goodput'])}`);
  if (operator !== '>=') throw new UserError(`--gate: "${given}": goodput is gated by >=, e.g. ${EXAMPLE}`);
  if (unit !== 'rps' || Number(value) === 0)
    throw new UserError(`--gate: "${given}": expected requests a second, above 0, e.g. ${EXAMPLE}`);
  return { text, leastRps: Number(value) };
}

/** The goodput is at least `low`, and under `high`, a rate that missed; null where an end is not known. */
export function judgeGoodputGate({ leastRps }: GoodputGate, low: number | null, high: number | null): GateVerdict {
  if (low !== null && low >= leastRps) return 'held';
  return high !== null && high <= leastRps ? 'missed' : 'undecided';
}
