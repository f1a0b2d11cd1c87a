import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Request } from '../../../src/core/request.ts';
import { inBatches } from '../../../workloads/formats/batches.ts';
import { azure2023 } from '../../../workloads/formats/azure-2023.ts';
import { azure2024 } from '../../../workloads/formats/azure-2024.ts';
import { tableFormat } from '../../../workloads/table/table-format.ts';
import type { Format } from '../../../workloads/formats/format.ts';
import { mooncake, mooncakeLengths } from '../../../workloads/formats/mooncake.ts';
import { native } from '../../../workloads/formats/native.ts';
import { plainCsv } from '../../../workloads/formats/plain-csv.ts';
import { requestsOf } from '../temporary-files.ts';

const BLOCK_TOKENS = 16;

interface Row {
  readonly gapUs: number;
  readonly input: number;
  readonly output: number;
}

const anyRows = fc.array(
  fc.record({
    gapUs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3e6 }), fc.integer({ min: 0, max: 1e12 })),
    input: fc.integer({ min: 1, max: 200_000 }),
    output: fc.integer({ min: 1, max: 5000 }),
  }),
  { minLength: 1, maxLength: 40 },
);
const anyLayout = fc.record({
  lineEnd: fc.constantFrom('\n', '\r\n'),
  bom: fc.boolean(),
  lastLineEnds: fc.boolean(),
  blankLines: fc.boolean(),
  cuts: fc.array(fc.nat(), { maxLength: 12 }),
});
type Layout = typeof anyLayout extends fc.Arbitrary<infer T> ? T : never;

/** Due times from gaps, the first at 0. */
function dueTimes(rows: readonly Row[]): number[] {
  let dueUs = 0;
  return rows.map(({ gapUs }, i) => (dueUs += i === 0 ? 0 : gapUs));
}

function expected(rows: readonly Row[]): Request[] {
  return dueTimes(rows).map((dueUs, i) => ({
    id: `r${i}`,
    traceRow: i + 2,
    dueUs,
    inputTokens: rows[i]?.input ?? 0,
    outputTokens: rows[i]?.output ?? 0,
  }));
}

async function readBack(format: Format, lines: readonly string[], layout: Layout): Promise<Request[]> {
  const { lineEnd, bom, lastLineEnds, blankLines, cuts } = layout;
  const end = blankLines ? lineEnd + lineEnd : lastLineEnds ? lineEnd : '';
  const text = (bom ? '\uFEFF' : '') + lines.join(lineEnd) + end;
  assert.ok(format.matches(lines[0] ?? '', lines.slice(1)));
  const at = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length];
  async function* chunks(): AsyncGenerator<string> {
    for (const [i, start] of at.entries()) yield text.slice(start, at[i + 1] ?? start);
  }
  return requestsOf(
    inBatches(
      format.read(chunks(), {
        path: 'trace',
        blockTokens: BLOCK_TOKENS,
        bad: (row) => assert.fail(`line ${row.line}: ${row.message}`),
      }),
    ),
  );
}

const sixDigits = (us: number): string => String(us % 1e6).padStart(6, '0');

test('a plain CSV reads back exactly, cut anywhere', () =>
  fc.assert(
    fc.asyncProperty(anyRows, anyLayout, fc.boolean(), async (rows, layout, quoted) => {
      const cell = (text: string): string => (quoted ? `"${text}"` : text);
      const due = dueTimes(rows);
      const lines = rows.map(({ input, output }, i) => {
        const us = due[i] ?? 0;
        return [`${Math.floor(us / 1e6)}.${sixDigits(us)}`, `${input}`, `${output}.0`].map(cell).join(',');
      });
      const back = await readBack(plainCsv, ['arrival_s,input_tokens,output_tokens', ...lines], layout);
      assert.deepEqual(back, expected(rows));
    }),
    { numRuns: 150 },
  ));

