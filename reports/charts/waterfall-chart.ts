import { RECORD_COLUMNS, type RequestRecord } from '../../src/core/record.ts';
import { formatMs, threeFigures, timeUnit, withThousands } from '../../src/core/units.ts';
import { e2eUs, hasKnownGaps, isAnswered } from '../../src/metrics/request-latency.ts';
import { type Span, SPAN_KINDS, type SpanKind, spansOf } from '../data/request-spans.ts';
import { countText } from '../../src/core/words.ts';
import { outcomeText, populationText } from '../format.ts';
import type { Chart, ChartDetail, Layers, Position } from './chart.ts';
import { PHASE_NAMES } from './miss-kinds.ts';
import { type RequestContext, requestWords } from './request-words.ts';
import { COLOURS } from './theme.ts';
import { TIME_TICKS } from './time-panel.ts';

export interface WaterfallData {
  readonly id: string;
  readonly title: string;
  /** How these requests were chosen. */
  readonly which: string;
  readonly requests: readonly RequestRecord[];
  readonly context: RequestContext;
}

const ROW_HEIGHT = 14;
const MAX_TICKS = 60;

/** Names of what a request's time goes to. */
export const SPAN_NAMES: Readonly<Record<SpanKind, string>> = {
  ...PHASE_NAMES,
  waiting: 'waiting',
  streaming: 'streaming',
};
const SPAN_COLOURS: Readonly<Record<SpanKind, string>> = {
  held: COLOURS.grid,
  client: COLOURS.bad,
  prefill_call: COLOURS.third,
  handover: COLOURS.muted,
  first_decode: COLOURS.second,
  prefill_queue: COLOURS.second,
  prefill: COLOURS.third,
  transfer: COLOURS.muted,
  decode_queue: COLOURS.second,
  decode: COLOURS.first,
  waiting: COLOURS.idle,
  streaming: COLOURS.fourth,
};

/** Single requests from due to end, a row each: their phases, and a tick for each token. */
export function waterfallChart({ id, title, which, requests, context }: WaterfallData): Chart {
  const rows = requests.map((record, i) => ({ record, row: i + 1, spans: spansOf(record) }));
  const failed = requests.filter((record) => !isAnswered(record)).length;
  const axis = axisOf(rows, context);
  const thinned = rows.some(({ record }) => record.token_times_us.length > MAX_TICKS);
  const isHeld = requests.some(({ held_us }) => held_us !== null && held_us > 0);
  const kinds = SPAN_KINDS.filter((kind) => rows.some(({ spans }) => spans.some((span) => span.kind === kind)));
  return {
    id,
    title,
    label: `${countText(requests.length, 'request')}, ${which}, from due to end. ${title}. The requests follow as text.`,
    note: `n = ${populationText(requests.length, 'request', failed)}: ${which}; from ${axis.from === 'due' ? 'the due time' : 'sending'}; a tick for each token${rows.every(({ record }) => hasKnownGaps(record)) ? '' : ', the first and the last where no others are known'}${thinned ? `, at most ${MAX_TICKS} a row` : ''}${isHeld ? '; held by the cap: waited for a place (--max-in-flight)' : ''}; click a row to read of it.`,
    spec: {
      width: 'container',
      height: ROW_HEIGHT * Math.max(1, rows.length),
      layer: [
        placeLayer(rows, axis),
        spanLayer(rows, kinds, axis),
        tickLayer(rows, axis),
        ...failureLayers(rows, axis),
      ],
    },
    table: {
      columns: ['row', 'request', 'outcome', ...kinds.map((kind) => `${SPAN_NAMES[kind]} (ms)`), 'tokens'],
      rows: rows.map(({ record, row, spans }) => [
        String(row),
        record.request_id,
        outcomeText(record.outcome),
        ...kinds.map((kind) => spanMs(spans, kind)),
        String(record.token_times_us.length),
      ]),
    },
    details: rows.map(({ record, row }) => detailOf(record, row, context)),
  };
}

interface Row {
  readonly record: RequestRecord;
  readonly row: number;
  readonly spans: readonly Span[];
}

const Y: Position = {
  field: 'row',
  type: 'ordinal',
  sort: null,
  scale: { paddingInner: 0.25 },
  axis: { title: 'row', grid: false },
};
/** In the unit of the longest row, with room for the outcome behind it. */
interface Axis {
  readonly unit: string;
  readonly unitS: number;
  /** What it counts from. */
  readonly from: 'due' | 'sent';
  /** Where the axis ends; null: where the data does. */
  readonly end: { readonly expr: string } | null;
}

/** Width of the longest outcome, in pixels. */
const OUTCOME_WIDTH = 100;

function axisOf(rows: readonly Row[], { starts }: RequestContext): Axis {
  const endS = Math.max(0, ...rows.flatMap(({ spans }) => spans.map(({ to_s }) => to_s)));
  const { unit, unitS } = timeUnit(endS);
  const failed = rows.some(({ record }) => !isAnswered(record));
  const end = failed && endS > 0 ? { expr: `${endS / unitS} * width / max(width - ${OUTCOME_WIDTH}, 1)` } : null;
  return { unit, unitS, end, from: starts === null || starts === 'due' ? 'due' : 'sent' };
}

