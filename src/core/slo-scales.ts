import { parseNumbers } from './number-list.ts';

const USUAL_STEP = 0.1;

/**
 * Reads the scales of `--slo-scales` (`0.5..2`, `0.5..2/0.25`, `0.5..4x2`, `0.8,1,1.2`): in ascending order, 1 always among
 * them. Throws a UserError that names the wrong part.
 */
export function parseSloScales(text: string): number[] {
  const scales = parseNumbers(text, '--slo-scales', USUAL_STEP);
  return [...new Set([...scales, 1])].toSorted((a, b) => a - b);
}
