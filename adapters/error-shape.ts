import { CUT } from '../src/core/key-hider.ts';
import { isObject, parseJson, textAt, type Json } from './json.ts';

/** Longest text that is passed on from a server, in characters; who quotes it removes secrets and then cuts further. */
const MAX_LENGTH = 8192;

/** Keys under which servers say what went wrong, in the order in which they are believed. */
const COMMON_REASONS = ['error', 'errors', 'message', 'detail'];
const OTHER_REASONS = [
  'msg',
  'error_message',
  'error_msg',
  'errorMessage',
  'err_msg',
  'status_msg',
  'reason',
  'description',
];
/** Those under which, as under `message`, servers also make remarks, such as a place in the queue. */
const REMARKS: ReadonlySet<string> = new Set(['msg', 'status_msg', 'reason', 'description']);
const CODES = ['code', 'status_code', 'statusCode', 'error_code', 'errorCode', 'errcode', 'err_code', 'status'];
const KINDS = ['type', 'object', 'event', 'status'];

const FAILED = /error|fail|abort|exception|denied|reject|exceed|timeout|timed.?out|unavailable|overload|cancel/i;
/** Words with which servers fill the time until the answer, or say that all is well. */
const HARMLESS =
  /^(none|null|nil|n\/?a|false|no|no[-_ ]?errors?|normal|-+|ping|pong|keep[-_ ]?alive|heart[-_ ]?beat|ok(ay)?|success(ful)?|succeeded|pending|processing|queued?|waiting|running|start(ed|ing)?|(in[-_ ])?progress|info|status|log|debug|notice|loading|connected|ready|generating|streaming|created|accepted|completed?|done|finished|end|stop)[.!]*$/i;

/** Keys of the parts of an answer, in any dialect. */
const ANSWER = ['choices', 'usage', 'meta_info', 'text', 'output_ids', 'sglext', 'phases'];

/** Whether an event carries something of an answer: any part of it that is not null, nor a list or object of nothing. */
export function hasAnswer(event: Json): boolean {
  return ANSWER.some((key) => {
    const part = event[key] ?? null;
    return typeof part === 'object' ? part !== null && Object.keys(part).length > 0 : typeof part !== 'boolean';
  });
}

/**
 * What to quote of an event if the answer breaks off behind it; null where it says nothing. One that looks like a chunk
 * of an answer, though an empty one, is quoted for a reason alone.
 */
export function remarkOf(event: Json): string | null {
  if (!isNothing(event['error'])) return errorIn(event);
  if (ANSWER.some((key) => key in event)) return hasAnswer(event) ? null : reasonOf(event);
  const isKeepAlive =
    Object.values(event).every(isNothing) || KINDS.some((key) => HARMLESS.test(textAt(event, key) ?? ''));
  return isKeepAlive ? null : errorIn(event);
}

/**
 * Whether an event, parsed, reports an error: in place of text an `error` that does not mean that all is well, or
 * instead of an answer a code or another sign of failure. Beside text an `error` is one if its code or kind says so: some
 * servers have the field in every event.
 */
export function isErrorEvent(event: unknown): boolean {
  if (Array.isArray(event)) return event.some((each) => isObject(each) && isErrorEvent(each));
  if (!isObject(event)) return false;
  const choice: unknown = Array.isArray(event['choices']) ? event['choices'][0] : null;
  const failures = [event['error'], event['errors'], isObject(choice) ? choice['error'] : null].map(failureIn);
  if (failures.includes('sure') || (failures.includes('perhaps') && !hasText(event, choice))) return true;
  return !hasAnswer(event) && (looksLikeError(event) || failingPart(event) !== null);
}

function hasText(event: Json, choice: unknown): boolean {
  const delta = isObject(choice) ? (choice['delta'] ?? choice['message']) : null;
  const texts = [textAt(event, 'text'), textAt(choice, 'text')];
  if (isObject(delta)) texts.push(...Object.keys(delta).map((key) => (key === 'role' ? null : textAt(delta, key))));
  return texts.some((text) => (text ?? '') !== '');
}

/** Whether an `error` is one: surely by its code or kind, perhaps by a text alone. */
function failureIn(error: unknown): 'sure' | 'perhaps' | null {
  if (isNothing(error)) return null;
  if (Array.isArray(error)) return error.map(failureIn).find((failure) => failure !== null) ?? null;
  if (isObject(error)) {
    const verdict = verdictOf(error);
    if (verdict !== null) return verdict ? 'sure' : null;
    const reason = reasonIn(error);
    return reason !== null && HARMLESS.test(reason.trim()) ? null : 'perhaps';
  }
  const text = typeof error === 'string' ? error.trim() : '';
  const code = typeof error === 'number' || /^\d+$/.test(text) ? isFailure('code', error) : null;
  if (code !== null) return code ? 'sure' : null;
  return HARMLESS.test(text) ? null : 'perhaps';
}

/** What the codes of an object, and its kind, say: failure, or that all is well; null: neither. */
function verdictOf(value: Json): boolean | null {
  if (value['success'] === false || value['ok'] === false) return true;
  const kinds = KINDS.map((key) => textAt(value, key)?.trim() ?? '');
  if (kinds.some((kind) => FAILED.test(kind) && !HARMLESS.test(kind))) return true;
  const codes = CODES.map((key) => isFailure(key, value[key])).filter((failure) => failure !== null);
  if (codes.length > 0) return codes.includes(true);
  return kinds.some((kind) => HARMLESS.test(kind)) ? false : null;
}