test('an Azure 2023 file reads back exactly, cut anywhere, over midnight and leap days', () =>
  fc.assert(
    fc.asyncProperty(
      anyRows,
      anyLayout,
      fc.integer({ min: 0, max: 60 * 365 * 86_400 }),
      async (rows, layout, startS) => {
        const due = dueTimes(rows);
        const lines = rows.map(({ input, output }, i) => {
          const us = startS * 1e6 + (due[i] ?? 0);
          // The reference for the calendar is JavaScript's own, in UTC and whole seconds.
          const second = new Date(Math.floor(us / 1e6) * 1000).toISOString().slice(0, 19).replace('T', ' ');
          return `${second}.${sixDigits(us)}0,${input},${output}`;
        });
        const back = await readBack(azure2023, ['TIMESTAMP,ContextTokens,GeneratedTokens', ...lines], layout);
        assert.deepEqual(back, expected(rows));
      },
    ),
    { numRuns: 150 },
  ));

test('an Azure 2024 file reads back exactly, with and without fractions, whatever the offset', () =>
  fc.assert(
    fc.asyncProperty(
      anyRows,
      anyLayout,
      fc.integer({ min: 86_400, max: 60 * 365 * 86_400 }),
      fc.integer({ min: -14 * 60, max: 14 * 60 }),
      async (rows, layout, startS, offsetMinutes) => {
        const due = dueTimes(rows);
        const size = Math.abs(offsetMinutes);
        const clock = [Math.floor(size / 60), size % 60].map((part) => String(part).padStart(2, '0')).join(':');
        const lines = rows.map(({ input, output }, i) => {
          const us = (startS + offsetMinutes * 60) * 1e6 + (due[i] ?? 0);
          const second = new Date(Math.floor(us / 1e6) * 1000).toISOString().slice(0, 19).replace('T', ' ');
          const fraction = us % 1e6 === 0 ? '' : `.${sixDigits(us)}`;
          return `${second}${fraction}${offsetMinutes < 0 ? '-' : '+'}${clock},${input},${output}`;
        });
        const back = await readBack(azure2024, ['TIMESTAMP,ContextTokens,GeneratedTokens', ...lines], layout);
        assert.deepEqual(back, expected(rows));
      },
    ),
    { numRuns: 150 },
  ));

test('a log reads back exactly, its times dates or milliseconds since 1970', () =>
  fc.assert(
    fc.asyncProperty(anyRows, anyLayout, fc.boolean(), async (rows, layout, isDate) => {
      const due = dueTimes(rows);
      const startMs = Date.UTC(2026, 0, 5);
      const lines = rows.map(({ input, output }, i) => {
        const us = due[i] ?? 0;
        const second = new Date(startMs + Math.floor(us / 1e6) * 1000).toISOString().slice(0, 19);
        const time = isDate
          ? `${second}.${sixDigits(us)}`
          : `${startMs + Math.floor(us / 1000)}.${sixDigits(us).slice(3)}`;
        return `acompletion,${time},m,"a, b",${input},${output},${input + output}`;
      });
      const header = 'call_type,startTime,model,tags,prompt_tokens,completion_tokens,total_tokens';
      fc.pre((due.at(-1) ?? 0) < 1e15);
      const map = `arrival=startTime:${isDate ? 'iso' : 'epoch_ms'},input=prompt_tokens,output=completion_tokens`;
      const back = await readBack(tableFormat('csv-log', map), [header, ...lines], layout);
      assert.deepEqual(back, expected(rows));
    }),
    { numRuns: 100 },
  ));

test('rows of Mooncake without ids read back exactly', () =>
  fc.assert(
    fc.asyncProperty(anyRows, anyLayout, async (rows, layout) => {
      const requests = expected(rows).map((row, i) => ({ ...row, traceRow: i + 1 }));
      const lines = requests.map(({ dueUs, inputTokens, outputTokens }) =>
        JSON.stringify({ timestamp: dueUs / 1000, input_length: inputTokens, output_length: outputTokens }),
      );
      assert.deepEqual(await readBack(mooncakeLengths, lines, layout), requests);
    }),
    { numRuns: 100 },
  ));

