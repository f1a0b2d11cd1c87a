import { latenessUs, type RequestRecord } from '../../src/core/record.ts';
import { requestIdHeader } from '../../src/core/request-id.ts';
import { limitsOf, type Slo, SLO_METRICS } from '../../src/core/slo.ts';
import { formatMs, withThousands } from '../../src/core/units.ts';
import { listText } from '../../src/core/words.ts';
import { meets } from '../../src/metrics/judge.ts';
import { e2eUs, isAnswered, tpotUs, ttftUs } from '../../src/metrics/request-latency.ts';
import type { Comparison } from '../../src/schema/comparison.ts';
import { SIDES } from '../charts/comparison-ecdf-chart.ts';
import { gotText, longestGapUs } from '../charts/request-words.ts';
import { SPAN_NAMES } from '../charts/waterfall-chart.ts';
import { signed } from '../comparison-words.ts';
import type { ComparisonData, FirstRun, RecordPair } from '../data/comparison-data.ts';
import { SPAN_KINDS, type SpanKind, spansOf } from '../data/request-spans.ts';
import { METRIC_NAMES } from '../definitions.ts';
import { durationTexts, outcomeText, secondsText } from '../format.ts';
import { html, link, type Markup, section, type Section } from './markup.ts';
import { requestAnchor } from './request-anchor.ts';
import { wideTable } from './table.ts';

/** Letters from which on a cell has several lines. */
const LONG = 40;

type Changed = Comparison['most_changed'][number];
type Data = Pick<ComparisonData, 'most_changed' | 'first_runs' | 'reports'>;

/** The requests that changed most, and under the table the two records of each side by side; null where none changed. */
export function changedRequests(comparison: Comparison, data: Data): Section | null {
  const { most_changed: changed } = comparison;
  if (changed.length === 0) return null;
  const reports = SIDES.map((side) => link(data.reports[side][0] ?? null, side));
  const pairs = changed.flatMap((change, i) => {
    const pair = data.most_changed[i];
    return pair === undefined ? [] : [{ change, pair }];
  });
  return section(
    { id: 'most-changed', heading: 'Requests that changed most', name: 'Most changed' },
    html`<p class="lead">
        By the ratio of the latency that changed most, in the first run of ${reports[0] ?? ''} and of
        ${reports[1] ?? ''}. A request leads to its two records.
      </p>
      ${changedTable(pairs, data)}
      <div class="records">
        ${pairs.map(
          ({ change, pair }) =>
            html`<details id="${requestAnchor(change.request_id)}">
              <summary>${change.request_id}: ${changeText(change)}</summary>
              ${recordsTable(comparison, pair, data)}
            </details>`,
        )}
      </div>`,
  );
}

interface Shown {
  readonly change: Changed;
  readonly pair: RecordPair;
}

function changedTable(pairs: readonly Shown[], { first_runs: { base } }: Data): Markup {
  const hasDue = base.starts !== 'unknown';
  return wideTable(
    'Requests that changed most',
    ['request', 'metric', 'base', 'new', 'change', ...(hasDue ? ['due'] : []), 'input tokens', 'output tokens'],
    pairs.map(({ change: { request_id, metric, base_ms, new_ms }, pair: { base: record } }) => [
      link(`#${requestAnchor(request_id)}`, request_id),
      METRIC_NAMES[metric],
      base_ms === null ? 'fails' : formatMs(base_ms),
      new_ms === null ? 'fails' : formatMs(new_ms),
      base_ms === null || new_ms === null ? '-' : signed(new_ms / base_ms - 1),
      ...(hasDue ? [secondsText(record.due_us / 1e6)] : []),
      tokensCell(record.input_tokens_planned, record.input_tokens),
      tokensCell(record.output_tokens_planned, record.output_tokens),
    ]),
  );
}

/** `TTFT 12.3 ms to 45.1 ms (+268.4 %)`. */
function changeText({ metric, base_ms, new_ms }: Changed): string {
  if (base_ms === null || new_ms === null) return `fails in ${base_ms === null ? 'base' : 'new'} alone`;
  return `${METRIC_NAMES[metric]} ${durationTexts([base_ms, new_ms]).join(' to ')} (${signed(new_ms / base_ms - 1)})`;
}

type Row = readonly (string | Markup)[];

