import type { Json, Request } from '../../src/core/request.ts';
import { isJsonObject, objectIn, shapingParams } from './body-params.ts';
import { farTime } from './faults.ts';
import { quoted, type Format, type RowContext } from './format.ts';
import { given } from './given.ts';
import { jsonLines, nameText, noObject } from './json-lines.ts';
import { cached, countsOf, first, hasCounts, lengthsOf, type Lengths } from './otel-lengths.ts';
import { chatMessagesOf } from './otel-messages.ts';
import { quotedNanos, spansOf, type Span } from './otel-spans.ts';
import { SpanTree } from './otel-tree.ts';
import { sessionWaits } from './otel-waits.ts';
import { rowId } from '../row-id.ts';

const MODEL = ['gen_ai.request.model', 'gen_ai.response.model', 'llm.request.model', 'llm.model_name'];
const SESSION = [
  'gen_ai.conversation.id',
  'session.id',
  'langfuse.session.id',
  'exgentic.session.id',
  'traceloop.association.properties.session_id',
];
const USER = ['enduser.id', 'user.id'];
/** Seconds; the second is vLLM's. */
const FIRST_TOKEN = [
  'gen_ai.response.time_to_first_chunk',
  'gen_ai.latency.time_to_first_token',
  'gen_ai.server.time_to_first_token',
];
const INFERENCE = new Set(['chat', 'text_completion', 'generate_content']);

/** A whole export may be one object. */
const MOST_ROW_BYTES = 2 ** 28;

/**
 * OpenTelemetry's spans of generative AI: OTLP as JSON, whole or an object a line as the Collector's file exporter writes
 * it, what Tempo and Jaeger give, and traces of flat spans (inference-perf, Exgentic). Spans are written when they end, and spans of agents nest: all of them
 * are held, those without another inference below them become requests, in order of their starts. Within a session a
 * request waits for the answers, and the subagents, that were over when it began.
 */
export const otel: Format = {
  name: 'otel',
  begins: '{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":...,"attributes":[...]}]}]}]}',
  hasTexts: true,
  mostRowBytes: MOST_ROW_BYTES,
  matches: (head, rows) => [head, ...rows.slice(0, 50)].some((line) => SPANS.test(line)),
  read: readSpans,
};

const SPANS = new RegExp(
  [
    '"(?:resource_?spans|scope_?spans|start_?time_?unix_?nano)"\\s*:',
    // Of a trace: flat ones, and those of Jaeger.
    '"trace_?id"\\s*:.*"spans"\\s*:|"spans"\\s*:.*"trace_?id"\\s*:',
    '"spans"\\s*:\\s*\\[.*"start_time"\\s*:',
    // Printed by an SDK.
    '"context"\\s*:\\s*\\{[^}]*"span_id"\\s*:',
  ].join('|'),
  'i',
);

interface Placed {
  readonly line: number;
  readonly span: Span;
}

async function* readSpans(text: AsyncIterable<string>, rows: RowContext): AsyncGenerator<Request> {
  const placed: Placed[] = [];
  const tree = new SpanTree();
  for await (const lines of jsonLines(text, rows, new Set(['resourceSpans', 'batches', 'spans']), {
    prepare: quotedNanos,
  }))
    for (const found of lines) {
      const { line, value } = found;
      if (!isJsonObject(value)) {
        rows.bad(noObject(found, 'resourceSpans'));
        continue;
      }
      for (const span of spansOf(value, (message) => rows.bad({ line, column: null, message })))
        if (tree.add(span)) placed.push({ line, span });
        else rows.leftOut?.({ line, reason: 'a span that stands twice' });
    }
  yield* requestsOf(placed, tree, rows);
}

function isInference({ attributes }: Span): boolean {
  const operation = attributes.get('gen_ai.operation.name');
  if (typeof operation === 'string') return INFERENCE.has(operation);
  const kind = attributes.get('openinference.span.kind') ?? attributes.get('traceloop.span.kind');
  if (typeof kind === 'string') return /^llm$/i.test(kind);
  const type = attributes.get('llm.request.type');
  if (typeof type === 'string') return type === 'chat' || type === 'completion';
  return hasCounts(attributes);
}

/** An inference that is a request. */
interface Found extends Placed {
  readonly id: string;
  readonly lengths: Lengths;
  readonly session: string | undefined;
  /** The agents that it is of within another one, the outermost first. */
  readonly agents: readonly Span[];
}