function looksLikeError(event: Json): boolean {
  const verdict = verdictOf(event);
  if (verdict !== null) return verdict;
  const detail = event['detail'];
  if (typeof detail === 'object' && !isNothing(detail)) return true;
  return ['detail', ...OTHER_REASONS].some((key) => {
    const text = textAt(event, key)?.trim() ?? '';
    return !REMARKS.has(key) && text !== '' && !HARMLESS.test(text);
  });
}

/** The object in an event that has both the code of a failure and a reason, such as MiniMax's `base_resp`. */
function failingPart(event: Json): Json | null {
  const parts = Object.keys(event).map((key) => (ANSWER.includes(key) ? null : event[key]));
  return parts.filter(isObject).find((part) => verdictOf(part) === true && reasonIn(part) !== null) ?? null;
}

/** What an event says of its error, in one line, wherever it stands in it; else the event itself. */
export function errorIn(event: unknown): string {
  const text = JSON.stringify(event);
  if (!isObject(event)) return errorMessageOf(text);
  const choice: unknown = Array.isArray(event['choices']) ? event['choices'][0] : null;
  return reasonOf(event) ?? reasonWithCode(failingPart(event)) ?? reasonWithCode(choice) ?? errorMessageOf(text);
}

function reasonWithCode(value: unknown): string | null {
  const reason = reasonOf(value);
  const error = isObject(value) && isObject(value['error']) ? value['error'] : value;
  const code = isObject(error) ? codeOf(error) : undefined;
  return reason === null || code === undefined || reason.includes(String(code)) ? reason : `${reason} (code ${code})`;
}

/** Whether a code says failure, or success; null where it says neither. */
function isFailure(key: string, code: unknown): boolean | null {
  const text = typeof code === 'number' || typeof code === 'string' ? String(code).trim() : '';
  if (text === '') return null;
  if (HARMLESS.test(text)) return false;
  const value = Number(text);
  if (Number.isNaN(value)) return key === 'status' ? null : true;
  if (value === 0 || (value >= 100 && value < 300)) return false;
  return key === 'status' ? value >= 400 || null : true;
}

/** Null, '', 0, false, or a list or object of nothing else: servers that send `"error":{}` mean no error. */
function isNothing(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).every(isNothing);
  return typeof value === 'string' ? value.trim() === '' : !value;
}

/**
 * One line out of an error body or event: what it says under `error`, `message`, `detail` and other names, at any depth;
 * else the text itself.
 */
export function errorMessageOf(body: string): string {
  return bounded(messageIn(body) ?? body) || 'no message';
}

function messageIn(body: string): string | null {
  try {
    return reasonIn(parseJson(body));
  } catch {
    return null;
  }
}

/** What servers send in place of a finish reason while there is none. */
const NO_REASON = /^\s*(null|none|nil|undefined)?\s*$/i;

/** A finish reason, as text or as an object with a type; null while there is none. */
export function finishReasonIn(value: unknown): string | null {
  const reason = typeof value === 'string' ? value : textAt(value, 'type');
  return reason === null || NO_REASON.test(reason) ? null : reason;
}

/** Whether a finish reason means that the server gave the request up; `insufficient_system_resource` is DeepSeek's. */
export function isGivenUp(finishReason: string): boolean {
  return /error|fail|abort|exception|cancel|timeout|overload|insufficient/i.test(finishReason);
}

/** What an event says about why the server gave the request up: the first of `sources` that gives a reason. */
export function reasonOf(...sources: readonly unknown[]): string | null {
  for (const source of sources) {
    const reason = isObject(source) ? reasonIn(source) : null;
    if (reason !== null) return bounded(reason);
  }
  return null;
}

function reasonIn(value: unknown): string | null {
  if (typeof value === 'string') return value.trim() === '' ? null : value;
  if (Array.isArray(value)) return reasonInList(value);
  if (!isObject(value)) return null;
  for (const key of COMMON_REASONS) {
    const reason = reasonIn(value[key]);
    if (reason !== null) return reason;
  }
  for (const key of OTHER_REASONS) {
    const reason = reasonIn(value[key]);
    const code = codeOf(value);
    if (reason !== null) return code === undefined ? reason : `${reason} (code ${code})`;
  }
  return null;
}

/** The HTTP error status among the codes of an event, or of the error in it; null where there is none. */
export function statusIn(value: unknown): number | null {
  if (Array.isArray(value)) return statusIn(value[0]);
  if (!isObject(value)) return null;
  const choice: unknown = Array.isArray(value['choices']) ? value['choices'][0] : null;
  const codes = CODES.map((key) => Number(value[key])).filter((code) => code >= 400 && code < 600);
  return codes[0] ?? statusIn(value['error']) ?? statusIn(choice);
}

function codeOf(value: Json): number | string | undefined {
  return CODES.map((name) => value[name]).find((each) => typeof each === 'number' || typeof each === 'string');
}

/** FastAPI's list has the place of each fault beside its message: it is quoted as it is. */
function reasonInList(list: readonly unknown[]): string | null {
  if (list.every(isNothing)) return null;
  const [first] = list;
  if (list.every((each) => typeof each === 'string')) return list.join('; ');
  return (list.length === 1 && isObject(first) && !('loc' in first) && reasonIn(first)) || JSON.stringify(list);
}

/** A text on one line, its middle left out where it is far too long: a reason stands at the start or at the end. */
export function bounded(text: string): string {
  const cut = text.length <= MAX_LENGTH ? text : text.slice(0, MAX_LENGTH / 2) + CUT + text.slice(-MAX_LENGTH / 2);
  return cut.replaceAll(/\s+/g, ' ').trim();
}
