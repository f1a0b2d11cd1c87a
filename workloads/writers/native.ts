import type { JsonObject, Prompt, Request } from '../../src/core/request.ts';
import { isJsonObject } from '../formats/body-params.ts';
import type { OpenWriter, TraceWriter, WrittenTotals, WrittenTrace } from './writer.ts';
import { rowId } from '../row-id.ts';

/** Longest in bytes that a digest and five counts make the header. */
const TOTALS_BYTES = 64 + 5 * 16;
const NO_TOTALS: WrittenTotals = { sha256: '', rows: 0, badRows: 0, requests: 0, inputTokens: 0, outputTokens: 0 };

/** Reprise's own format, which loses nothing of a request. */
export const nativeWriter: TraceWriter = {
  name: 'native',
  holds: new Set<keyof Request>([
    'id',
    'session',
    'turn',
    'parent',
    'after',
    'agent',
    'newTokens',
    'sloClass',
    'model',
    'user',
    'blocks',
    'prompt',
    'payload',
    'params',
    'media',
    'isEstimated',
    'source',
    'extra',
  ]),
  open(trace): OpenWriter {
    // Padded, so that it can be written again in its place when the totals are known; by no more than they may take.
    const bytes = Buffer.byteLength(headerText(trace, NO_TOTALS, true)) + TOTALS_BYTES;
    let seq = 0;
    return {
      header(totals) {
        const text = headerText(trace, totals ?? NO_TOTALS, false);
        return `${text}${' '.repeat(bytes - Buffer.byteLength(text))}\n`;
      },
      line: (request) => nativeLine(request, seq++),
      notes: [],
    };
  },
};

/** `isBlank`: without the digest and counts of the source, whichever they are. */
function headerText({ source, transforms, header }: WrittenTrace, totals: WrittenTotals, isBlank: boolean): string {
  const of = originOf(header) ?? {
    format: source.format,
    file: source.name,
    sha256: totals.sha256,
    rows: totals.rows,
    bad_rows: totals.badRows,
  };
  const before = header?.['transforms'];
  return JSON.stringify({
    reprise_trace: 1,
    source: isBlank ? { ...of, sha256: '', rows: 0, bad_rows: 0 } : of,
    ...(source.blockTokens === undefined ? {} : { block_size: source.blockTokens }),
    ...(source.starts === undefined ? {} : { starts: source.starts }),
    transforms: [...(Array.isArray(before) ? before : []), ...transforms],
    counts: { requests: totals.requests, input_tokens: totals.inputTokens, output_tokens: totals.outputTokens },
  });
}

/** Where a native trace came from, which its copies keep. */
function originOf(header: JsonObject | null): JsonObject | null {
  const origin = header?.['source'];
  return isJsonObject(origin) ? origin : null;
}

/** Written by hand: of ten million rows most have nothing but these. */
function nativeLine(request: Request, seq: number): string {
  const { id, dueUs, inputTokens, outputTokens } = request;
  const named = id === rowId(seq) ? '' : `"id":${JSON.stringify(id)},`;
  // As JSON makes it: V8 keeps the text of each number that is put into a text, over ten million rows 60 MB.
  return `{${named}"t_us":${JSON.stringify(dueUs)},"input_tokens":${inputTokens},"output_tokens":${outputTokens}${others(request)}}\n`;
}

/** Its other fields, with a comma before each. */
function others(request: Request): string {
  const { session, turn, parent, after, agent, newTokens, sloClass, model, user } = request;
  const { blocks, prompt, payload, params, media, isEstimated, source, extra } = request;
  const some = session ?? parent ?? after ?? agent ?? newTokens ?? sloClass ?? model ?? user ?? turn ?? blocks;
  if ((some ?? prompt ?? payload ?? params ?? media ?? isEstimated ?? source ?? extra) === undefined) return '';
  const fields = {
    new_tokens: newTokens,
    cached_tokens: source?.cachedTokens,
    estimated: isEstimated,
    blocks,
    session,
    turn,
    parent,
    after: after?.map((each) => ({ id: each.id, think_us: each.thinkUs })),
    agent,
    class: sloClass,
    model,
    user,
    prompt: prompt && promptValue(prompt),
    payload,
    params,
    media,
    status: source?.failed === true ? 'failed' : undefined,
    source_ttft_us: source?.ttftUs,
    source_e2e_us: source?.e2eUs,
    extra,
  };
  const text = JSON.stringify(fields);
  return text === '{}' ? '' : `,${text.slice(1, -1)}`;
}

function promptValue(prompt: Prompt): unknown {
  if (prompt.kind === 'text') return prompt.text;
  return prompt.kind === 'ids' ? prompt.ids : prompt.messages;
}
