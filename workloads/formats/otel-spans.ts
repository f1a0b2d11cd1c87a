import type { Json, JsonObject } from '../../src/core/request.ts';
import { isJsonObject } from './body-params.ts';
import { MOST_US } from './faults.ts';
import { absoluteTimeToUs } from './fields.ts';
import { cellText, FieldError, namesText, quoted } from './format.ts';

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
 * Spans of one JSON object: OTLP's `resourceSpans`, as Tempo and Python name it too, one of its spans alone, an object of
 * a trace with flat spans (inference-perf, Exgentic) or with those of Jaeger, or one that an SDK printed. A span that cannot
 * be read is given to `bad`, with its place in the object; an object without any place for spans too.
 */
export function* spansOf(object: JsonObject, bad: (message: string) => void): Generator<Span> {
  const lists = rawSpans(object);
  if (lists === null) {
    bad(`the line has the keys ${namesText(Object.keys(object))}, expected resourceSpans, or spans`);
    return;
  }
  let at = 0;
  for (const span of lists) {
    at++;
    try {
      yield spanOf(span, object);
    } catch (thrown) {
      if (!(thrown instanceof FieldError)) throw thrown;
      bad(`span ${at}: ${thrown.message}`);
    }
  }
}

/** What the Collector writes beside spans. */
const OTHER_SIGNALS = ['resourceMetrics', 'resourceLogs', 'resource_metrics', 'resource_logs'];

/** Null for an object that is no place for spans. */
function rawSpans(object: JsonObject): JsonObject[] | null {
  if (isSpan(object)) return [object];
  if (Array.isArray(object['spans'])) return objectsAt(object, 'spans');
  if (isJsonObject(object['trace'])) return rawSpans(object['trace']);
  const key = ['resourceSpans', 'resource_spans', 'batches'].find((name) => Array.isArray(object[name]));
  if (key === undefined) return OTHER_SIGNALS.some((name) => name in object) ? [] : null;
  return objectsAt(object, key).flatMap((resource) =>
    ['scopeSpans', 'scope_spans', 'instrumentationLibrarySpans'].flatMap((name) =>
      objectsAt(resource, name).flatMap((scope) => objectsAt(scope, 'spans')),
    ),
  );
}

function isSpan(object: JsonObject): boolean {
  return 'startTimeUnixNano' in object || 'start_time_unix_nano' in object || 'context' in object;
}

/** `around`: the object that it stands in. */
function spanOf(span: JsonObject, around: JsonObject): Span {
  if ('start_time_unix_nano' in span) return otlpSpan(camelCase(span));
  if ('startTimeUnixNano' in span) return otlpSpan(span);
  if ('operationName' in span) return jaegerSpan(span);
  return flatSpan(span, around);
}

/** Names as the specification has them, of a span whose producer wrote those of the protocol's definition. */
function camelCase(object: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]): [string, Json] => [
      key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      Array.isArray(value)
        ? value.map((each: Json) => (isJsonObject(each) ? camelCase(each) : each))
        : isJsonObject(value)
          ? camelCase(value)
          : value,
    ]),
  );
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
    endUs: ['', '0'].includes(cellText(end)) ? null : nanosToUs('endTimeUnixNano', end),
    hasFailed: (isJsonObject(status) && isError(status['code'])) || attributes.has('error.type'),
    attributes,
  };
}

function isError(code: unknown): boolean {
  return code === STATUS_ERROR || code === 'STATUS_CODE_ERROR' || code === 'ERROR';
}

/** A span of Jaeger: microseconds, a duration and tags. */
function jaegerSpan(span: JsonObject): Span {
  const attributes = new Map<string, Json>();
  for (const { key, value } of objectsAt(span, 'tags'))
    if (typeof key === 'string' && value !== undefined) attributes.set(key, value);
  const startUs = absoluteTimeToUs('startTime', cellText(span['startTime']));
  const { duration } = span;
  const parent = objectsAt(span, 'references').find(({ refType }) => refType === 'CHILD_OF');
  return {
    id: idText(span['spanID']),
    trace: idText(span['traceID']),
    parent: idText(parent?.['spanID'] ?? span['parentSpanID']),
    startUs,
    endUs: typeof duration === 'number' && duration >= 0 && duration < MOST_US ? startUs + Math.round(duration) : null,
    hasFailed: cellText(attributes.get('error')) === 'true' || isError(attributes.get('otel.status_code')),
    attributes,
  };
}

/** A span as SDKs print it and harnesses keep it: dates, and attributes as an object. */
function flatSpan(span: JsonObject, around: JsonObject): Span {
  const attributes = new Map(Object.entries(isJsonObject(span['attributes']) ? span['attributes'] : {}));
  const session = around['session_id'];
  if (session !== undefined && around !== span && !attributes.has('session.id')) attributes.set('session.id', session);
  const context = isJsonObject(span['context']) ? span['context'] : span;
  const status = span['status'];
  const end = span['end_time'];
  return {
    id: idText(context['span_id']),
    trace: idText(context['trace_id']) || idText(around['trace_id']) || idText(session),
    parent: idText(span['parent_span_id'] ?? span['parent_id']),
    startUs: absoluteTimeToUs('start_time', cellText(span['start_time'])),
    endUs: end === undefined || end === null ? null : absoluteTimeToUs('end_time', cellText(end)),
    hasFailed:
      isError(isJsonObject(status) ? (status['status_code'] ?? status['code']) : status) ||
      attributes.has('error.type'),
    attributes,
  };
}

/** Ids are hexadecimal in either case, and have `0x` before them where an SDK printed them. */
function idText(value: unknown): string {
  const id = typeof value === 'string' ? value.toLowerCase().replace(/^0x/, '') : '';
  return /^0*$/.test(id) ? '' : id.slice(0, 1024);
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

const NANOS = /("(?:start|end)(?:TimeUnixNano|_time_unix_nano)"\s*:\s*)(\d+)(?=\s*[,}])/g;

/** A line of JSON in which nanoseconds that are numbers are texts: as doubles they would lose their last digits. */
export function quotedNanos(content: string): string {
  return /TimeUnixNano|time_unix_nano/.test(content) ? content.replaceAll(NANOS, '$1"$2"') : content;
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
