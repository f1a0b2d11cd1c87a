import { z } from 'zod';
import type { Request } from '../../src/core/request.ts';
import { LargeSet } from '../large-set.ts';
import { COUNT_EXPECTED, farTime, LENGTH_EXPECTED, MOST_US } from './faults.ts';
import { quoted, type Format, type RowContext } from './format.ts';
import { given } from './given.ts';
import {
  blockIds,
  count,
  fieldFault,
  jsonNotes,
  jsonRows,
  length,
  nameText,
  parseJson,
  TEXT_EXPECTED,
  type FieldExpectation,
} from './json-lines.ts';
import { BlockScopes } from './block-scopes.ts';
import { waitsOf, type Branch, type TimedCall } from './waits.ts';

/** Tokens of a block where the file does not say. */
const USUAL_BLOCK = 64;
/** A conversation of thousands of requests with thousands of block ids each. */
const MOST_ROW_BYTES = 256 * 2 ** 20;
/** Subagents within subagents. */
const MOST_DEPTH = 8;

const seconds = z
  .number()
  .nonnegative()
  .max(MOST_US / 1e6);
const SECONDS_EXPECTED = 'seconds, from 0';
const conversation = z.object({
  id: nameText.nullish(),
  block_size: length.nullish(),
  hash_id_scope: z.enum(['local', 'global']).nullish(),
  // Columns of Parquet whose items differ are kept as JSON texts.
  requests: z.preprocess((value) => (typeof value === 'string' ? parseJson(value) : value), z.array(z.unknown())),
});
type Conversation = z.infer<typeof conversation>;
const FIELDS: Readonly<Record<keyof Conversation, FieldExpectation>> = {
  id: { expected: TEXT_EXPECTED },
  block_size: { expected: LENGTH_EXPECTED },
  hash_id_scope: { expected: '"local" or "global"' },
  requests: { kind: 'length', expected: 'a list of requests' },
};
/** What a conversation says besides, which its requests say too or which is a total of theirs. */
const TOLD_OTHERWISE = ['models', 'tool_tokens', 'system_tokens', 'totals', '_analysis'];

const call = z.object({
  t: seconds,
  model: nameText.nullish(),
  in: count,
  out: count,
  hash_ids: blockIds.nullish(),
  api_time: seconds.nullish(),
  ttft: seconds.nullish(),
  think_time: seconds.nullish(),
});
type Call = z.infer<typeof call>;
const CALL_FIELDS: Readonly<Record<keyof Call, FieldExpectation>> = {
  t: { kind: 'time', expected: 'seconds from the start of the conversation' },
  model: { expected: TEXT_EXPECTED },
  in: { kind: 'length', expected: COUNT_EXPECTED },
  out: { kind: 'length', expected: COUNT_EXPECTED },
  hash_ids: { expected: 'a list of whole numbers, one a full block of the prompt' },
  api_time: { expected: SECONDS_EXPECTED },
  ttft: { expected: SECONDS_EXPECTED },
  think_time: { expected: SECONDS_EXPECTED },
};

const subagent = z.object({
  t: seconds,
  agent_id: nameText.nullish(),
  duration_ms: z
    .number()
    .nonnegative()
    .max(MOST_US / 1000)
    .nullish(),
  requests: z.array(z.unknown()).nullish(),
});
type Subagent = z.infer<typeof subagent>;
const SUBAGENT_FIELDS: Readonly<Record<keyof Subagent, FieldExpectation>> = {
  t: { kind: 'time', expected: 'seconds from the start of the conversation' },
  agent_id: { expected: TEXT_EXPECTED },
  duration_ms: { expected: 'milliseconds, from 0' },
  requests: { expected: 'a list of requests' },
};

/**
 * Weka's traces of Claude Code: a conversation an object, with the block ids of each request's whole prompt, and
 * subagents among its requests. Conversations do not say when they began. Block ids count within a conversation unless
 * it says otherwise; only full blocks have one, and a last one for a part of a block is dropped.
 */
