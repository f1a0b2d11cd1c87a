import type { SurfacePoint } from './surface.ts';

/** A smaller batch contradicts a larger one if it took more than this many times as long. */
const CONTRADICTION = 2;

export interface Outlier<P> {
  readonly point: P;
  /** A point that it contradicts: the largest of the smaller ones, else the smallest of the larger. */
  readonly against: P;
}

/**
 * Two points contradict each other if the one with no more tokens and no more sequences took more than twice as long.
 * While there are contradictions, the point with most of them is an outlier (on a tie the larger one).
 */
export function splitOutliers<P extends SurfacePoint>(
  points: readonly P[],
): { readonly kept: readonly P[]; readonly outliers: readonly Outlier<P>[] } {
  const kept = [...points].sort((a, b) => a.tokens - b.tokens || a.sequences - b.sequences);
  const outliers: Outlier<P>[] = [];
  for (;;) {
    let worst: { at: number; count: number; against: P } | null = null;
    for (const [at, point] of kept.entries()) {
      const others = kept.filter((other) => contradicts(point, other) || contradicts(other, point));
      const against = others.findLast((other) => contradicts(other, point)) ?? others[0];
      if (against !== undefined && others.length >= (worst?.count ?? 1)) worst = { at, count: others.length, against };
    }
    if (worst === null) return { kept, outliers };
    outliers.push(...kept.splice(worst.at, 1).map((point) => ({ point, against: worst.against })));
  }
}

function contradicts(smaller: SurfacePoint, larger: SurfacePoint): boolean {
  return (
    smaller.tokens <= larger.tokens && smaller.sequences <= larger.sequences && smaller.ms > CONTRADICTION * larger.ms
  );
}
