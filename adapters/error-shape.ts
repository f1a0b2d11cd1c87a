import { isObject, textAt, type Json } from './json.ts';

/** Longest text that is passed on from a server, in characters; who quotes it removes secrets and then cuts further. */
const MAX_LENGTH = 8192;

/** Keys under which servers say what went wrong, in the order in which they are believed. */
const COMMON_REASONS = ['error', 'errors', 'message', 'detail'];
const OTHER_REASONS = ['msg', 'error_message', 'error_msg', 'errorMessage', 'err_msg', 'reason', 'description'];
const CODES = ['code', 'status_code', 'statusCode', 'error_code', 'errorCode', 'errcode', 'err_code', 'status'];
const KINDS = ['type', 'object', 'event', 'status'];

const FAILED = /error|fail|abort|exception|denied|reject|exceed|timeout|timed.?out|unavailable|overload|cancel/i;
/** Words with which servers fill the time until the answer, or say that all is well. */
const HARMLESS =
  /^(ping|pong|keep[-_ ]?alive|heart[-_ ]?beat|ok(ay)?|success(ful)?|succeeded|pending|processing|queued?|waiting|running|start(ed|ing)?|(in[-_ ])?progress|info|status|log|debug|notice|loading|connected|ready|generating|streaming|created|accepted|completed?|done|finished|end|stop)[.!]*$/i;

/** Whether an event carries something of an answer, in any dialect. */
function hasAnswer(event: Json): boolean {
  const { choices, usage, meta_info: meta, text } = event;
  return (
    (Array.isArray(choices) && choices.length > 0) || isObject(usage) || isObject(meta) || typeof text === 'string'
  );
}

/** Whether an event has no key of an answer in any dialect: a keep-alive, a remark, or an error of unknown form. */
export function isAside(event: Json): boolean {
  return ['choices', 'usage', 'meta_info', 'text', 'output_ids', 'sglext', 'phases'].every((key) => !(key in event));
}

/** Whether an aside is there to keep the connection open, and says nothing. */
export function isKeepAlive(event: Json): boolean {
  return Object.values(event).every(isNothing) || KINDS.some((key) => HARMLESS.test(textAt(event, key) ?? ''));
}

/**
 * Whether an event, parsed, reports an error: an `error` that is not empty, beside an answer or not, or in place of the
 * answer a code, a message or another sign of failure.
 */
export function isErrorEvent(event: unknown): boolean {
  if (Array.isArray(event)) return event.some((each) => isObject(each) && isErrorEvent(each));
  if (!isObject(event)) return false;
  const choice: unknown = Array.isArray(event['choices']) ? event['choices'][0] : null;
  if (!isNothing(event['error']) || !isNothing(event['errors'])) return true;
  if (isObject(choice) && !isNothing(choice['error'])) return true;
  return !hasAnswer(event) && looksLikeError(event);
}

function looksLikeError(event: Json): boolean {
  if (event['success'] === false || event['ok'] === false) return true;
  if (KINDS.some((key) => FAILED.test(textAt(event, key) ?? ''))) return true;
  const codes = CODES.map((key) => isFailure(key, event[key])).filter((failure) => failure !== null);
  if (codes.length > 0) return codes.includes(true);
  if (KINDS.some((key) => HARMLESS.test(textAt(event, key) ?? ''))) return false;
  const detail = event['detail'];
  if (typeof detail === 'object' && !isNothing(detail)) return true;
  return [...COMMON_REASONS, ...OTHER_REASONS].some((key) => {
    const text = textAt(event, key)?.trim() ?? '';
    return text !== '' && !HARMLESS.test(text);
  });
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
    return reasonIn(JSON.parse(body));
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
    const code = CODES.map((name) => value[name]).find((each) => typeof each === 'number' || typeof each === 'string');
    if (reason !== null) return code === undefined ? reason : `${reason} (code ${code})`;
  }
  return null;
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
  const cut = text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH / 2)} ... ${text.slice(-MAX_LENGTH / 2)}`;
  return cut.replaceAll(/\s+/g, ' ').trim();
}
