import { z } from 'zod';
import type { After, JsonObject, Request } from '../../src/core/request.ts';
import { MOST_US } from './faults.ts';
import { quoted, type Format, type RowContext } from './format.ts';
import { given } from './given.ts';
import {
  fieldFault,
  jsonNotes,
  jsonRows,
  keysOf,
  nameText,
  TEXT_EXPECTED,
  type FieldExpectation,
} from './json-lines.ts';
import { asLength, estimated, messagesTokens, outputLength, tokensOf } from './texts.ts';

/** Messages may have images within them. */
const MOST_ROW_BYTES = 2 ** 26;
/** Branches of branches. */
const MOST_DEPTH = 100;

const object = z.record(z.string(), z.json());
const turn = z.object({
  messages: z.array(object.refine(({ role }) => typeof role === 'string')).min(1),
  model: nameText.nullish(),
  max_tokens: z.int().positive().nullish(),
  tools: z.array(z.json()).nullish(),
  extra: object.nullish(),
  forks: z.array(z.union([nameText, z.object({ child: nameText })])).nullish(),
  spawns: z
    .array(
      z.union([nameText, z.object({ children: z.array(nameText).min(1), join_at: z.int().nonnegative().nullish() })]),
    )
    .nullish(),
  delay: z
    .number()
    .nonnegative()
    .max(MOST_US / 1000)
    .nullish(),
});
type Turn = z.infer<typeof turn>;
const TURN: Readonly<Record<keyof Turn, FieldExpectation>> = {
  messages: { expected: 'a list of messages with roles' },
  model: { expected: TEXT_EXPECTED },
  max_tokens: { expected: 'a whole number of tokens from 1' },
  tools: { expected: 'a list of tools' },
  extra: { expected: 'an object' },
  forks: { expected: 'a list of session ids, or of objects with child' },
  spawns: { expected: 'a list of session ids, or of objects with children and join_at' },
  delay: { expected: 'milliseconds, from 0' },
};

const row = z.object({
  // First, as its other fields are no faults then.
  orchestrator: z.literal(false).nullish(),
  session_id: nameText,
  turns: z.array(z.unknown()).min(1),
  pre_session_spawns: z.array(nameText).nullish(),
  context_mode: nameText.nullish(),
});
const FIELDS: Readonly<Record<keyof z.infer<typeof row>, FieldExpectation>> = {
  session_id: { expected: TEXT_EXPECTED },
  turns: { expected: 'a list of turns' },
  pre_session_spawns: { expected: 'a list of session ids' },
  context_mode: { expected: TEXT_EXPECTED },
  orchestrator: {
    expected: 'false: a line that sends nothing of its own is not read; leave it out, and its spawns are sessions',
  },
};

