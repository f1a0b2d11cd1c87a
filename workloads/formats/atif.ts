import { z } from 'zod';
import type { Request } from '../../src/core/request.ts';
import { LargeSet } from '../large-set.ts';
import { StepMessages } from './atif-messages.ts';
import { BlockScopes } from './block-scopes.ts';
import { COUNT_EXPECTED } from './faults.ts';
import { absoluteTimeToUs } from './fields.ts';
import { isJsonObject } from './body-params.ts';
import { FieldError, type Format, type RowContext } from './format.ts';
import { given } from './given.ts';
import {
  count,
  fieldFault,
  jsonNotes,
  jsonRows,
  nameText,
  TEXT_EXPECTED,
  type FieldExpectation,
} from './json-lines.ts';
import { asLength, contentTokens, estimated, tokensOf } from './texts.ts';

/** What engines use, so that steps share to the block. */
const USUAL_BLOCK = 16;
/** A trajectory holds its texts. */
const MOST_ROW_BYTES = 256 * 2 ** 20;
/** Subagents within subagents. */
const MOST_DEPTH = 8;

const trajectory = z.object({
  schema_version: z.string().startsWith('ATIF-v1.').nullish(),
  session_id: nameText.nullish(),
  trajectory_id: nameText.nullish(),
  agent: z.looseObject({ model_name: nameText.nullish() }).nullish(),
  steps: z.array(z.unknown()),
  subagent_trajectories: z.array(z.unknown()).nullish(),
});
type Trajectory = z.infer<typeof trajectory>;
const FIELDS: Readonly<Record<keyof Trajectory, FieldExpectation>> = {
  schema_version: { expected: '"ATIF-v1." and a number' },
  session_id: { expected: TEXT_EXPECTED },
  trajectory_id: { expected: TEXT_EXPECTED },
  agent: { expected: 'an object' },
  steps: { kind: 'length', expected: 'a list of steps' },
  subagent_trajectories: { expected: 'a list of trajectories' },
};

const step = z.object({
  source: z.enum(['system', 'user', 'agent']),
  timestamp: z.string().nullish(),
  model_name: nameText.nullish(),
  message: z.unknown().optional(),
  reasoning_content: z.unknown().optional(),
  tool_calls: z.unknown().optional(),
  observation: z.looseObject({ results: z.array(z.unknown()).nullish() }).nullish(),
  metrics: z.looseObject({}).nullish(),
  llm_call_count: z.int().nonnegative().nullish(),
  is_copied_context: z.boolean().nullish(),
});
type Step = z.infer<typeof step>;
const STEP_FIELDS: Readonly<Record<keyof Step, FieldExpectation>> = {
  source: { expected: '"system", "user" or "agent"' },
  timestamp: { kind: 'time', expected: 'a time like 2026-01-05T10:00:00.250Z' },
  model_name: { expected: TEXT_EXPECTED },
  message: { expected: 'a text or a list of parts' },
  reasoning_content: { expected: 'a text' },
  tool_calls: { expected: 'a list of calls' },
  observation: { expected: 'an object with results' },
  metrics: { expected: 'an object' },
  llm_call_count: { expected: 'a whole number from 0' },
  is_copied_context: { expected: 'true or false' },
};

const metrics = z.object({
  prompt_tokens: count.nullish(),
  completion_tokens: count.nullish(),
  cached_tokens: count.nullish(),
});
const METRIC_FIELDS: Readonly<Record<keyof z.infer<typeof metrics>, FieldExpectation>> = {
  prompt_tokens: { kind: 'length', expected: COUNT_EXPECTED },
  completion_tokens: { kind: 'length', expected: COUNT_EXPECTED },
  cached_tokens: { expected: COUNT_EXPECTED },
};

/**
 * Trajectories of agents in the form of ATIF 1 (Harbor): a trajectory an object, a request each step of the agent that
 * called its model once. Prompts are the messages of the steps before; where nobody has said anything to the agent they
 * are drawn by their lengths. Without `metrics` lengths are those of the texts. A prompt shares what the provider found
 * cached, or the whole prompt before it where that is not said and it did not shrink. Trajectories do not say when they
 * start, and their times not whether a step began or ended then.
 */
