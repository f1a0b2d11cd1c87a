import { timeUnit, threeFigures, withThousands } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import { visibleLine } from '../../src/core/visible-text.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { MAX_TURNS, type SampledSession, type SampledTurn } from '../data/session-sample.ts';
import { outcomeText } from '../format.ts';
import { sessionsText } from '../session-words.ts';
import type { Chart, Layers, Position } from './chart.ts';
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
  const failures = rows.flatMap(({ session, row }) => failuresOf(session, row, unitS));
  const x: Position = {
    field: 'from',
    type: 'quantitative',
    // What stands behind the last turn has to have room.
    scale: { zero: true, nice: false, domain: [0, endS === 0 ? 1 : (endS / unitS) * (failures.length > 0 ? 1.03 : 1)] },
    axis: { title: `time since the session began (${unit})`, tickCount: TIME_TICKS },
  };
  const failed = sessions.filter(({ why }) => why === 'failed').length;
  const which =
    summary.sessions?.scheduled === sessions.length
      ? `all${failed > 0 ? ', failed ones first' : ''}`
      : `${failed > 0 ? 'some that failed, ' : ''}those that waited longest for answers, and those that took longest`;
  return {
    id: 'sessions-shown',
    title: `${title.charAt(0).toUpperCase()}${title.slice(1)}`,
    label: `${countText(sessions.length, 'session')} from their first due time to their end, ${withThousands(failed)} of them failed. ${title}. The sessions follow as a table.`,
    note: `n = ${countText(sessions.length, 'session')}: ${which}. A bar is a turn; gaps are think or tool time${failures.length > 0 ? '; a cross is a turn that failed, the number behind it the turns that were not sent' : ''}${isCut ? `; the first ${MAX_TURNS} turns are drawn` : ''}.`,
    spec: {
      width: 'container',
      height: ROW_HEIGHT * Math.max(1, rows.length),
      encoding: {
        y: {
          field: 'row',
          type: 'ordinal',
          sort: null,
          // One of which no turn was sent has a row without bars.
          scale: { paddingInner: 0.25, domain: rows.map(({ row }) => row) },
          axis: { title: 'row', grid: false },
        },
      },
      layer: [
        {
          data: { values },
          mark: { type: 'bar' },
          encoding: {
            x,
            x2: { field: 'to' },
            color: {
              field: 'kind',
              type: 'nominal',
              scale: { domain: kinds, range: kinds.map((kind) => KIND_COLOURS[kind]) },
            },
            tooltip: { field: 'text', type: 'nominal' },
          },
        },
        ...failureLayers(failures, x),
      ],
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

interface Failure {
  readonly row: number;
  readonly from: number;
  /** Turns that were not sent, at the last turn of a session that failed. */
  readonly unsent: string;
  readonly text: string;
}

/** Turns that failed, however short they were, and a session of which none was sent. */
function failuresOf({ id, turns, unsent }: SampledSession, row: number, unitS: number): Failure[] {
  const failed = turns.filter(({ outcome }) => outcome !== 'ok');
  const last = unsent === 0 ? '' : withThousands(unsent);
  const why = unsent === 0 ? '' : `; ${countText(unsent, 'turn')} not sent`;
  const name = `${row}: ${visibleLine(id)}`;
  if (turns.length === 0) return [{ row, from: 0, unsent: last, text: `${name}${why}` }];
  return failed.map((turn, i) => {
    const isLast = i === failed.length - 1;
    const text = `${name}, turn ${turn.turn}: ${outcomeText(turn.outcome)}${isLast ? why : ''}`;
    return { row, from: turn.end_s / unitS, unsent: isLast ? last : '', text };
  });
}

function failureLayers(failures: readonly Failure[], x: Position): Layers {
  if (failures.length === 0) return [];
  const data = { values: [...failures] };
  return [
    {
      data,
      mark: { type: 'point', shape: 'cross', angle: 45, filled: true, size: 45, opacity: 1, color: COLOURS.bad },
      encoding: { x, tooltip: { field: 'text', type: 'nominal' } },
    },
    {
      data,
      mark: { type: 'text', align: 'left', baseline: 'middle', dx: 7, fontSize: 10, color: COLOURS.badText },
      encoding: { x, text: { field: 'unsent', type: 'nominal' } },
    },
  ];
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
