import { rowId } from '../row-id.ts';
import type { Request } from '../../src/core/request.ts';
import { isJsonObject } from './body-params.ts';
import { farTime } from './faults.ts';
import { cellText, FieldError, namesText, quoted, type Format, type RowContext } from './format.ts';
import { jsonLines, noObject } from './json-lines.ts';
import { Fields } from './named-rows.ts';

const NEEDED = ['turn', 'timestamp', 'input_token_count', 'output_token_count'];

/** A conversation is a list of turns. */
const MOST_ROW_BYTES = 2 ** 26;

/**
 * ServeGen's conversations (NSDI 2026): a list of turns each, with times in seconds and lengths of whole prompts. Its
 * hashes of contents are no blocks: nothing says how many tokens each stands for. Conversations stand one after another,
 * however their times overlap: all turns are held and put in order of time.
 */
export const serveGenConversations: Format = {
  name: 'servegen-conversations',
  begins: '[[{"turn":0,"timestamp":0.0,"input_token_count":...,"output_token_count":...},...],...]',
  mostRowBytes: MOST_ROW_BYTES,
  matches: (head) => /^\[\s*\{/.test(head) && NEEDED.every((name) => head.includes(`"${name}"`)),
  notes: () => ['no_prefix_blocks: hashes stand for contents of unknown lengths: no prompt begins like another'],
  read: readConversations,
};

interface Turn extends Omit<Request, 'id' | 'dueUs'> {
  readonly arrivalUs: number;
}

async function* readConversations(text: AsyncIterable<string>, rows: RowContext): AsyncGenerator<Request> {
  const turns: Turn[] = [];
  for await (const lines of jsonLines(text, rows, new Set()))
    for (const found of lines) {
      const { line, value } = found;
      if (Array.isArray(value)) turns.push(...conversation(value, line, rows));
      else if (isJsonObject(value))
        rows.bad({ line, column: null, message: `the line is ${quoted(value)}, expected a list of turns` });
      else rows.bad(noObject(found, namesText(NEEDED)));
    }
  const inOrder = turns.sort((a, b) => a.arrivalUs - b.arrivalUs);
  const firstUs = inOrder[0]?.arrivalUs ?? 0;
  let seq = 0;
  for (const { arrivalUs, traceRow, ...request } of inOrder) {
    const far = farTime('timestamp', arrivalUs, firstUs);
    if (far === null) yield { id: rowId(seq++), traceRow, dueUs: arrivalUs - firstUs, ...request };
    else rows.bad({ line: traceRow, column: null, message: far });
  }
}

function* conversation(turns: readonly unknown[], line: number, rows: RowContext): Generator<Turn> {
  for (const [at, turn] of turns.entries())
    try {
      if (!isJsonObject(turn)) throw new FieldError(`${cellText(turn)} is no turn, expected an object`);
      const fields = new Fields((name) => turn[name], true);
      yield {
        traceRow: line,
        arrivalUs: fields.seconds('timestamp'),
        inputTokens: fields.tokens('input_token_count'),
        outputTokens: fields.tokens('output_token_count'),
        session: `conversation-${line}`,
        turn: fields.count('turn') ?? at,
      };
    } catch (thrown) {
      if (!(thrown instanceof FieldError)) throw thrown;
      rows.bad({ line, column: null, message: `turn ${at}: ${thrown.message}` });
    }
}