test('a native trace reads back exactly, cut anywhere, optional fields and unknown ones included', () =>
  fc.assert(
    fc.asyncProperty(anyRows, anyLayout, fc.string({ unit: 'grapheme', minLength: 1 }), async (rows, layout, text) => {
      const due = dueTimes(rows);
      const requests = rows.map((row, i): Request => ({
        id: `${text}-${i}`,
        traceRow: i + 2,
        dueUs: due[i] ?? 0,
        inputTokens: row.input % 1000 || 1,
        outputTokens: row.output,
        ...(i % 2 === 0
          ? {}
          : {
              session: text,
              turn: i,
              parent: text,
              agent: 'a',
              sloClass: 'chat',
              model: 'm',
              user: 'u',
              newTokens: 1,
              after: [{ id: text, thinkUs: i }],
              prompt:
                i % 3 === 0
                  ? { kind: 'text', text }
                  : { kind: 'messages', messages: [{ role: 'user', content: text }] },
              params: { temperature: 0.5, stop: ['x', null] },
              payload: { messages: [] },
              media: [{ kind: 'image', count: 2 }],
              source: { ttftUs: i, e2eUs: 2 * i, cachedTokens: i, failed: true },
              isEstimated: true,
              extra: { anything: [1, 'x'] },
              blocks: Array.from(
                { length: Math.ceil((row.input % 1000 || 1) / BLOCK_TOKENS) },
                (_, block) => block + i,
              ),
            }),
      }));
      const lines = requests.map((request) =>
        JSON.stringify({
          id: request.id,
          t_us: request.dueUs,
          input_tokens: request.inputTokens,
          output_tokens: request.outputTokens,
          session: request.session ?? null,
          turn: request.turn,
          class: request.sloClass,
          model: request.model ?? null,
          blocks: request.blocks,
          parent: request.parent,
          agent: request.agent,
          user: request.user,
          new_tokens: request.newTokens,
          after: request.after?.map(({ id, thinkUs }) => ({ id, think_us: thinkUs })),
          prompt:
            request.prompt?.kind === 'text'
              ? request.prompt.text
              : request.prompt?.kind === 'messages'
                ? request.prompt.messages
                : null,
          params: request.params,
          payload: request.payload ?? null,
          media: request.media,
          status: request.source?.failed === true ? 'failed' : 'ok',
          source_ttft_us: request.source?.ttftUs,
          source_e2e_us: request.source?.e2eUs,
          cached_tokens: request.source?.cachedTokens,
          estimated: request.isEstimated,
          extra: request.extra ?? null,
          another: 1,
        }),
      );
      const header = JSON.stringify({ reprise_trace: 1, epoch_us: null, block_size: BLOCK_TOKENS, tz: 'UTC' });
      assert.deepEqual(await readBack(native, [header, ...lines], layout), requests);
    }),
    { numRuns: 150 },
  ));

test('a Mooncake trace reads back exactly, cut anywhere, times counted from its first row', () =>
  fc.assert(
    fc.asyncProperty(anyRows, anyLayout, fc.nat(1e6), async (rows, layout, startMs) => {
      const requests = rows.map((row, i): Request => {
        const inputTokens = row.input % 1000 || 1;
        return {
          id: `r${i}`,
          traceRow: i + 1,
          dueUs: Math.floor((dueTimes(rows)[i] ?? 0) / 1000) * 1000,
          inputTokens,
          outputTokens: row.output,
          blocks: Array.from({ length: Math.ceil(inputTokens / BLOCK_TOKENS) }, (_, block) => block + i),
        };
      });
      const lines = requests.map(({ dueUs, inputTokens, outputTokens, blocks }) =>
        JSON.stringify({
          timestamp: startMs + dueUs / 1000,
          input_length: inputTokens,
          output_length: outputTokens,
          hash_ids: blocks,
        }),
      );
      assert.deepEqual(await readBack(mooncake, lines, layout), requests);
    }),
    { numRuns: 100 },
  ));
