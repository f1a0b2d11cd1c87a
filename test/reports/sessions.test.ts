import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RequestRecord } from '../../src/core/record.ts';
import { sessionChart } from '../../reports/charts/session-chart.ts';
import { MAX_TURNS, SessionChooser, SessionTurns } from '../../reports/data/session-sample.ts';
import { exampleRecord } from '../runs/example-records.ts';

const turnsOf = (session_id: string, count: number, over: Partial<RequestRecord> = {}): RequestRecord[] =>
  Array.from({ length: count }, (_, turn) =>
    exampleRecord({
      request_id: `${session_id}-${turn}`,
      session_id,
      turn,
      due_us: turn * 1e6,
      sent_us: turn * 1e6 + 1000,
      ...over,
    }),
  );
const shown = (records: readonly RequestRecord[]) => {
  const chooser = new SessionChooser();
  for (const record of records) chooser.add(record);
  const turns = new SessionTurns(chooser.chosen());
  for (const record of records) turns.add(record);
  return turns.result();
};

describe('the sessions of a report', () => {
  it('are some that failed, some slow ones and the longest, whatever the order of the records', () => {
    const records = [
      ...Array.from({ length: 60 }, (_, i) => turnsOf(`s${i}`, 1 + (i % 7))).flat(),
      ...turnsOf('broken', 1, { outcome: 'stream_broken' }),
      ...turnsOf('long', 300),
    ];
    const sessions = shown(records);
    assert.equal(sessions.length, 40);
    assert.deepEqual(
      sessions.map(({ id, why }) => [id, why]),
      shown(records.toReversed()).map(({ id, why }) => [id, why]),
    );
    assert.deepEqual([sessions[0]?.id, sessions[0]?.why], ['broken', 'failed']);
    const long = sessions.find(({ id }) => id === 'long');
    assert.deepEqual([long?.why, long?.sent, long?.turns.length], ['slowest', 300, MAX_TURNS]);
  });

  it('have a length and an outcome of all their turns, those that are not drawn too', () => {
    const [session] = shown([
      ...turnsOf('a', MAX_TURNS + 5),
      ...turnsOf('a', 1, { turn: 900, due_us: 900e6, sent_us: 900e6, end_us: 901e6, outcome: 'rejected' }),
    ]);
    assert.ok(session !== undefined);
    assert.deepEqual([session.turns.length, session.length_s], [MAX_TURNS, 901]);
    assert.match(sessionChart({ sessions: null }, [session]).table.rows[0]?.at(-1) ?? '', /turn 900: rejected/);
  });

  it('count the turns that were never sent, and draw the others from the first due time', () => {
    const [first, second] = turnsOf('a', 2, { due_us: 5e6, sent_us: 5e6 });
    assert.ok(first !== undefined && second !== undefined);
    const unsent: RequestRecord = { ...second, outcome: 'unsent', sent_us: null, end_us: null };
    const [session] = shown([{ ...first, outcome: 'http_error' }, unsent]);
    assert.ok(session !== undefined);
    assert.deepEqual([session.sent, session.unsent, session.turns[0]?.due_s], [1, 1, 0]);
    const { table, label } = sessionChart({ sessions: null }, [session]);
    assert.deepEqual(table.rows[0]?.slice(0, 5), ['1', 'a', 'failed', '1', '1']);
    assert.match(table.rows[0]?.at(-1) ?? '', /turn 0: http error/);
    assert.match(label, /1 session/);
  });

  it('have a row each, those of which no turn was sent too, and a legend of what is drawn', () => {
    const unsent: Partial<RequestRecord> = { outcome: 'unsent', sent_us: null, end_us: null };
    const sessions = shown([...turnsOf('a', 2, { outcome: 'timeout' }), ...turnsOf('b', 1, unsent)]);
    const { spec } = sessionChart({ sessions: null }, sessions);
    const { encoding, layer } = Object(spec);
    assert.deepEqual([sessions.length, encoding.y.scale.domain], [2, [1, 2]]);
    assert.deepEqual(layer[0].encoding.color.scale.domain, ['not sent yet', 'failed']);
  });

  it('show each turn that failed, however fast, and behind the last how many were not sent', () => {
    const unsent: Partial<RequestRecord> = { outcome: 'unsent', sent_us: null, end_us: null };
    const [first, second, ...others] = turnsOf('a', 5);
    assert.ok(first !== undefined && second !== undefined);
    const refused = { ...second, outcome: 'rejected' as const, sent_us: second.due_us, end_us: second.due_us };
    const records = [first, refused, ...others.map((record) => ({ ...record, ...unsent })), ...turnsOf('b', 2)];
    const { spec, note } = sessionChart({ sessions: null }, shown(records));
    const { layer } = Object(spec);
    assert.deepEqual(
      layer[1].data.values.map(({ row, from, unsent: left }: { row: number; from: number; unsent: string }) => [
        row,
        from > 0,
        left,
      ]),
      [[1, true, '3']],
    );
    assert.match(note ?? '', /a cross is a turn that failed/);
    const whole = sessionChart({ sessions: null }, shown(turnsOf('b', 2)));
    assert.equal(Object(whole.spec).layer.length, 1);
    assert.doesNotMatch(whole.note ?? '', /cross/);
  });

  it('are failed ones first, and all of them where all sessions are shown', () => {
    const few = [
      ...Array.from({ length: 20 }, (_, i) => turnsOf(`bad${i}`, 1, { outcome: 'rejected' })).flat(),
      ...Array.from({ length: 20 }, (_, i) => turnsOf(`good${i}`, 9)).flat(),
    ];
    assert.deepEqual(
      shown(few).map(({ failed }) => failed !== null),
      Array.from({ length: 40 }, (_, i) => i < 20),
    );
    const many = [...few, ...turnsOf('one more', 1)];
    assert.equal(shown(many).filter(({ why }) => why === 'failed').length, 12);
  });

  it('are none where no request is of one', () => {
    assert.deepEqual(shown([exampleRecord()]), []);
  });
});