/** Two records of one request field by field; a field that neither has is left out. What the client took is said with the sending. */
function recordsTable({ slo }: Comparison, pair: RecordPair, { first_runs, reports }: Data): Markup {
  const { request_id } = pair.base;
  const texts = (name: string, textOf: (record: RequestRecord, run: FirstRun) => string | null): Row[] => {
    const cells = SIDES.map((side) => textOf(pair[side], first_runs[side]));
    return cells.every((cell) => cell === null) ? [] : [[name, ...cells.map((cell) => cell ?? '-'), '']];
  };
  const times = (name: string, usOf: (record: RequestRecord) => number | null): Row[] =>
    timeRows(name, [usOf(pair.base), usOf(pair.new)]);
  const ofAnswer = (usOf: (record: RequestRecord) => number | null) => (record: RequestRecord) =>
    isAnswered(record) ? usOf(record) : null;
  const inReport = SIDES.map((side) => {
    const report = first_runs[side].in_report.has(request_id) ? (reports[side][0] ?? null) : null;
    return report === null ? '-' : link(`${report}#${requestAnchor(request_id)}`, `${request_id} of ${side}`);
  });
  const rows: Row[] = [
    ...texts('outcome', outcomeCell),
    ...texts('error', ({ error }) => error),
    ...(slo === null ? [] : texts('SLO', (record) => sloCell(record, slo.limits_ms))),
    ...texts('due, from the start', ({ due_us }, { starts }) => (isDue(starts) ? momentText(due_us) : null)),
    ...texts('sent', sentCell),
    ...texts('client stood still', ({ client_stalled }) => (client_stalled === true ? 'meanwhile' : null)),
    ...times('TTFT', ofAnswer(ttftUs)),
    ...times('TPOT', ofAnswer(tpotUs)),
    ...times('E2E', ofAnswer(e2eUs)),
    ...times('longest token gap', longestGapUs),
    ...SPAN_KINDS.filter((kind) => kind !== 'client').flatMap((kind) =>
      times(SPAN_NAMES[kind], (record) => spanUs(record, kind)),
    ),
    ...texts('input tokens', (record) => gotText(record.input_tokens, record.input_tokens_planned)),
    ...texts('cached of these', ({ cached_tokens }) => (cached_tokens === null ? null : withThousands(cached_tokens))),
    ...texts('output tokens', (record) => gotText(record.token_times_us.length, record.output_tokens_planned)),
    ...texts('finish reason', ({ finish_reason }) => finish_reason),
    ...texts('X-Request-Id', (_, { id_prefix }) =>
      id_prefix === null ? null : requestIdHeader(id_prefix, request_id),
    ),
    ...(inReport.every((cell) => cell === '-') ? [] : [["in the run's report", ...inReport, '']]),
  ];
  return wideTable(`The records of ${request_id}`, ['', 'base', 'new', 'change'], rows, (cell) =>
    typeof cell === 'string' && cell.length > LONG ? 'message' : '',
  );
}

/** Both in one unit, in microseconds; none where neither is known. */
function timeRows(name: string, [base, now]: readonly [number | null, number | null]): Row[] {
  if (base === null && now === null) return [];
  const texts = durationTexts([base, now].filter((us) => us !== null).map((us) => us / 1000));
  const cells = [base, now].map((us) => (us === null ? '-' : (texts.shift() ?? '-')));
  return [[name, ...cells, base === null || now === null || base <= 0 ? '' : signed(now / base - 1)]];
}

function spanUs(record: RequestRecord, kind: SpanKind): number | null {
  const span = spansOf(record).find((each) => each.kind === kind);
  return span === undefined ? null : (span.to_s - span.from_s) * 1e6;
}

function momentText(us: number): string {
  return `${withThousands((us / 1e6).toFixed(3))} s`;
}

function isDue(starts: FirstRun['starts']): boolean {
  return starts === null || starts === 'due';
}

/** Null where it is not known. */
function sentCell(record: RequestRecord, { starts }: FirstRun): string | null {
  if (starts === 'unknown') return null;
  if (record.sent_us === null) return 'never';
  if (starts === 'sent') return `${momentText(record.sent_us)} from the start`;
  const late = latenessUs(record) ?? 0;
  return late === 0 ? 'when it was due' : `${formatMs(late / 1000)} late`;
}

function outcomeCell({ outcome, http_status }: RequestRecord): string {
  return `${outcomeText(outcome)}${http_status === null || http_status === 200 ? '' : ` (HTTP ${http_status})`}`;
}

function sloCell(record: RequestRecord, slo: Slo): string {
  const limits = limitsOf(slo, record.slo_class);
  if (limits === null) return 'not judged';
  const missed = SLO_METRICS.filter((metric) => {
    const limitMs = limits[metric];
    return limitMs !== undefined && !meets(record, metric, limitMs);
  });
  return missed.length === 0 ? 'met' : `missed ${listText(missed.map((metric) => METRIC_NAMES[metric]))}`;
}

/** As planned, else as counted. */
function tokensCell(planned: number | null, got: number | null): string {
  const tokens = planned ?? got;
  return tokens === null ? '-' : withThousands(tokens);
}