const BRANCHES = /"(?:forks|spawns|pre_session_spawns|orchestrator)"\s*:/;
const TURNS_OF_MESSAGES = /"turns"\s*:\s*\[\s*\{[^[\]]*"messages"\s*:/;
/** Each turn has its whole prompt. */
const WHOLE = 'message_array_with_responses';

/**
 * AIPerf's conversations that branch (`dag_jsonl`): a session a line, messages that are new in each turn, and the sessions
 * that begin behind a turn: `forks` go on from its prompt, `spawns` from nothing, and the turn at which they join waits for
 * them. A session that no other names is one of the trace; what begins in it are its branches. All lines are held.
 */
export const aiperfDag: Format = {
  name: 'aiperf-dag',
  begins: '{"session_id":"...","turns":[{"messages":[...],"spawns":["..."]},...]}',
  starts: 'none',
  hasTexts: true,
  mostRowBytes: MOST_ROW_BYTES,
  matches: (head, rows) =>
    keysOf(head).includes('session_id') &&
    /"turns"\s*:|"orchestrator"\s*:/.test(head) &&
    [head, ...rows].some((line) => BRANCHES.test(line) || TURNS_OF_MESSAGES.test(line)),
  notes: (_, keys) => jsonNotes(keys, Object.keys(FIELDS)),
  async *read(text, rows) {
    const sessions = new Map<string, Session>();
    for await (const { line, row: found } of jsonRows(text, rows, row, FIELDS)) {
      const session = sessionOf(found, line, rows);
      if (session === null) continue;
      if (!sessions.has(session.name)) sessions.set(session.name, session);
      else
        rows.bad({
          line,
          column: null,
          message: `duplicate_id: session_id ${quoted(session.name)} stands in an earlier row too, expected unique ids`,
        });
    }
    yield* requestsOf(sessions, rows);
  },
};

interface Session {
  readonly name: string;
  readonly line: number;
  readonly turns: readonly Turn[];
  /** Begin with it. */
  readonly beside: readonly string[];
  readonly isWhole: boolean;
}

/** Null where a turn cannot be read: those behind it would have another prompt. */
function sessionOf(found: z.infer<typeof row>, line: number, rows: RowContext): Session | null {
  const turns: Turn[] = [];
  for (const [i, item] of found.turns.entries()) {
    const read = turn.safeParse(item);
    if (!read.success) {
      rows.bad({ line, column: null, message: fieldFault(read.error, item, TURN, `turns[${i}].`) });
      return null;
    }
    turns.push(read.data);
  }
  return {
    name: found.session_id,
    line,
    turns,
    beside: found.pre_session_spawns ?? [],
    isWhole: found.context_mode === WHOLE,
  };
}

/** Sessions that begin behind a turn, and the turn that waits for their last answers; null: none does. */
interface Group {
  readonly names: readonly string[];
  readonly isFork: boolean;
  readonly joinAt: number | null;
}

function groupsOf({ forks, spawns }: Turn, at: number): Group[] {
  return [
    ...(forks ?? []).map((fork) => ({
      names: [typeof fork === 'string' ? fork : fork.child],
      isFork: true,
      joinAt: null,
    })),
    ...(spawns ?? []).map((spawn) =>
      typeof spawn === 'string'
        ? { names: [spawn], isFork: false, joinAt: at + 1 }
        : { names: spawn.children, isFork: false, joinAt: spawn.join_at ?? at + 1 },
    ),
  ];
}

function namedIn({ beside, turns }: Session): readonly string[] {
  return [...beside, ...turns.flatMap((each, at) => groupsOf(each, at).flatMap(({ names }) => names))];
}

function* requestsOf(sessions: ReadonlyMap<string, Session>, rows: RowContext): Generator<Request> {
  const parents = new Map<string, string>();
  const bad = ({ line }: Session, message: string): void => rows.bad({ line, column: null, message });
  for (const session of sessions.values())
    for (const name of namedIn(session))
      if (!sessions.has(name)) bad(session, `no row has the session_id ${quoted(name)}, which forks or spawns name`);
      else if (parents.has(name))
        bad(session, `duplicate_id: ${quoted(name)} begins in ${quoted(parents.get(name))} too, expected one place`);
      else parents.set(name, session.name);
  const tree = new Tree(sessions, parents, rows);
  for (const session of sessions.values()) if (!parents.has(session.name)) yield* tree.requests(session);
  for (const session of sessions.values())
    if (!tree.has(session.name))
      bad(
        session,
        `parent_cycle: ${quoted(session.name)} begins in itself, by way of ${quoted(parents.get(session.name))}`,
      );
}

/** What a turn goes on from. */
interface Before {
  /** Tokens of the last prompt and its answer. */
  readonly tokens: number;
  readonly messages: readonly JsonObject[];
}

interface Ended {
  readonly id: string;
  /** As if answers took no time. */
  readonly dueUs: number;
}

const NOTHING: Before = { tokens: 0, messages: [] };

class Tree {
  readonly #sessions: ReadonlyMap<string, Session>;
  readonly #parents: ReadonlyMap<string, string>;
  readonly #rows: RowContext;
  readonly #begun = new Set<string>();
  #requests: Omit<Request, 'turn'>[] = [];
  /** The session that is read. */
  #root = '';

  constructor(sessions: ReadonlyMap<string, Session>, parents: ReadonlyMap<string, string>, rows: RowContext) {
    this.#sessions = sessions;
    this.#parents = parents;
    this.#rows = rows;
  }

  has(name: string): boolean {
    return this.#begun.has(name);
  }

  /** Of a session and its branches, in order of time. */
  *requests(root: Session): Generator<Request> {
    this.#requests = [];
    this.#root = root.name;
    this.#branch(root, [], NOTHING, 0);
    const inOrder = this.#requests.sort((a, b) => a.dueUs - b.dueUs);
    for (const [at, request] of inOrder.entries()) yield { ...request, turn: at };
  }

  /** `begin`: what its first turn waits for. Gives its last request. */
  #branch(session: Session, begin: readonly Ended[], from: Before, depth: number): Ended[] {
    this.#begun.add(session.name);
    const joins: Ended[][] = session.turns.map(() => []);
    let waits = begin;
    let before = from;
    for (const name of session.beside) this.#child(name, session, begin, NOTHING, depth);
    for (const [at, each] of session.turns.entries()) {
      const waitsFor = [...waits, ...(joins[at] ?? [])];
      const thinkUs = Math.round((each.delay ?? 0) * 1000);
      const dueUs = waitsFor.reduce((us, end) => Math.max(us, end.dueUs), 0) + thinkUs;
      const after = waitsFor.map(({ id }): After => ({ id, thinkUs }));
      const isContinued = at > 0 && !session.isWhole;
      const request = this.#request(session, at, each, { dueUs, after, before, isContinued });
      this.#requests.push(request);
      before = {
        tokens: request.inputTokens + request.outputTokens,
        messages: session.isWhole ? each.messages : [...before.messages, ...each.messages],
      };
      waits = [{ id: request.id, dueUs }];
      for (const { names, isFork, joinAt } of groupsOf(each, at))
        for (const name of names) {
          const ends = this.#child(name, session, waits, isFork ? before : NOTHING, depth);
          if (joinAt !== null) joins[Math.max(joinAt, at + 1)]?.push(...ends);
        }
    }
    return [...waits];
  }

  #child(name: string, parent: Session, begin: readonly Ended[], from: Before, depth: number): readonly Ended[] {
    const child = this.#sessions.get(name);
    if (child === undefined || this.#parents.get(name) !== parent.name || this.#begun.has(name)) return [];
    if (depth < MOST_DEPTH) return this.#branch(child, begin, from, depth + 1);
    this.#begun.add(name);
    this.#rows.bad({
      line: child.line,
      column: null,
      message: `${quoted(name)} is a branch of depth ${MOST_DEPTH + 1}, expected ${MOST_DEPTH} at most`,
    });
    return [];
  }

  /** `isContinued`: it goes on from the turn before in its own branch. */
  #request(
    { name, line, isWhole }: Session,
    at: number,
    each: Turn,
    { dueUs, after, before, isContinued }: Pick<Request, 'dueUs' | 'after'> & { before: Before; isContinued: boolean },
  ): Omit<Request, 'turn'> {
    const tokens = tokensOf(this.#rows);
    const isFork = at === 0 && !isWhole && before.messages.length > 0;
    if (isFork)
      this.#rows.remark?.(
        'a fork begins with the messages before it, without the answers to them, which are not there',
      );
    const messages = isFork ? [...before.messages, ...each.messages] : each.messages;
    const own = messagesTokens(messages, tokens) + (each.tools ? tokens.count(JSON.stringify(each.tools)) : 0);
    const params: JsonObject = { ...each.extra, ...(each.tools ? { tools: each.tools } : {}) };
    return {
      id: `${name}:${at}`,
      traceRow: line,
      dueUs,
      inputTokens: asLength(isContinued ? before.tokens + own : own),
      outputTokens: outputLength(this.#rows, each.max_tokens),
      prompt: { kind: 'messages', messages },
      session: this.#root,
      ...given({
        after,
        agent: name === this.#root ? null : name,
        model: each.model,
        newTokens: isContinued ? asLength(own) : null,
        params: Object.keys(params).length === 0 ? null : params,
      }),
      ...estimated(tokens),
    };
  }
}
