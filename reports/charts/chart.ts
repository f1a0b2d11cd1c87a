import type { TopLevelSpec } from 'vega-lite';

/** A chart with its texts and its table. Builders are pure functions from data to this. */
export interface Chart {
  /** Unique within a report: letters and hyphens. */
  readonly id: string;
  /** What is to be seen in the chart, as a sentence where the data supports one. */
  readonly title: string;
  /** The chart in a sentence, for readers who do not see it. */
  readonly label: string;
  /** Under the chart: n, and how to read it. */
  readonly note: string;
  readonly spec: TopLevelSpec;
  /** The data drawn, with units in the column heads. */
  readonly table: Table;
  /** Records behind single rows: a click on a mark whose datum has this `row` opens one. */
  readonly details?: readonly ChartDetail[];
}

/** A chart of a run that is drawn if there is enough data for it to say something. */
export interface Candidate {
  /** What is plotted, in the line that says why it is left out: `TTFT`. */
  readonly name: string;
  /** How much data it has, of what, and the least that makes a chart. */
  readonly n: number;
  readonly noun: string;
  /** Said behind them: `in a window`. */
  readonly per?: string;
  readonly least: number;
  readonly draw: () => Chart;
}

export function isEnough({ n, least }: Pick<Candidate, 'n' | 'least'>): boolean {
  return n >= least;
}

/** Charts under one heading of a page. Without a chart and a lead the page leaves the section out. */
export interface ChartSection {
  /** Unique within a report, and different from every chart's: letters and hyphens. */
  readonly id: string;
  readonly heading: string;
  /** In the page's contents, where the heading is long. */
  readonly name?: string;
  /** Charts under one another, two or three beside each other where the page is wide enough, or low panels close together. */
  readonly layout: 'column' | 'pairs' | 'triples' | 'panels';
  /** A sentence above the charts, or in place of them. */
  readonly lead?: string | null;
  /** How to use the charts on a screen; left out on paper. */
  readonly hint?: string;
  readonly charts: readonly Chart[];
  /** Which charts are left out for want of data. */
  readonly left_out?: string | null;
}

/** A record behind a row: what it says in words, and its fields as they are stored. */
export interface ChartDetail {
  readonly row: number;
  /** Its place in the page goes by it. */
  readonly request_id: string;
  readonly title: string;
  readonly words: readonly string[];
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** The layers of a spec, and how a layer places its marks along x or y and colours them. */
export type Layers = Extract<TopLevelSpec, { layer: unknown }>['layer'];
type Encoding = NonNullable<Extract<Layers[number], { mark: unknown }>['encoding']>;
export type Position = NonNullable<Encoding['x']>;
export type Color = NonNullable<Encoding['color']>;

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}