export const atif: Format = {
  name: 'atif',
  begins: '{"schema_version":"ATIF-v1.7","agent":{...},"steps":[...]}',
  starts: 'none',
  hasTexts: true,
  mostRowBytes: MOST_ROW_BYTES,
  matches: (head) => /"schema_version"\s*:\s*"ATIF-v|"steps"\s*:\s*\[\s*\{\s*"step_id"\s*:/.test(head),
  blockTokens: (_, preferred) => preferred ?? USUAL_BLOCK,
  notes: (_, keys) => [
    'steps have one time each: the gap between two holds answer and tools together, an upper bound of think time',
    'the messages of the steps are sent, with calls of tools and their results; images and definitions of tools are not',
    ...jsonNotes(keys, [...Object.keys(FIELDS), 'final_metrics', 'notes', 'extra']),
  ],
  async *read(text, rows) {
    const sessions = new LargeSet<string>();
    const scopes = new BlockScopes();
    for await (const { line, row } of jsonRows(text, rows, trajectory, FIELDS)) {
      const named = row.trajectory_id ?? row.session_id ?? `trajectory-${line}`;
      // Trajectories of one run share its session id.
      const session = sessions.has(named) ? `${named}#${line}` : named;
      sessions.add(session);
      yield* new TrajectoryReader(session, line, scopes, rows).requests(row);
    }
  },
};

/** What exporters write that take a provider's counts as they are. */
const UNCACHED =
  'more cached tokens than prompt tokens: these count what was not cached; --input-is uncached adds the others';

/** Where a trajectory stands in its row. */
interface Place {
  /** Of messages: `subagent_trajectories[0].`. */
  readonly at: string;
  /** Of the ids of its requests: `0.`. */
  readonly key: string;
  readonly agent: string | null;
  /** The request whose step started it, and when that was. */
  readonly spawner: string | null;
  readonly startUs: number | null;
  readonly depth: number;
}

type Found = Omit<Request, 'turn' | 'prompt' | 'media'>;
type Lengths = Pick<Request, 'inputTokens' | 'outputTokens' | 'blocks' | 'source' | 'isEstimated'>;

/** How far a trajectory has been read. */
interface Progress {
  last: Found | null;
  timeUs: number;
  /** Last requests of the subagents that ended before the next step. */
  joins: string[];
}

class TrajectoryReader {
  readonly #session: string;
  readonly #line: number;
  readonly #scopes: BlockScopes;
  readonly #rows: RowContext;
  readonly #found: { readonly request: Found; readonly said: ReturnType<StepMessages['mark']> }[] = [];

  constructor(session: string, line: number, scopes: BlockScopes, rows: RowContext) {
    this.#session = session;
    this.#line = line;
    this.#scopes = scopes;
    this.#rows = rows;
  }

  /** In order of time, which counts from the first of them. */
  *requests(row: Trajectory): Generator<Request> {
    this.#read(row, { at: '', key: '', agent: null, spawner: null, startUs: null, depth: 0 });
    const inOrder = this.#found.sort((a, b) => a.request.dueUs - b.request.dueUs);
    const firstUs = inOrder[0]?.request.dueUs ?? 0;
    for (const [turn, { request, said }] of inOrder.entries())
      yield { ...request, dueUs: request.dueUs - firstUs, turn, ...said() };
  }