function* requestsOf(placed: readonly Placed[], tree: SpanTree, rows: RowContext): Generator<Request> {
  const found = foundIn(placed, tree, rows);
  const waits = sessionWaits(
    found.flatMap(({ session, ...call }) => (session === undefined ? [] : { ...call, session })),
  );
  const turns = new Map<string, number>();
  const firstUs = found[0]?.span.startUs ?? 0;
  for (const { id, line, span, lengths, session, agents } of found) {
    const turn = session === undefined ? undefined : (turns.get(session) ?? 0);
    if (session !== undefined && turn !== undefined) turns.set(session, turn + 1);
    yield {
      id,
      traceRow: line,
      dueUs: span.startUs - firstUs,
      ...lengths,
      ...given({
        session,
        turn,
        agent: agentOf(agents.at(-1)),
        model: textOf(first(span.attributes, MODEL)),
        user: textOf(first(span.attributes, USER)),
        ...contentOf(span.attributes),
        source: sourceOf(span),
      }),
      ...waits.get(id),
    };
  }
}

/** In the order of their starts. */
function foundIn(placed: readonly Placed[], tree: SpanTree, rows: RowContext): Found[] {
  const above = tree.above(placed.map(({ span }) => span).filter(isInference));
  const inOrder = placed
    .filter(({ line, span }) => isRequest(span, above, (reason) => rows.leftOut?.({ line, reason })))
    .sort((a, b) => a.span.startUs - b.span.startUs);
  const found: Found[] = [];
  let firstUs: number | null = null;
  let seq = 0;
  for (const { line, span } of inOrder) {
    const counts = countsOf(span, rows.inputIs);
    if (counts.input === 0 || counts.output === 0) {
      rows.leftOut?.({ line, reason: `0 ${counts.input === 0 ? 'input' : 'output'} tokens` });
      continue;
    }
    const lengths = lengthsOf(span, counts, rows);
    const far =
      typeof lengths === 'string' ? null : farTime('the start of a span', span.startUs, (firstUs ??= span.startUs));
    if (typeof lengths === 'string' && span.hasFailed)
      rows.leftOut?.({ line, reason: 'a span that failed, without token counts' });
    else if (typeof lengths === 'string')
      rows.bad({ line, column: null, message: `${lengths} in the span ${quoted(span.id)}` });
    else if (far !== null) rows.bad({ line, column: null, message: far });
    else {
      const around = [...tree.ancestors(span)];
      const session = [span, ...around]
        .map(({ attributes }) => textOf(first(attributes, SESSION)))
        .find((id) => id !== undefined);
      while (tree.has(rowId(seq))) seq++;
      found.push({ id: tree.nameOf(span) ?? rowId(seq), line, span, lengths, session, agents: subagentsIn(around) });
      seq++;
    }
  }
  return found;
}

function isRequest(span: Span, above: ReadonlySet<Span>, leftOut: (reason: string) => void): boolean {
  if (!isInference(span)) {
    const operation = span.attributes.get('gen_ai.operation.name');
    if (typeof operation === 'string') leftOut(`a span of ${operation.slice(0, 60)}, no inference`);
    return false;
  }
  if (!above.has(span)) return true;
  leftOut('an inference span around another one: its tokens would count twice');
  return false;
}

/** Of the spans above one, the nearest first: the agents within another one, the outermost first. */
function subagentsIn(above: readonly Span[]): Span[] {
  const agents = above.filter(({ attributes }) => attributes.get('gen_ai.operation.name') === 'invoke_agent');
  return agents.slice(0, -1).toReversed();
}

function agentOf(agent: Span | undefined): string | undefined {
  if (agent === undefined) return undefined;
  return textOf(first(agent.attributes, ['gen_ai.agent.name', 'gen_ai.agent.id'])) ?? agent.id;
}

function textOf(value: unknown): string | undefined {
  return nameText.safeParse(value).data;
}

function contentOf(attributes: ReadonlyMap<string, Json>): Pick<Request, 'prompt' | 'params'> {
  const messages = chatMessagesOf(
    attributes.get('gen_ai.input.messages'),
    attributes.get('gen_ai.system_instructions'),
  );
  const fields = [...attributes].flatMap(([key, value]): [string, Json][] => {
    const field = /^gen_ai\.request\.(\w+)$/.exec(key)?.[1];
    return field === undefined ? [] : [[field === 'stop_sequences' ? 'stop' : field, value]];
  });
  const params = shapingParams(objectIn(Object.fromEntries(fields)));
  return {
    ...(messages === undefined ? {} : { prompt: { kind: 'messages', messages } }),
    ...(params === undefined ? {} : { params }),
  };
}

function sourceOf(span: Span): Request['source'] {
  const seconds = first(span.attributes, FIRST_TOKEN);
  const ttftUs = typeof seconds === 'number' && seconds >= 0 && seconds < 1e9 ? Math.round(seconds * 1e6) : undefined;
  return given({
    ttftUs,
    e2eUs: span.endUs === null || span.endUs < span.startUs ? undefined : span.endUs - span.startUs,
    cachedTokens: cached(span.attributes),
    failed: span.hasFailed ? (true as const) : undefined,
  });
}
