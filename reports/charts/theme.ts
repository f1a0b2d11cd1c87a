import type { Config } from 'vega-lite';

/**
 * Colours are CSS variables, so that one drawing serves light, dark and print. The series are Okabe and Ito's
 * colour-blind safe palette in a fixed order; `slo` is for the SLO line alone, `bad` for failures alone (`badText` for
 * text, which needs more contrast), `idle` for waiting that no phase accounts for.
 */
export const COLOURS = {
  ink: 'var(--ink)',
  muted: 'var(--muted)',
  grid: 'var(--grid)',
  paper: 'var(--paper)',
  first: 'var(--series-1)',
  second: 'var(--series-2)',
  third: 'var(--series-3)',
  fourth: 'var(--series-4)',
  slo: 'var(--slo)',
  bad: 'var(--bad)',
  badText: 'var(--missed)',
  goodText: 'var(--met)',
  idle: 'var(--idle)',
} as const;

/** Of marks that are a verdict, by its tone: always with a glyph or a word. */
export const TONE_COLOURS = {
  met: 'var(--met)',
  missed: 'var(--missed)',
  unsure: 'var(--unsure)',
  none: 'var(--muted)',
} as const;

/** The values of the CSS variables in the light and the dark setting. */
export const PALETTES = {
  light: {
    ink: '#1b1f24',
    muted: '#59626d',
    grid: '#e3e6ea',
    paper: '#ffffff',
    'series-1': '#0072b2',
    'series-2': '#e69f00',
    'series-3': '#009e73',
    'series-4': '#56b4e9',
    slo: '#cc79a7',
    bad: '#d55e00',
    idle: '#929ba6',
    met: '#00694d',
    missed: '#a84400',
    unsure: '#7a5600',
  },
  dark: {
    ink: '#e8ebef',
    muted: '#a3adb8',
    grid: '#30363d',
    paper: '#14171b',
    'series-1': '#56b4e9',
    'series-2': '#e69f00',
    'series-3': '#2bbf94',
    'series-4': '#2e86c1',
    slo: '#e09cc4',
    bad: '#f0803c',
    idle: '#667080',
    met: '#3ecf9f',
    missed: '#ff9a5c',
    unsure: '#f0c04a',
  },
} as const;

/** The SLO is always this line, in every chart of every report. */
export const SLO_LINE = { type: 'rule' as const, strokeDash: [6, 4], strokeWidth: 2, color: COLOURS.slo };

export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';

/** Wide enough for the widest label of any y axis, so that plots under one another share their x. */
const Y_AXIS_WIDTH = 46;

const RIGHT_PADDING = 8;
/** What a chart is wider than its plot, at least. */
export const BESIDE_PLOT = Y_AXIS_WIDTH + RIGHT_PADDING;

/** Labels of an axis of shares, written as in the text. A Vega expression. */
export const SHARE_LABEL = "format(datum.value * 100, '~r') + ' %'";

export const THEME: Config = {
  background: 'transparent',
  font: FONT,
  padding: { left: 0, right: RIGHT_PADDING, top: 4, bottom: 4 },
  autosize: { type: 'fit-x', contains: 'padding' },
  view: { stroke: null },
  axis: {
    labelColor: COLOURS.muted,
    titleColor: COLOURS.muted,
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    gridColor: COLOURS.grid,
    domainColor: COLOURS.muted,
    tickColor: COLOURS.muted,
    labelOverlap: 'greedy',
  },
  // A label that would reach beyond the padding is dropped rather than cut off.
  axisX: { grid: false, titleAnchor: 'end', titlePadding: 6, labelSeparation: 6, labelBound: 8 },
  axisY: {
    domain: false,
    ticks: false,
    labelPadding: 6,
    titleAngle: 0,
    titleAlign: 'left',
    titleAnchor: 'end',
    titleX: -Y_AXIS_WIDTH,
    titleY: -12,
    minExtent: Y_AXIS_WIDTH,
    maxExtent: Y_AXIS_WIDTH,
  },
  // A halo in the paper's colour; the style sheet paints it under the letters.
  text: { color: COLOURS.ink, fontSize: 12, stroke: COLOURS.paper, strokeWidth: 6, strokeJoin: 'round' },
  line: { strokeJoin: 'round' },
  legend: {
    orient: 'top',
    offset: 30,
    direction: 'horizontal',
    title: null,
    labelColor: COLOURS.ink,
    labelFontSize: 12,
    symbolType: 'square',
    symbolOpacity: 1,
    // A phone has no room for more in a row.
    columns: 3,
  },
};
