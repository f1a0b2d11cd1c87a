import { letterOf } from '../goodputs-table.ts';
import { COLOURS } from './theme.ts';

/** How a target is drawn in every chart of its page, by its place; `glyph` is the same shape as text. */
const SHAPES = [
  { shape: 'circle', glyph: '●' },
  { shape: 'square', glyph: '■' },
  { shape: 'triangle-up', glyph: '▲' },
  { shape: 'diamond', glyph: '◆' },
  { shape: 'triangle-down', glyph: '▼' },
] as const;
const SERIES = [COLOURS.first, COLOURS.second, COLOURS.third, COLOURS.fourth] as const;

export interface TargetMark {
  readonly letter: string;
  readonly color: string;
  readonly shape: string;
  readonly glyph: string;
}

export function markOf(index: number): TargetMark {
  const { shape, glyph } = SHAPES[index % SHAPES.length] ?? SHAPES[0];
  return { letter: letterOf(index), color: SERIES[index % SERIES.length] ?? COLOURS.first, shape, glyph };
}
