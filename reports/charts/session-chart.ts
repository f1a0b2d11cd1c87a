import { timeUnit, threeFigures, withThousands } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import { visibleLine } from '../../src/core/visible-text.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { MAX_TURNS, type SampledSession, type SampledTurn } from '../data/session-sample.ts';
import { outcomeText } from '../format.ts';
import { sessionsText } from '../session-words.ts';
import type { Chart, Position } from './chart.ts';
import { COLOURS } from './theme.ts';
import { TIME_TICKS } from './time-panel.ts';

const ROW_HEIGHT = 14;
const KINDS = ['not sent yet', 'until the first token', 'decode', 'failed'] as const;
type Kind = (typeof KINDS)[number];
const KIND_COLOURS: Readonly<Record<Kind, string>> = {
  'not sent yet': COLOURS.idle,
  'until the first token': COLOURS.second,
  decode: COLOURS.first,
  failed: COLOURS.bad,
};

/** Sessions, a row each: their turns as bars, what they wait for between them as gaps. */
export function sessionChart(summary: Pick<Summary, 'sessions'>, sessions: readonly SampledSession[]): Chart {
  const rows = sessions.map((session, i) => ({ session, row: i + 1 }));
  const endS = Math.max(0, ...sessions.flatMap(({ turns }) => turns.map(({ end_s }) => end_s)));
  const { unit, unitS } = timeUnit(endS);
  const title = sessionsText(summary) ?? 'Sessions';
  const isCut = sessions.some(({ sent }) => sent > MAX_TURNS);
  const values = rows.flatMap(({ session, row }) =>
    session.turns.flatMap((turn) =>
      spansOf(turn).map(({ kind, from, to }) => ({
        row,
        from: from / unitS,
        to: to / unitS,
        kind,
        text: `${row}: ${visibleLine(session.id)}, turn ${turn.turn}: ${kind} ${threeFigures((to - from) / unitS)} ${unit}, from ${threeFigures(from / unitS)} ${unit}`,
      })),
    ),
  );
  const kinds = KINDS.filter((kind) => values.some((value) => value.kind === kind));
  const x: Position = {
    field: 'from',
    type: 'quantitative',
    scale: { zero: true, nice: false },
    axis: { title: `time since the session began (${unit})`, tickCount: TIME_TICKS },
  };
  const failed = sessions.filter(({ why }) => why === 'failed').length;
  return {
    id: 'sessions-shown',
    title: `${title.charAt(0).toUpperCase()}${title.slice(1)}`,
    label: `${countText(sessions.length, 'session')} from their first due time to their end, ${withThousands(failed)} of them failed. ${title}. The sessions follow as a table.`,
    note: `n = ${countText(sessions.length, 'session')}: some that failed, those that waited longest for answers, and those that took longest. A bar is a turn; gaps are think or tool time${isCut ? `; the first ${MAX_TURNS} turns are drawn` : ''}.`,
    spec: {
      width: 'container',
      height: ROW_HEIGHT * Math.max(1, rows.length),
      data: { values },
      mark: { type: 'bar' },
      encoding: {
        x,
        x2: { field: 'to' },
        y: {
          field: 'row',
          type: 'ordinal',
          sort: null,
          // One of which no turn was sent has a row without bars.
          scale: { paddingInner: 0.25, domain: rows.map(({ row }) => row) },
          axis: { title: 'row', grid: false },
        },
        color: {
          field: 'kind',
          type: 'nominal',
          scale: { domain: kinds, range: kinds.map((kind) => KIND_COLOURS[kind]) },
        },
        tooltip: { field: 'text', type: 'nominal' },
      },
    },
    table: {
      columns: ['row', 'session', 'shown as', 'turns sent', 'not sent', 'length (s)', 'in turns (s)', 'outcome'],
      rows: rows.map(({ session, row }) => tableRow(session, row)),
    },
  };
}

interface TurnSpan {
  readonly kind: Kind;
  readonly from: number;
  readonly to: number;
}

function spansOf({ due_s, sent_s, first_token_s, end_s, outcome }: SampledTurn): TurnSpan[] {
  const spans: TurnSpan[] = [
    { kind: 'not sent yet', from: due_s, to: sent_s },
    ...(outcome === 'ok' && first_token_s !== null
      ? ([
          { kind: 'until the first token', from: sent_s, to: first_token_s },
          { kind: 'decode', from: first_token_s, to: end_s },
        ] as const)
      : ([{ kind: 'failed', from: sent_s, to: end_s }] as const)),
  ];
  return spans.filter(({ from, to }) => to > from);
}

function tableRow({ id, why, sent, unsent, length_s, in_turns_s, failed }: SampledSession, row: number): string[] {
  return [
    String(row),
    id,
    why,
    withThousands(sent),
    withThousands(unsent),
    length_s.toFixed(3),
    in_turns_s.toFixed(3),
    failed === null ? 'ok' : `turn ${failed.turn}: ${outcomeText(failed.outcome)}`,
  ];
}
