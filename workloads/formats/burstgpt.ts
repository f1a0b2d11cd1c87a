import type { Format } from './format.ts';
import { hasNames, namedNotes, namedRequests, type Fields, type RowReader, type RowRequest } from './named-rows.ts';

const NEEDED = ['Timestamp', 'Request tokens', 'Response tokens'];
const V1 = [...NEEDED, 'Model', 'Log Type'];
const V2 = [...V1, 'Session ID', 'Elapsed time'];
/** The sum of two other columns. */
const TOTAL = 'Total tokens';

/**
 * BurstGPT (Wang et al., KDD 2025), first form: seconds from the first day of the whole log, so that only the first file
 * begins near 0. A response of 0 tokens is a request that failed.
 */
export const burstGpt1: Format = {
  name: 'burstgpt-v1',
  begins: 'Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type',
  matches: (head) => hasNames(head, NEEDED),
  notes: (head, keys) => namedNotes(head, keys, [...V1, TOTAL]),
  read: (text, rows) => namedRequests(text, rows, reader(V1)),
};

/**
 * BurstGPT, second form: sessions, with the time that the whole response took. API calls have no session; nothing tells
 * which part of a prompt is history.
 */
export const burstGpt2: Format = {
  name: 'burstgpt-v2',
  begins: 'Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type',
  matches: (head) => hasNames(head, [...NEEDED, 'Session ID', 'Elapsed time']),
  notes: (head, keys) => namedNotes(head, keys, [...V2, TOTAL]),
  read: (text, rows) => namedRequests(text, rows, reader(V2)),
};

function reader(uses: readonly string[]): RowReader {
  const turns = new Map<string, number>();
  return {
    uses,
    read(fields) {
      const found = read(fields);
      if (typeof found === 'string' || found.session === undefined) return found;
      const turn = turns.get(found.session) ?? 0;
      turns.set(found.session, turn + 1);
      return { ...found, turn };
    },
  };
}

function read(fields: Fields): RowRequest | string {
  const arrivalUs = fields.seconds('Timestamp');
  if (fields.isZero('Response tokens'))
    return fields.isZero('Request tokens') ? 'failed: 0 request and 0 response tokens' : 'failed: 0 response tokens';
  if (fields.isZero('Request tokens')) return '0 request tokens';
  const type = fields.text('Log Type');
  const elapsed = fields.value('Elapsed time');
  return {
    arrivalUs,
    inputTokens: fields.tokens('Request tokens'),
    outputTokens: fields.tokens('Response tokens'),
    // `Conversation log` and `API log`, as names that `--slo` can take.
    sloClass: type?.replace(/ log$/, '').toLowerCase(),
    model: fields.text('Model'),
    session: fields.text('Session ID'),
    source: elapsed === undefined ? undefined : { e2eUs: fields.seconds('Elapsed time') },
  };
}