function xOf({ unit, end, from }: Axis): Position {
  return {
    field: 'from',
    type: 'quantitative',
    scale: { zero: true, nice: false, ...(end === null ? {} : { domainMax: end }) },
    axis: { title: `time since ${from} (${unit})`, tickCount: TIME_TICKS },
  };
}

/** Invisible: it keeps the place of rows without a span, and gives the axis a length of a millisecond if no row has one. */
function placeLayer(rows: readonly Row[], axis: Axis): Layers[number] {
  const values = rows.map(({ row }) => ({ row, from: 0.001 / axis.unitS }));
  return { data: { values }, mark: { type: 'point', opacity: 0 }, encoding: { x: xOf(axis), y: Y } };
}

function spanLayer(rows: readonly Row[], kinds: readonly SpanKind[], axis: Axis): Layers[number] {
  const { unit, unitS } = axis;
  const values = rows.flatMap(({ record, row, spans }) =>
    spans.map(({ kind, from_s, to_s }) => ({
      row,
      from: from_s / unitS,
      to: to_s / unitS,
      kind: SPAN_NAMES[kind],
      text: `${row}: ${record.request_id}: ${SPAN_NAMES[kind]} ${threeFigures((to_s - from_s) / unitS)} ${unit}, from ${threeFigures(from_s / unitS)} ${unit}`,
    })),
  );
  return {
    data: { values },
    mark: { type: 'bar', cursor: 'pointer' },
    encoding: {
      x: xOf(axis),
      x2: { field: 'to' },
      y: Y,
      color: {
        field: 'kind',
        type: 'nominal',
        scale: { domain: kinds.map((kind) => SPAN_NAMES[kind]), range: kinds.map((kind) => SPAN_COLOURS[kind]) },
      },
      tooltip: { field: 'text', type: 'nominal' },
    },
  };
}

/** Every k-th token and the last, so that no row has more than MAX_TICKS. */
function tickLayer(rows: readonly Row[], axis: Axis): Layers[number] {
  const values = rows.flatMap(({ record, row }) => {
    const times = record.token_times_us;
    const step = Math.max(1, Math.ceil(times.length / MAX_TICKS));
    const shown = hasKnownGaps(record)
      ? [...times].filter((_, i) => (times.length - 1 - i) % step === 0)
      : [times[0] ?? 0, times.at(-1) ?? 0];
    return shown.map((us) => ({ row, from: us / 1e6 / axis.unitS }));
  });
  return {
    data: { values },
    mark: { type: 'tick', color: COLOURS.ink, opacity: 0.55, thickness: 1, size: 7 },
    encoding: { x: xOf(axis), y: Y },
  };
}

/** A cross and the outcome behind the row of a failed request. */
function failureLayers(rows: readonly Row[], axis: Axis): Layers {
  const values = rows
    .filter(({ record }) => !isAnswered(record))
    .map(({ record, row, spans }) => ({
      row,
      from: (spans.at(-1)?.to_s ?? 0) / axis.unitS,
      text: `✗ ${outcomeText(record.outcome)}`,
    }));
  if (values.length === 0) return [];
  return [
    {
      data: { values },
      mark: { type: 'text', align: 'left', dx: 4, color: COLOURS.badText, cursor: 'pointer' },
      encoding: { x: xOf(axis), y: Y, text: { field: 'text', type: 'nominal' } },
    },
  ];
}

function spanMs(spans: readonly Span[], kind: SpanKind): string {
  const span = spans.find((each) => each.kind === kind);
  return span === undefined ? '-' : ((span.to_s - span.from_s) * 1000).toFixed(1);
}

/** The fields are as in the Parquet file, the token times shortened. */
function detailOf(record: RequestRecord, row: number, context: RequestContext): ChartDetail {
  const e2e = isAnswered(record) ? `E2E ${formatMs(e2eUs(record) / 1000)}` : outcomeText(record.outcome);
  const fields = Object.entries(record).flatMap(([name, value]): [string, string][] =>
    name in RECORD_COLUMNS && name !== 'token_times_us' ? [[name, value === null ? '-' : String(value)]] : [],
  );
  const times = record.token_times_us;
  const ends =
    times.length === 0 ? '' : `, from ${withThousands(times[0] ?? 0)} to ${withThousands(times.at(-1) ?? 0)}`;
  return {
    row,
    request_id: record.request_id,
    title: `${row}: ${record.request_id}, ${e2e}, ${withThousands(record.input_tokens_planned ?? 0)} tokens in, ${withThousands(times.length)} out`,
    words: requestWords(record, context),
    fields: [...fields, ['token_times_us', `${countText(times.length, 'time')}${ends}`]],
  };
}
