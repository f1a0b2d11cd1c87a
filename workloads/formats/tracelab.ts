import { z } from 'zod';
import type { Request } from '../../src/core/request.ts';
import { LargeMap } from '../large-map.ts';
import { csvAsJson } from './csv-as-json.ts';
import { cellsOf } from './csv-rows.ts';
import { COUNT_EXPECTED, farTime } from './faults.ts';
import { absoluteTimeToUs } from './fields.ts';
import { FieldError, type Format, type RowContext } from './format.ts';
import {
  count,
  fieldFault,
  jsonNotes,
  jsonRows,
  nameText,
  parseJson,
  TEXT_EXPECTED,
  type FieldExpectation,
} from './json-lines.ts';
import { hasNames } from './named-rows.ts';
import { fittingBlock, roundRequests, type Round } from './rounds.ts';
import { lengthIn } from './texts.ts';

/** What makes a request, and what answers it; others, such as reports of usage, are neither. */
const INPUTS: ReadonlySet<string> = new Set(['user_message', 'tool_result']);
const OUTPUTS: ReadonlySet<string> = new Set(['text', 'reasoning', 'tool_call']);

const row = z.object({
  session_id: nameText,
  round_index: z.int().nullish(),
  model: nameText.nullish(),
  user: z.union([nameText, z.int()]).nullish(),
  input_tokens_total: count,
  prefix_tokens: count.nullish(),
  newly_append_tokens: count.nullish(),
  output_tokens: count,
  // CSV has lists as JSON.
  timing_events: z.preprocess(
    (value) => (typeof value === 'string' ? parseJson(value) : value),
    z.array(z.unknown()).nullish(),
  ),
});
type Row = z.infer<typeof row>;
const FIELDS: Readonly<Record<keyof Row, FieldExpectation>> = {
  session_id: { expected: TEXT_EXPECTED },
  round_index: { expected: 'a whole number' },
  model: { expected: TEXT_EXPECTED },
  user: { expected: TEXT_EXPECTED },
  input_tokens_total: { kind: 'length', expected: COUNT_EXPECTED },
  prefix_tokens: { expected: COUNT_EXPECTED },
  newly_append_tokens: { expected: COUNT_EXPECTED },
  output_tokens: { kind: 'length', expected: COUNT_EXPECTED },
  timing_events: { expected: 'a list of events' },
};
const TOTAL = 'input_tokens_total';
const NUMBERS = ['round_index', TOTAL, 'prefix_tokens', 'newly_append_tokens', 'output_tokens'];

const event = z.object({ event_type: z.string().nullish(), timestamp: z.string().nullish() });
const EVENT_FIELDS: Readonly<Record<keyof z.infer<typeof event>, FieldExpectation>> = {
  event_type: { expected: 'a text' },
  timestamp: { kind: 'time', expected: 'a time like 2026-01-05T10:00:00.250Z' },
};

/**
 * TraceLab (UW SyFI): a row a round of a coding agent, JSON Lines or CSV. A round was sent at its latest input event, and ended with its
 * latest output. It has no block ids: they are made so that a round shares with the one before it exactly the full blocks
 * that the provider had cached, and nothing across sessions. Rounds go by the time at which they were sent, so the file
 * is held. A subagent is a session of its own: nothing in the file links it.
 */
