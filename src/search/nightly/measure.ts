import type { Levels } from '../../compare/compare.ts';
import type { RunSpec } from '../../run/run-spec.ts';
import type { Comparison, FigureName } from '../../schema/comparison.ts';
import type { Measurement, Night, NightFigure } from '../../schema/history.ts';
import type { Manifest } from '../../schema/manifest.ts';

/** What a night measures, and how. A kind of it is a file: `of-run.ts`, `of-goodput.ts`; nothing else knows which it is. */
export interface Measure {
  readonly of: Measurement;
  /** The figures that it may have. */
  readonly names: readonly FigureName[];
  /** The run that is asked for; of a search, the trace at its own rate. */
  readonly spec: RunSpec;
  /** What an earlier night in `dir` was asked to do. Throws a UserError where that cannot be read. */
  readonly askedIn: (dir: string) => Manifest;
  /** Measures into a new folder. Throws a UserError where nothing was sent; whatever was sent is a night. */
  readonly make: (dir: string, startedAt: string) => Promise<Measured>;
}

/** What a night has measured. */
export interface Measured extends Pick<Night, 'run_id' | 'started_at' | 'target' | 'versions'> {
  /** Why it cannot be believed, or did not end; empty: it is valid. */
  readonly reasons: readonly string[];
  readonly figures: Figures;
  /**
   * Against an earlier night of the same, in `dir`; null: it has nothing to compare. Throws a UserError where the two
   * cannot be compared.
   */
  readonly compareWith: (earlier: EarlierNight, margin: number, levels: Levels | null) => Promise<Comparison | null>;
  /** What it has measured, as it is said where nothing is compared. No newline at the end. */
  readonly text: (color: boolean) => string;
  readonly markdown: () => string;
}

interface EarlierNight {
  /** What it is called. */
  readonly name: string;
  readonly dir: string;
}

/** Figures by their names; an infinite one is failed. */
export type Figures = ReadonlyMap<FigureName, Pick<NightFigure, 'range'> & { readonly value: number }>;
