import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { requestsOf } from '../temporary-files.ts';
import { lines, shared, strictReader } from './reading.ts';

const { notes, opened, read } = strictReader();

describe('TraceLab', () => {
  const at = (s: number): string => new Date(Date.UTC(2026, 0, 5, 10, 0, s)).toISOString();
  const round = (s: number, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
    session_id: 'claude:x',
    round_index: 0,
    provider: 'claude',
    model: 'm',
    user: 'u',
    project: 'p',
    input_tokens_total: 200,
    prefix_tokens: 0,
    newly_append_tokens: 200,
    output_tokens: 7,
    current_tool_result_count: 0,
    timing_events: [
      { event_type: 'user_message', timestamp: at(s - 3) },
      { event_type: 'tool_result', timestamp: at(s) },
      { event_type: 'text', timestamp: at(s + 1) },
      { event_type: 'tool_call', timestamp: at(s + 2) },
      { event_type: 'usage_report', timestamp: at(s + 9) },
      { event_type: 'reasoning' },
    ],
    tools: [{ tool_name: 'Bash', emitted_at: at(s + 2), result_at: at(s + 3), tool_wall_latency_ms: 1000 }],
    ...more,
  });

  it('a round is sent at its latest input, ends with its latest output, and goes by the clock', async () => {
    const later = round(20, { input_tokens_total: 330, prefix_tokens: 190, newly_append_tokens: 140 });
    const content = lines(later, round(5, { round_index: 9 }), { ...round(5), session_id: 'codex:y', user: 3 });
    const source = await opened(content);
    assert.deepEqual([source.format, source.blockTokens, source.starts], ['tracelab', 16, undefined]);
    const found = await requestsOf(source.open());
    assert.deepEqual(
      found.map(({ traceRow, dueUs, session, turn, source: its }) => [traceRow, dueUs, session, turn, its]),
      [
        [3, 0, 'codex:y', 0, { e2eUs: 2e6, cachedTokens: 0 }],
        [2, 0, 'claude:x', 0, { e2eUs: 2e6, cachedTokens: 0 }],
        [1, 15e6, 'claude:x', 1, { e2eUs: 2e6, cachedTokens: 190 }],
      ],
    );
    const [other, first, second] = found.map(({ blocks }) => blocks);
    assert.deepEqual([first?.length, second?.length], [12, 20]);
    assert.equal(shared(first, second), 11);
    assert.equal(new Set([...(other ?? []), ...(first ?? []), ...(second ?? [])]).size, 12 + 12 + 9);
    assert.match(source.notes().join('\n'), /keys not used: provider, project, current_tool_result_count, tools/);
  });

  it('rounds without dates and without answers are counted apart; wrong sums and dates are bad rows', async () => {
    const undated = round(3, { timing_events: [{ event_type: 'text' }] });
    const none = { input_tokens_total: 0, newly_append_tokens: 0, output_tokens: 0 };
    const text = await notes(
      lines(round(0), undated, undated, round(9, { output_tokens: 0, reasoning_output_tokens: 4 }), round(12, none)),
    );
    assert.match(text, /rows left out: 2 \(no dated event\), 1 \(0 input tokens\), 1 \(0 output tokens\)/);
    assert.match(text, /reasoning_output_tokens are not added/);
    await assert.rejects(
      read(lines(round(0, { prefix_tokens: 1 }))),
      /:1: input_tokens_total is 200, expected 201, the sum of/,
    );
    const wrong = round(0, { timing_events: [{ event_type: 'text', timestamp: 'soon' }] });
    await assert.rejects(read(lines(wrong)), /:1: timing_events\[0\]\.timestamp is "soon"/);
    const onlyOutput = round(0, { timing_events: [{ event_type: 'text', timestamp: at(4) }] });
    assert.deepEqual((await read(lines(onlyOutput)))[0]?.source, { e2eUs: 0, cachedTokens: 0 });
  });

  it('a round shares with the one before it what it had cached, to the block, and never more than that was', () => {
    const rounds = fc.array(fc.record({ total: fc.integer({ min: 1, max: 1000 }), prefix: fc.nat(1000) }), {
      minLength: 1,
    });
    return fc.assert(
      fc.asyncProperty(rounds, async (all) => {
        const rows = all.map(({ total, prefix }, i) =>
          round(i, {
            input_tokens_total: total,
            prefix_tokens: Math.min(prefix, total),
            newly_append_tokens: total - Math.min(prefix, total),
          }),
        );
        const found = await read(lines(...rows));
        for (const [i, { blocks = [], inputTokens, source }] of found.entries()) {
          const before = found[i - 1]?.blocks ?? [];
          const cached = Math.floor((source?.cachedTokens ?? 0) / 16);
          assert.equal(blocks.length, Math.floor(inputTokens / 16));
          assert.equal(shared(blocks, before), Math.min(cached, before.length, blocks.length));
        }
      }),
      { numRuns: 30 },
    );
  });

  it('blocks are as fine as prompts of hundreds of blocks allow', async () => {
    const sizeOf = async (total: number): Promise<number | undefined> =>
      (await opened(lines(round(0, { input_tokens_total: total, newly_append_tokens: total })))).blockTokens;
    assert.deepEqual(
      [await sizeOf(200), await sizeOf(9000), await sizeOf(130_000), await sizeOf(1e6)],
      [16, 32, 256, 512],
    );
  });

  it('is the same as CSV, whose lists are JSON', async () => {
    const rows = [round(0), round(20, { round_index: null, model: 'a, b' })];
    const cell = (value: unknown): string =>
      value === null ? '' : `"${(typeof value === 'string' ? value : JSON.stringify(value)).replaceAll('"', '""')}"`;
    const table = [Object.keys(round(0)), ...rows.map((row) => Object.values(row).map(cell))];
    const source = await opened(`${table.map((cells) => cells.join(',')).join('\n')}\n`);
    const found = await requestsOf(source.open());
    const expected = await read(lines(...rows));
    assert.equal(source.format, 'tracelab');
    assert.deepEqual(
      found.map(({ traceRow, ...request }) => ({ ...request, traceRow: traceRow - 1 })),
      expected.map(({ traceRow, ...request }) => ({ ...request, traceRow })),
    );
    const large = lines(round(0, { input_tokens_total: 130_000, newly_append_tokens: 130_000 }));
    const asCsv = `session_id,input_tokens_total,output_tokens,timing_events\ns,130000.0,5,[]\n`;
    assert.deepEqual([(await opened(asCsv)).blockTokens, (await opened(large)).blockTokens], [256, 256]);
  });

  it('its own CSV: appended lengths, waits after the answer, one drawn arrival a session', async () => {
    const content =
      'id,input_len,output_len,arrival_time,round_idx,tool_wait_after_ms,prefix_len\n' +
      's,100,9,500.000000,0,20.500000,0\ns,28,8,500.000000,1,0.000000,100\nt,70,1,600.25,0,0,0\n';
    const source = await opened(content);
    assert.equal(source.format, 'tracelab-csv');
    const found = await requestsOf(source.open());
    assert.deepEqual(
      found.map(({ id, dueUs, inputTokens, newTokens, after }) => [id, dueUs, inputTokens, newTokens, after]),
      [
        ['s:0', 0, 100, 100, undefined],
        ['s:1', 20_500, 128, 28, [{ id: 's:0', thinkUs: 20_500 }]],
        ['t:0', 100_250, 70, 70, undefined],
      ],
    );
    assert.deepEqual(
      found.map(({ blocks }) => blocks),
      [[0], [0, 1], [2]],
    );
    assert.match(source.notes().join('\n'), /arrival times are not those of the real sessions/);
    await assert.rejects(read(content.replace('28,8', '0,8')), /:3:2: zero_length: input_len/);
    await assert.rejects(read(content.replace('600.25', '')), /:4:4: missing_time: arrival_time/);
  });

  it('the CSV of its replayer, with times of arrival and without, its sessions one after another', async () => {
    const rows = [
      ['0', 200, 0, 0, 512, 64, 100],
      ['1', 300, 0, 0, 400, 48, 80],
      ['0', 200, 1, 576, 128, 64, 0],
    ];
    const csv = (names: string, from: number): string =>
      `${names}\n${rows.map(([name, ...cells]) => [name, ...cells.slice(from)].join(',')).join('\n')}\n`;
    const rest = 'round_idx,prefix_len,input_len,output_len,tool_wait_after_ms';
    const forms = [
      [csv(`session_id,arrival_time,${rest}`, 0), undefined, ['0:0', '1:0', '0:1'], [0, 100_000, 100_000]],
      [csv(`session_id,${rest}`, 1), 'none', ['0:0', '0:1', '1:0'], [0, 100_000, 0]],
    ] as const;
    for (const [text, starts, ids, due] of forms) {
      const source = await opened(text);
      assert.deepEqual([source.format, source.starts], ['tracelab-csv', starts]);
      const found = await requestsOf(source.open());
      assert.deepEqual(
        found.map(({ id }) => id),
        ids,
      );
      assert.deepEqual(
        found.map(({ dueUs }) => dueUs),
        due,
      );
      const later = found.find(({ id }) => id === '0:1');
      assert.deepEqual([later?.inputTokens, later?.newTokens], [704, 128]);
    }
  });
});