  /** Gives the id of the trajectory's last request; null where it has none. */
  #read(row: Trajectory, place: Place): string | null {
    const subagents = this.#subagents(row, place);
    const history = new History(row.steps, this.#rows);
    const messages = new StepMessages();
    const state: Progress = { last: null, timeUs: place.startUs ?? firstTime(row), joins: [] };
    for (const [i, item] of row.steps.entries())
      try {
        const at = `${place.at}steps[${i}].`;
        const found = step.safeParse(item);
        if (!found.success) throw new FieldError(fieldFault(found.error, item, STEP_FIELDS, at));
        if (found.data.timestamp)
          state.timeUs = Math.max(state.timeUs, absoluteTimeToUs(`${at}timestamp`, found.data.timestamp));
        if (this.#isRequest(found.data)) {
          const lengths = history.lengths(found.data, at, state.last, this.#scopes);
          const model = found.data.model_name ?? row.agent?.model_name;
          if (typeof lengths === 'string') this.#rows.leftOut?.({ line: this.#line, reason: lengths });
          else {
            const request = this.#next({ key: `${place.key}${i}`, ...lengths, ...given({ model }) }, place, state);
            this.#found.push({ request, said: messages.mark() });
          }
        }
        history.add(found.data);
        messages.add(found.data);
        for (const name of referred(found.data)) {
          const inner = name === null ? null : subagents.take(name);
          if (name === null) this.#rows.remark?.('a subagent in a file of its own is a session of its own');
          if (inner === null) continue;
          const spawner = state.last?.id ?? null;
          const end = this.#read(inner.row, { ...inner.place, spawner, startUs: state.timeUs });
          if (end !== null) state.joins.push(end);
        }
      } catch (thrown) {
        this.#bad(thrown);
      }
    for (const { row: inner, place: where } of subagents.rest()) this.#read(inner, where);
    return state.last?.id ?? null;
  }

  #next(
    { key, ...found }: Lengths & { key: string; model?: string },
    { agent, spawner }: Place,
    state: Progress,
  ): Found {
    const { last, timeUs, joins } = state;
    const joined = joins.map((id) => ({ id, thinkUs: 0 }));
    const next = {
      id: `${this.#session}:${key}`,
      traceRow: this.#line,
      dueUs: timeUs,
      session: this.#session,
      ...found,
      ...given({
        agent,
        parent: last?.id ?? spawner,
        after: last === null || joins.length === 0 ? null : [{ id: last.id, thinkUs: timeUs - last.dueUs }, ...joined],
      }),
    };
    state.joins = [];
    state.last = next;
    return next;
  }

  #isRequest({ source, llm_call_count: calls, is_copied_context: isCopied }: Step): boolean {
    if (source !== 'agent' || isCopied === true || calls === 0) return false;
    if (typeof calls === 'number' && calls > 1)
      this.#rows.remark?.('a step of several calls of the model counts as one');
    return true;
  }

  #subagents({ subagent_trajectories: list }: Trajectory, { at, key, depth }: Place): Subagents {
    const found = new Subagents();
    for (const [i, item] of (list ?? []).entries())
      try {
        const where = `${at}subagent_trajectories[${i}].`;
        const row = trajectory.safeParse(item);
        if (!row.success) throw new FieldError(fieldFault(row.error, item, FIELDS, where));
        if (depth === MOST_DEPTH)
          throw new FieldError(`${where.slice(0, -1)} is a subagent of depth ${MOST_DEPTH + 1}, expected fewer`);
        const agent = row.data.trajectory_id ?? `subagent ${key}${i}`;
        found.add(agent, {
          row: row.data,
          place: { at: where, key: `${key}${i}.`, agent, spawner: null, startUs: null, depth: depth + 1 },
        });
      } catch (thrown) {
        this.#bad(thrown);
      }
    return found;
  }

  #bad(thrown: unknown): void {
    if (!(thrown instanceof FieldError)) throw thrown;
    this.#rows.bad({ line: this.#line, column: null, message: thrown.message });
  }
}

interface Subagent {
  readonly row: Trajectory;
  readonly place: Place;
}

/** The trajectories that stand in another one, each taken once, by the step that refers to it. */
class Subagents {
  readonly #left = new Map<string, Subagent>();

  add(name: string, subagent: Subagent): void {
    this.#left.set(name, subagent);
  }

  take(name: string): Subagent | null {
    const found = this.#left.get(name) ?? null;
    this.#left.delete(name);
    return found;
  }

