export const SIDES = ['base', 'new'] as const;
export type Side = (typeof SIDES)[number];

/** One run of a comparison. */
export interface Place {
  readonly side: Side;
  /** From 1. */
  readonly repeat: number;
}

/**
 * A B B A A B B A: each repeat of the one beside that of the other, the first of them in turn, so that what drifts evenly
 * adds the same to both.
 */
export function abba(repeats: number): Place[] {
  return Array.from({ length: repeats }, (_, i): Place[] => {
    const pair: Place[] = SIDES.map((side) => ({ side, repeat: i + 1 }));
    return i % 2 === 0 ? pair : pair.toReversed();
  }).flat();
}
