import { fitQuality, judged, type FitFigure } from '../../workloads/synthesis/fit-quality.ts';
import { asLongAs, type Fit } from '../../workloads/synthesis/fit.ts';

/** Each figure as the mean over seeds from 1 on, judged as one is. */
export function meanFitQuality(fit: Fit, seeds: number): FitFigure[] {
  const each = Array.from({ length: seeds }, (_, i) => fitQuality(fit.requests, asLongAs(fit, i + 1), fit.blockTokens));
  return (each[0] ?? []).map((figure, i) => {
    const made = each.map((one) => one[i]?.made ?? null).filter((value) => value !== null);
    return judged({
      ...figure,
      made: made.length === 0 ? null : made.reduce((sum, one) => sum + one, 0) / made.length,
    });
  });
}