  /** Those that no step refers to. */
  rest(): readonly Subagent[] {
    return [...this.#left.values()];
  }
}

/** The first time that a step has: those before it have none, and are not before it. */
function firstTime({ steps }: Trajectory): number {
  for (const item of steps)
    try {
      const timestamp = step.safeParse(item).data?.timestamp;
      if (timestamp) return absoluteTimeToUs('timestamp', timestamp);
    } catch (thrown) {
      // Its own step tells of it.
      if (!(thrown instanceof FieldError)) throw thrown;
    }
  return 0;
}

/** The trajectories that a step's observation is of; null for one in another file. */
function referred({ observation }: Step): (string | null)[] {
  return (observation?.results ?? []).flatMap((result) => {
    const refs =
      result !== null && typeof result === 'object' && 'subagent_trajectory_ref' in result
        ? result.subagent_trajectory_ref
        : null;
    const list: readonly unknown[] = Array.isArray(refs) ? refs : [];
    return list.flatMap((ref) => {
      if (!isJsonObject(ref)) return [];
      const { trajectory_id: id, trajectory_path: path } = ref;
      return typeof id === 'string' ? [id] : typeof path === 'string' ? [null] : [];
    });
  });
}

/** The steps so far, as the prompt of the next one. */
class History {
  readonly #rows: RowContext;
  /** Some step has no lengths of its own: its texts are counted. */
  readonly #counts: boolean;
  #tokens = 0;

  constructor(steps: readonly unknown[], rows: RowContext) {
    this.#rows = rows;
    this.#counts = steps.some((item) => {
      const found = step.safeParse(item).data;
      const known = metrics.safeParse(found?.metrics ?? {}).data;
      const isMissing = [known?.prompt_tokens, known?.completion_tokens].some((tokens) => typeof tokens !== 'number');
      return found?.source === 'agent' && isMissing;
    });
  }

  add(found: Step): void {
    if (!this.#counts) return;
    const known = metrics.safeParse(found.metrics ?? {}).data ?? {};
    const { prompt_tokens: input, completion_tokens: output, cached_tokens: cached } = known;
    const isKnown = found.source === 'agent' && found.is_copied_context !== true && input && output;
    const beside = this.#rows.inputIs === 'uncached' ? (cached ?? 0) : 0;
    if (isKnown)
      this.#tokens = input + beside + output + this.#count({ source: 'agent', observation: found.observation });
    else this.#tokens += this.#count(found);
  }

  /** A text: why the step is no request. Throws a FieldError for lengths that are none. */
  lengths(found: Step, at: string, last: Found | null, scopes: BlockScopes): Lengths | string {
    const known = metrics.safeParse(found.metrics ?? {});
    if (!known.success) throw new FieldError(fieldFault(known.error, found.metrics, METRIC_FIELDS, `${at}metrics.`));
    const { prompt_tokens: input, completion_tokens: output, cached_tokens: cached } = known.data;
    // A call that was broken off, or that the model never got.
    if (input === 0 || output === 0) return `0 ${input === 0 ? 'prompt' : 'completion'} tokens`;
    const { inputIs, remark } = this.#rows;
    const isUncached = inputIs === 'uncached';
    if (!isUncached && input && cached && cached > input) remark?.(UNCACHED);
    const inputTokens = asLength(input ? input + (isUncached ? (cached ?? 0) : 0) : this.#tokens);
    const outputTokens = output ?? asLength(this.#count({ ...found, observation: null }));
    const size = this.#rows.blockTokens ?? USUAL_BLOCK;
    const before = last !== null && last.inputTokens <= inputTokens ? last.inputTokens : 0;
    const shared = Math.floor(Math.min(cached ?? before, inputTokens) / size);
    const blocks = scopes.grown(last?.blocks ?? [], shared, Math.floor(inputTokens / size));
    return {
      inputTokens,
      outputTokens,
      ...(blocks.length === 0 ? {} : { blocks }),
      ...(typeof cached === 'number' ? { source: { cachedTokens: cached } } : {}),
      ...(input && output ? {} : estimated(tokensOf(this.#rows))),
    };
  }

  #count({ message, reasoning_content: reasoning, tool_calls: calls, observation }: Step): number {
    const tokens = tokensOf(this.#rows);
    const json = (value: unknown): number =>
      value === null || value === undefined ? 0 : tokens.count(JSON.stringify(value));
    return contentTokens(message, tokens) + contentTokens(reasoning, tokens) + json(calls) + json(observation?.results);
  }
}