export const weka: Format = {
  name: 'weka',
  begins: '{"id":"...","block_size":64,"requests":[{"t":0.0,"type":"s","in":...,"out":...,"hash_ids":[...]}]}',
  starts: 'none',
  mostRowBytes: MOST_ROW_BYTES,
  // The first conversation may be longer than what is read of a file to know its format.
  matches: (head) =>
    /^\{.*"requests"\s*:\s*"?\[/.test(head) &&
    /"(?:block_size|hash_ids|hash_id_scope|tool_tokens)"\s*:/.test(head) &&
    !/"input_length"\s*:/.test(head),
  // A first conversation that says its size behind all of its requests may say it beyond what is read here.
  blockTokens([head = ''], preferred) {
    return Number(/"block_size"\s*:\s*(\d+)/.exec(head)?.[1] ?? preferred ?? USUAL_BLOCK);
  },
  notes: (_, keys) => [
    ...(keys.has(TIMED) ? [] : ['no api_time: think times are found from the gaps between the starts of requests']),
    ...(keys.has('tool_tokens') || keys.has('system_tokens')
      ? ['tools and system prompt have block ids of their own in each conversation: none finds those of another']
      : []),
    ...jsonNotes(keys, [...Object.keys(FIELDS), ...TOLD_OTHERWISE, TIMED]),
  ],
  read: readWeka,
};

/** Among the keys of a file: some request says how long its answer took. */
const TIMED = 'requests[].api_time';

async function* readWeka(text: AsyncIterable<string>, rows: RowContext): AsyncGenerator<Request> {
  const seen = new LargeSet<string>();
  const scopes = new BlockScopes();
  const shared = scopes.scope();
  for await (const { line, row } of jsonRows(text, rows, conversation, FIELDS)) {
    const bad = (message: string): void => rows.bad({ line, column: null, message });
    const { id: session = `c${line}`, block_size: size = USUAL_BLOCK, hash_id_scope: scope = 'local' } = given(row);
    if (seen.has(session))
      bad(`duplicate_id: id ${quoted(session)} is that of an earlier conversation too, expected unique ids`);
    else if (size !== rows.blockTokens)
      bad(
        `block_count_mismatch: block_size is ${size}, expected ${rows.blockTokens} as in the first conversation; --block-tokens ${size} if all have that size`,
      );
    else {
      const found = new ConversationReader(session, line, size, rows, scope === 'global' ? shared : scopes.scope());
      const requests = found.requests(row.requests);
      if (requests.some(({ source }) => source?.e2eUs !== undefined)) rows.keys?.add(TIMED);
      yield* requests;
    }
    seen.add(session);
  }
}

/** Where a list of requests stands. */
interface Place {
  /** Of a message: `requests[3].requests`. */
  readonly at: string;
  /** Of the ids of its requests: `3.`. */
  readonly key: string;
  /** What has to be added to its times, and the time before which none of it was. */
  readonly baseUs: number;
  readonly startUs: number;
  readonly endUs: number | null;
  readonly agent: string | null;
  readonly depth: number;
}

class ConversationReader {
  readonly #session: string;
  readonly #line: number;
  readonly #blockTokens: number;
  readonly #rows: RowContext;
  readonly #blockName: (id: number) => number;
  readonly #found: Omit<Request, 'turn'>[] = [];

  constructor(session: string, line: number, blockTokens: number, rows: RowContext, blockName: (id: number) => number) {
    this.#session = session;
    this.#line = line;
    this.#blockTokens = blockTokens;
    this.#rows = rows;
    this.#blockName = blockName;
  }

  #bad(message: string): void {
    this.#rows.bad({ line: this.#line, column: null, message });
  }

  /** In order of time, which counts from the first of them. */
  requests(items: readonly unknown[]): Request[] {
    const place: Place = { at: 'requests', key: '', baseUs: 0, startUs: 0, endUs: null, agent: null, depth: 0 };
    const main = this.#branch(items, place);
    const waits = waitsOf(main, resolutionUs(main.calls.map(({ startUs }) => startUs)));
    const inOrder = this.#found.sort((a, b) => a.dueUs - b.dueUs);
    const firstUs = inOrder[0]?.dueUs ?? 0;
    return inOrder.map((request, turn) => ({
      ...request,
      ...waits.get(request.id),
      dueUs: request.dueUs - firstUs,
      turn,
    }));
  }

  #branch(items: readonly unknown[], place: Place): Branch {
    const calls: TimedCall[] = [];
    const branches: Branch[] = [];
    for (const [i, item] of items.entries()) {
      const at = `${place.at}[${i}]`;
      if (isSubagent(item)) {
        const inner = this.#subagent(item, at, `${place.key}${i}.`, place);
        if (inner !== null) branches.push(inner);
        continue;
      }
      const row = call.safeParse(item);
      const fault = row.success ? this.#fault(row.data, at) : fieldFault(row.error, item, CALL_FIELDS, `${at}.`);
      if (fault !== null || !row.success) this.#bad(fault ?? '');
      else if (row.data.in === 0 || row.data.out === 0)
        this.#rows.leftOut?.({
          line: this.#line,
          reason: `no ${row.data.in === 0 ? 'prompt: in' : 'answer: out'} is 0`,
        });
      else calls.push(this.#call(row.data, `${place.key}${i}`, place));
    }
    return { startUs: place.startUs, calls, endUs: place.endUs, branches };
  }

  #subagent(item: unknown, at: string, key: string, outer: Place): Branch | null {
    const row = subagent.safeParse(item);
    if (!row.success) this.#bad(fieldFault(row.error, item, SUBAGENT_FIELDS, `${at}.`));
    else if (outer.depth === MOST_DEPTH) this.#bad(`${at} is a subagent of depth ${MOST_DEPTH + 1}, expected fewer`);
    else {
      const { t, agent_id: agent, duration_ms: durationMs } = row.data;
      const requests = row.data.requests ?? [];
      const startUs = toUs(t) + outer.baseUs;
      return this.#branch(requests, {
        at: `${at}.requests`,
        key,
        baseUs: isRelative(requests, t) ? startUs : outer.baseUs,
        startUs,
        endUs: typeof durationMs === 'number' ? startUs + Math.round(durationMs * 1000) : null,
        agent: agent ?? `subagent ${key.slice(0, -1)}`,
        depth: outer.depth + 1,
      });
    }
    return null;
  }

  #fault({ t, in: tokens, hash_ids: ids }: Call, at: string): string | null {
    const far = farTime(`${at}.t`, toUs(t), 0);
    if (far !== null || ids === null || ids === undefined || ids.length === 0) return far;
    const [full, all] = [Math.floor(tokens / this.#blockTokens), Math.ceil(tokens / this.#blockTokens)];
    return ids.length === full || ids.length === all
      ? null
      : `block_count_mismatch: ${at}.hash_ids has ${ids.length} ids, expected ${full} for in ${tokens} in blocks of ${this.#blockTokens}`;
  }

  #call(row: Call, key: string, { baseUs, startUs: earliestUs, agent }: Place): TimedCall {
    const id = `${this.#session}:${key}`;
    const startUs = Math.max(earliestUs, toUs(row.t) + baseUs);
    const source = given({
      ttftUs: toUsIfAny(row.ttft),
      e2eUs: toUsIfAny(row.api_time),
    });
    const ids = row.hash_ids?.slice(0, Math.floor(row.in / this.#blockTokens)).map(this.#blockName);
    this.#found.push({
      id,
      traceRow: this.#line,
      dueUs: startUs,
      inputTokens: row.in,
      outputTokens: row.out,
      session: this.#session,
      ...given({ agent, model: row.model, blocks: ids?.length === 0 ? null : ids }),
      ...(Object.keys(source).length === 0 ? {} : { source }),
    });
    return {
      id,
      startUs,
      endUs: source.e2eUs === undefined ? null : startUs + source.e2eUs,
      thinkUs: toUsIfAny(row.think_time),
    };
  }
}

function isSubagent(item: unknown): boolean {
  return typeof item === 'object' && item !== null && 'type' in item && item.type === 'subagent';
}

function toUs(s: number): number {
  return Math.round(s * 1e6);
}

function toUsIfAny(s: number | null | undefined): number | null {
  return s === null || s === undefined ? null : toUs(s);
}

/**
 * Whether the times in a subagent count from its own start, as older files have them, and not from that of the
 * conversation: one of them is earlier than the subagent's start, be that rounded less than they are.
 */
function isRelative(items: readonly unknown[], startS: number): boolean {
  const times = items.flatMap((item) =>
    typeof item === 'object' && item !== null && 't' in item && typeof item.t === 'number' ? [item.t] : [],
  );
  const first = times.reduce((least, t) => Math.min(least, t), Number.POSITIVE_INFINITY);
  return (first === 0 && startS > 0) || toUs(first) < toUs(startS) - resolutionUs(times.map(toUs));
}

/** To what times are rounded: seconds, tenths, or less. */
function resolutionUs(timesUs: readonly number[]): number {
  return [1e6, 1e5].find((unit) => timesUs.every((us) => us % unit === 0)) ?? 1e4;
}
