import type { Json, JsonObject } from '../../src/core/request.ts';
import { isJsonObject } from './body-params.ts';
import { MOST_US } from './faults.ts';
import { absoluteTimeToUs } from './fields.ts';
import { cellText, FieldError, quoted } from './format.ts';

/** A span, whatever the file's form. */
export interface Span {
  /** Lower case, as the other ids; empty where the span has none. Unique within a trace. */
  readonly id: string;
  /** The trace that it is of; empty where nothing says it. */
  readonly trace: string;
  /** Empty for a root. */
  readonly parent: string;
  readonly startUs: number;
  /** Null where it has no end. */
  readonly endUs: number | null;
  readonly hasFailed: boolean;
  readonly attributes: ReadonlyMap<string, Json>;
}

/** OTLP's code of an error. */
const STATUS_ERROR = 2;

/**
 * Spans of one JSON object: OTLP's `resourceSpans`, one of its spans alone, or inference-perf's object of a trace with
 * flat spans. A span that cannot be read is given to `bad`, with its place in the object.
 */
export function* spansOf(object: JsonObject, bad: (message: string) => void): Generator<Span> {
  let at = 0;
  const trace = idText(object['trace_id']);
  for (const [span, isOtlp] of rawSpans(object)) {
    at++;
    try {
      yield isOtlp ? otlpSpan(span) : flatSpan(span, trace);
    } catch (thrown) {
      if (!(thrown instanceof FieldError)) throw thrown;
      bad(`span ${at}: ${thrown.message}`);
    }
  }
}

function* rawSpans(object: JsonObject): Generator<[span: JsonObject, isOtlp: boolean]> {
  if ('startTimeUnixNano' in object) yield [object, true];
  for (const span of objectsAt(object, 'spans')) yield [span, 'startTimeUnixNano' in span];
  for (const resource of objectsAt(object, 'resourceSpans'))
    for (const key of ['scopeSpans', 'instrumentationLibrarySpans'])
      for (const scope of objectsAt(resource, key)) for (const span of objectsAt(scope, 'spans')) yield [span, true];
}

function objectsAt(object: JsonObject, key: string): JsonObject[] {
  const value = object[key];
  return Array.isArray(value) ? value.filter((each) => isJsonObject(each)) : [];
}

function otlpSpan(span: JsonObject): Span {
  const status = span['status'];
  const attributes = new Map<string, Json>();
  for (const attribute of objectsAt(span, 'attributes')) {
    const { key, value } = attribute;
    if (typeof key === 'string' && isJsonObject(value)) attributes.set(key, anyValue(value));
  }
  const end = span['endTimeUnixNano'];
  return {
    id: idText(span['spanId']),
    trace: idText(span['traceId']),
    parent: idText(span['parentSpanId']),
    startUs: nanosToUs('startTimeUnixNano', span['startTimeUnixNano']),
    endUs: end === undefined || cellText(end) === '0' ? null : nanosToUs('endTimeUnixNano', end),
    hasFailed: (isJsonObject(status) && isError(status['code'])) || attributes.has('error.type'),
    attributes,
  };
}

function isError(code: unknown): boolean {
  return code === STATUS_ERROR || code === 'STATUS_CODE_ERROR' || code === 'ERROR';
}

/** `trace`: of the object that it stands in. */
function flatSpan(span: JsonObject, trace: string): Span {
  const attributes = isJsonObject(span['attributes']) ? span['attributes'] : {};
  const status = span['status'];
  const end = span['end_time'];
  return {
    id: idText(span['span_id']),
    trace: idText(span['trace_id']) || trace,
    parent: idText(span['parent_span_id'] ?? span['parent_id']),
    startUs: absoluteTimeToUs('start_time', cellText(span['start_time'])),
    endUs: end === undefined || end === null ? null : absoluteTimeToUs('end_time', cellText(end)),
    hasFailed:
      isError(isJsonObject(status) ? (status['status_code'] ?? status['code']) : status) || 'error.type' in attributes,
    attributes: new Map(Object.entries(attributes)),
  };
}

/** Ids are hexadecimal in either case. */
function idText(value: unknown): string {
  return typeof value === 'string' && !/^0*$/.test(value) ? value.toLowerCase().slice(0, 1024) : '';
}

/** Beyond 2^53, and so a decimal text; `quotedNanos` has made texts of numbers. */
function nanosToUs(name: string, value: unknown): number {
  const digits = typeof value === 'string' && /^\d{1,20}$/.test(value) ? BigInt(value) : null;
  const us = digits === null ? Number.NaN : Number((digits + 500n) / 1000n);
  if (us <= MOST_US) return us;
  const fault = value === undefined || value === '' ? 'missing_time: ' : '';
  throw new FieldError(
    `${fault}${name} is ${value === undefined ? 'missing' : quoted(value)}, expected nanoseconds since 1970`,
  );
}

const NANOS = /("(?:start|end)TimeUnixNano"\s*:\s*)(\d+)(?=\s*[,}])/g;

/** A line of JSON in which nanoseconds that are numbers are texts: as doubles they would lose their last digits. */
export function quotedNanos(content: string): string {
  return content.includes('TimeUnixNano') ? content.replaceAll(NANOS, '$1"$2"') : content;
}

/** The value of an attribute as JSON; a 64-bit number may be a text. */
function anyValue(value: JsonObject): Json {
  if ('stringValue' in value) return value['stringValue'] ?? null;
  if ('intValue' in value) return numberOf(value['intValue']);
  if ('doubleValue' in value) return numberOf(value['doubleValue']);
  if ('boolValue' in value) return value['boolValue'] ?? null;
  const list = value['arrayValue'];
  if (isJsonObject(list)) return objectsAt(list, 'values').map((each) => anyValue(each));
  const pairs = value['kvlistValue'];
  if (!isJsonObject(pairs)) return null;
  return Object.fromEntries(
    objectsAt(pairs, 'values').map((pair) => {
      const inner = pair['value'];
      return [cellText(pair['key']), isJsonObject(inner) ? anyValue(inner) : null];
    }),
  );
}

function numberOf(value: Json | undefined): Json {
  return typeof value === 'string' && /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(value) ? Number(value) : (value ?? null);
}