export const traceLab: Format = {
  name: 'tracelab',
  begins: '{"session_id":"...","round_index":0,"input_tokens_total":...,"output_tokens":...,"timing_events":[...]}',
  matches: (head) =>
    hasNames(head, ['session_id', TOTAL, 'timing_events']) ||
    (/^\{.*"input_tokens_total"\s*:/.test(head) &&
      /"(?:timing_events|round_index|newly_append_tokens)"\s*:/.test(head)),
  blockTokens: (lines, preferred) => preferred ?? fittingBlock(totalsIn(lines)),
  notes: (_, keys) => [
    ...(keys.has('reasoning_output_tokens')
      ? ['reasoning_output_tokens are not added to output_tokens, which may count them already']
      : []),
    ...jsonNotes(keys, [...Object.keys(FIELDS), 'reasoning_output_tokens']),
  ],
  read: readTraceLab,
};

/** Tokens of the prompts in the first lines. */
function totalsIn(lines: readonly string[]): number[] {
  const at = cellsOf(lines[0] ?? '').indexOf(TOTAL);
  return lines.flatMap((line) =>
    at === -1 ? (row.safeParse(parseJson(line)).data?.[TOTAL] ?? []) : (lengthIn(Number(cellsOf(line)[at])) ?? []),
  );
}

async function* readTraceLab(text: AsyncIterable<string>, rows: RowContext): AsyncGenerator<Request> {
  const rounds: Round[] = [];
  const names = new LargeMap<string, string>();
  // Each row brings its own copy of a name: one of each is kept.
  const named = (value: string | number | null | undefined): string | undefined => {
    if (value === null || value === undefined) return undefined;
    const name = String(value);
    const known = names.get(name);
    if (known === undefined) names.set(name, name);
    return known ?? name;
  };
  let firstUs: number | null = null;
  for await (const { line, row: found } of jsonRows(csvAsJson(text, rows, NUMBERS), rows, row, FIELDS)) {
    try {
      const times = timesOf(found);
      const fault =
        sumFault(found) ?? (times === null ? null : farTime('timing_events', times.sentUs, (firstUs ??= times.sentUs)));
      if (fault !== null) throw new FieldError(fault);
      if (times === null) {
        rows.leftOut?.({ line, reason: 'no dated event' });
        continue;
      }
      if (found.input_tokens_total === 0) {
        rows.leftOut?.({ line, reason: '0 input tokens' });
        continue;
      }
      rounds.push({
        ...times,
        line,
        index: found.round_index ?? 0,
        session: named(found.session_id) ?? '',
        model: named(found.model),
        user: named(found.user),
        inputTokens: found.input_tokens_total,
        outputTokens: found.output_tokens,
        cachedTokens: found.prefix_tokens ?? null,
      });
    } catch (thrown) {
      if (!(thrown instanceof FieldError)) throw thrown;
      rows.bad({ line, column: null, message: thrown.message });
    }
  }
  rounds.sort((a, b) => a.sentUs - b.sentUs || a.index - b.index);
  yield* roundRequests(rounds, rows);
}

/** When a round was sent and ended; null where it has no dated event. Throws a FieldError for a date that is none. */
function timesOf({ timing_events: events }: Row): Pick<Round, 'sentUs' | 'endUs'> | null {
  const inputs: number[] = [];
  const outputs: number[] = [];
  for (const [i, item] of (events ?? []).entries()) {
    const found = event.safeParse(item);
    if (!found.success) throw new FieldError(fieldFault(found.error, item, EVENT_FIELDS, `timing_events[${i}].`));
    const { event_type: type, timestamp } = found.data;
    const list = INPUTS.has(type ?? '') ? inputs : OUTPUTS.has(type ?? '') ? outputs : null;
    if (list === null || !timestamp) continue;
    list.push(absoluteTimeToUs(`timing_events[${i}].timestamp`, timestamp));
  }
  const latest = (times: readonly number[]): number => times.reduce((last, us) => Math.max(last, us), 0);
  if (inputs.length === 0 && outputs.length === 0) return null;
  const sentUs = inputs.length > 0 ? latest(inputs) : outputs.reduce((first, us) => Math.min(first, us), Infinity);
  return { sentUs, endUs: outputs.length > 0 ? Math.max(sentUs, latest(outputs)) : null };
}

function sumFault({
  input_tokens_total: total,
  prefix_tokens: prefix,
  newly_append_tokens: fresh,
}: Row): string | null {
  if (typeof prefix !== 'number' || typeof fresh !== 'number' || prefix + fresh === total) return null;
  return `input_tokens_total is ${total}, expected ${prefix + fresh}, the sum of prefix_tokens and newly_append_tokens`;
}
