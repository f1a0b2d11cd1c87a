import { STATUS_CODES } from '../core/node-http.ts';
import { OUTCOMES, outcomeOfStatus, type Outcome, type RequestRecord } from '../core/record.ts';

const MAX_ERROR_CHARACTERS = 500;

/** What the names and words of Python's exceptions say of how a request ended; the first that fits. */
const SAID: readonly (readonly [Outcome, RegExp])[] = [
  ['cancelled', /cancel/i],
  [
    'connect_error',
    /ConnectTimeout|ConnectError|ClientConnector|Cannot connect|ConnectionRefused|NameResolution|gaierror/i,
  ],
  ['timeout', /time(?:d)? ?out/i],
  [
    'stream_broken',
    /Disconnect|ClientPayload|ConnectionReset|ClientOSError|BrokenPipe|RemoteProtocolError|ReadError|IncompleteRead|closed/i,
  ],
];

/**
 * How a request failed, from the error that a tool kept of it: a status, the reason of one (`Too Many Requests`), or the
 * traceback of an exception, whose last line says what it was.
 */
export function failureOf(
  text: string,
  status: number | null = null,
): Pick<RequestRecord, 'outcome' | 'http_status' | 'error'> {
  const ours = ownFailure(text, status);
  if (ours !== null) return ours;
  const line = lastLine(text);
  const http_status = status ?? statusSaid(line);
  const error = line === '' ? 'the file does not say why' : line.slice(0, MAX_ERROR_CHARACTERS);
  if (http_status !== null && http_status >= 300) return { outcome: outcomeOfStatus(http_status), http_status, error };
  const outcome = SAID.find(([, words]) => words.test(line))?.[0] ?? 'protocol_error';
  return { outcome, http_status, error };
}

/** A failure as Reprise writes it into files of other tools: `rejected (HTTP 429): slow down`, `timeout`. */
function ownFailure(text: string, given: number | null): ReturnType<typeof failureOf> | null {
  const [, name, digits, error] = /^([a-z_]+)(?: \(HTTP (\d+)\))?(?:: (.*))?$/s.exec(text) ?? [];
  const outcome = OUTCOMES.find((each) => each === name);
  if (outcome === undefined) return null;
  return {
    outcome,
    http_status: digits === undefined ? given : Number(digits),
    error: error?.slice(0, MAX_ERROR_CHARACTERS) ?? null,
  };
}

/** Of a traceback the line that names the exception; any other text as one line. */
function lastLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  const isTraceback = lines.some((line) => line.startsWith('Traceback (most recent call last)'));
  const said = lines.filter((line) => line !== '');
  return isTraceback
    ? (said.findLast((line) => /^[\w.]+(?:Error|Exception|Exit|Interrupt)?\b/.test(line)) ?? '')
    : said.join(' ');
}

const STATUS_OF_REASON: ReadonlyMap<string, number> = new Map(
  Object.entries(STATUS_CODES).map(([status, reason]) => [(reason ?? '').toLowerCase(), Number(status)]),
);

/** Where the words of clients have a status: `429 ...`, `HTTP/1.1 503`, `status=500`, `Error code: 429`, `Client error '404 ...`. */
const STATUS = /(?:^|\bHTTP(?:\/[\d.]+)?\s+|\b(?:status|code)\w*\s*[=:]?\s*|\berror '\s*|Error:\s+)([45]\d\d)\b/i;

function statusSaid(line: string): number | null {
  const [, digits] = STATUS.exec(line) ?? [];
  if (digits !== undefined) return Number(digits);
  const [reason = ''] = line.split(':');
  return STATUS_OF_REASON.get(reason.trim().toLowerCase()) ?? null;
}
