import { z } from 'zod';
import type { Request } from '../../src/core/request.ts';
import { LargeMap } from '../large-map.ts';
import { COUNT_EXPECTED, farTime, MAX_ROW_TOKENS } from './faults.ts';
import { absoluteTimeToUs } from './fields.ts';
import { FieldError, quoted, type Format, type RowContext } from './format.ts';
import { count, jsonRows, nameText, parseJson, TEXT_EXPECTED, type FieldExpectation } from './json-lines.ts';
import { fittingBlock, roundRequests, type Round } from './rounds.ts';

/** A row may hold the text of a large file, or an image. */
const MOST_ROW_BYTES = 2 ** 26;

const usage = z.object({
  input_tokens: count.nullish(),
  cache_creation_input_tokens: count.nullish(),
  cache_read_input_tokens: count.nullish(),
  output_tokens: count.nullish(),
});
type Usage = z.infer<typeof usage>;
const row = z.object({
  type: z.string().nullish(),
  sessionId: nameText.nullish(),
  agentId: nameText.nullish(),
  isSidechain: z.boolean().nullish(),
  timestamp: z.string().nullish(),
  requestId: z.string().nullish(),
  message: z
    .object({ id: z.string().nullish(), model: z.string().nullish(), usage: usage.nullish() })
    .or(z.string())
    .nullish(),
});
type Row = z.infer<typeof row>;
const FIELDS: Readonly<Record<keyof Row, FieldExpectation>> = {
  type: { expected: 'a text' },
  sessionId: { expected: TEXT_EXPECTED },
  agentId: { expected: TEXT_EXPECTED },
  isSidechain: { expected: 'true or false' },
  timestamp: { kind: 'time', expected: 'a time like 2026-01-05T10:00:00.250Z' },
  requestId: { expected: 'a text' },
  message: { expected: `an object whose usage has ${COUNT_EXPECTED}` },
};

/** What stands for an answer that no model gave, such as an error. */
const SYNTHETIC = '<synthetic>';

/**
 * Transcripts of Claude Code: a row an event, and several rows an answer, with the counts of tokens in each of them. A call
 * was sent at the latest event before its answer, a message of the user or the result of a tool, and ended with the last
 * row of its answer. Prompts are whole, cached parts included, and drawn by their lengths, as system prompt and tools are
 * not there. What a session repeats of one that it goes on from counts once. Subagents are sessions of their own.
 */
export const claudeCode: Format = {
  name: 'claude-code',
  begins: '{"type":"assistant","sessionId":"...","isSidechain":false,"timestamp":...,"message":{"usage":{...}}}',
  mostRowBytes: MOST_ROW_BYTES,
  matches: (head, rows) =>
    [head, ...rows.slice(0, 50)].some(
      (line) => /^\{.*"sessionId"\s*:/.test(line) && /"isSidechain"\s*:/.test(line) && /"uuid"\s*:/.test(line),
    ),
  blockTokens: (lines, preferred) =>
    preferred ?? fittingBlock(lines.flatMap((line) => inputOf(usageOf(row.safeParse(parseJson(line)).data)) ?? [])),
  notes: () => [
    'prompts are drawn by their lengths: system prompt and tools are not in a transcript; subagents are sessions of their own',
  ],
  read: readTranscripts,
};

function usageOf(found: Row | undefined): Usage | null {
  const { message } = found ?? {};
  return found?.type === 'assistant' && typeof message === 'object' ? (message?.usage ?? null) : null;
}

/** The whole prompt. */
function inputOf(found: Usage | null): number | null {
  if (found === null) return null;
  return (found.input_tokens ?? 0) + (found.cache_creation_input_tokens ?? 0) + (found.cache_read_input_tokens ?? 0);
}

type Call = { -readonly [K in keyof Round]: Round[K] };

async function* readTranscripts(text: AsyncIterable<string>, rows: RowContext): AsyncGenerator<Request> {
  const calls = new LargeMap<string, Call>();
  const ordered: Call[] = [];
  /** When the last event of a session was, its own answers included. */
  const events = new LargeMap<string, number>();
  let firstUs: number | null = null;
  for await (const { line, row: found } of jsonRows(text, rows, row, FIELDS))
    try {
      const { timestamp, sessionId, isSidechain, agentId, message } = found;
      const counts = usageOf(found);
      if (!timestamp || !sessionId) {
        // Of other events some have neither.
        if (counts === null) continue;
        const missing = timestamp ? 'sessionId' : 'missing_time: timestamp';
        throw new FieldError(`${missing} is missing, expected that of the answer`);
      }
      const us = absoluteTimeToUs('timestamp', timestamp);
      const far = farTime('timestamp', us, (firstUs ??= us));
      if (far !== null) throw new FieldError(far);
      const session = isSidechain === true ? `${sessionId}/${agentId ?? 'subagents'}` : sessionId;
      if (counts === null) {
        events.set(session, us);
        continue;
      }
      const { id, model } = typeof message === 'object' ? (message ?? {}) : {};
      if (model === SYNTHETIC) {
        rows.leftOut?.({ line, reason: 'an answer that no model gave' });
        continue;
      }
      const key = id ?? found.requestId ?? `${session}:${line}`;
      const known = calls.get(key);
      if (known !== undefined && known.session !== session) {
        rows.leftOut?.({ line, reason: 'an answer that a session repeats of another' });
        continue;
      }
      const inputTokens = inputOf(counts) ?? 0;
      if (inputTokens > MAX_ROW_TOKENS)
        throw new FieldError(`usage is ${quoted(counts)}, expected ${MAX_ROW_TOKENS} tokens of a prompt at most`);
      const call: Call = known ?? {
        line,
        sentUs: Math.min(us, events.get(session) ?? us),
        endUs: us,
        index: ordered.length,
        session,
        model: model ?? undefined,
        user: undefined,
        inputTokens,
        outputTokens: 0,
        cachedTokens: counts.cache_read_input_tokens ?? 0,
      };
      if (known === undefined) ordered.push(call);
      calls.set(key, call);
      call.endUs = Math.max(call.endUs ?? us, us);
      call.outputTokens = Math.max(call.outputTokens, counts.output_tokens ?? 0);
      events.set(session, us);
    } catch (thrown) {
      if (!(thrown instanceof FieldError)) throw thrown;
      rows.bad({ line, column: null, message: thrown.message });
    }
  const sound = ordered.filter(({ line, inputTokens }) => {
    if (inputTokens === 0) rows.leftOut?.({ line, reason: '0 input tokens' });
    return inputTokens > 0;
  });
  sound.sort((a, b) => a.sentUs - b.sentUs || a.index - b.index);
  yield* roundRequests(sound, rows);
}
