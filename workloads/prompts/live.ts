import { isDeepStrictEqual } from 'node:util';
import type { PromptMaker } from '../../src/core/codec.ts';
import type { Json, JsonObject, Prompt, Request } from '../../src/core/request.ts';
import type { Answer, ResponseInfo, SessionTurn } from '../../src/core/target.ts';

/** A turn of a session as this run sends it, behind the turns and answers that its prompt repeats. */
export interface LiveTurn {
  readonly before: AnsweredTurn | null;
  /** The turn's request as planned. */
  readonly request: Request;
  /** Unique in the run, from 1. */
  readonly id: number;
  /** Tokens of its prompt: those of the turn before, of the answer to that, and what is new. */
  readonly inputTokens: number;
  /** What is new of its prompt; null where prompts are lengths alone. */
  readonly part: Prompt | null;
}

export interface AnsweredTurn extends LiveTurn {
  readonly answer: Answer;
  /** Tokens of the answer, as far as the next prompt repeats it. */
  readonly answerTokens: number;
}

/** How the parts of prompts are made. */
export interface LivePrompts {
  /** Of a whole prompt. */
  readonly form: Prompt['kind'];
  /** Of a session's first prompt. */
  readonly first: PromptMaker;
  /** Of what follows an answer: of `inputTokens` tokens, those that the server puts around both included. */
  readonly next: PromptMaker;
}

const NO_ANSWER: Answer = { text: '', ids: null, toolCalls: [], isCut: false };

/** The turn of a request, behind `before` or as the first. `prompts`: null where they are lengths alone. */
export function liveTurn(
  request: Request,
  before: AnsweredTurn | null,
  id: number,
  prompts: LivePrompts | null,
): LiveTurn {
  const { newTokens = 1 } = request;
  const inputTokens = before === null ? request.inputTokens : before.inputTokens + before.answerTokens + newTokens;
  return { before, request, id, inputTokens, part: prompts === null ? null : partOf(request, before, prompts) };
}

/** The turn with what came of it; null: it had no response. */
export function answered(
  turn: LiveTurn,
  response: Pick<ResponseInfo, 'answer' | 'outputTokens' | 'reasoningTokens'> | null,
): AnsweredTurn {
  const { answer = NO_ANSWER, outputTokens = null, reasoningTokens = null } = response ?? {};
  const planned = turn.request.outputTokens;
  if (turn.part === null) return { ...turn, answer, answerTokens: outputTokens ?? planned };
  const { text, ids, toolCalls } = answer;
  if (turn.part.kind === 'ids' && ids !== null) return { ...turn, answer, answerTokens: ids.length };
  // Reasoning is not repeated. The server's count is a claim: a token has a character, where there are more than planned.
  const isEmpty = turn.part.kind !== 'ids' && text === '' && toolCalls.length === 0;
  const said = (outputTokens ?? planned) - (reasoningTokens ?? 0);
  const answerTokens = isEmpty ? 0 : Math.max(1, Math.min(said, Math.max(planned, text.length)));
  return { ...turn, answer, answerTokens };
}

/** The request to send: its prompt is all that was said in its session, and what is new. */
export function liveRequest(turn: LiveTurn, prompts: LivePrompts | null): Request {
  const turns = turnsTo(turn);
  const { blocks: _, ...request } = turn.request;
  const { blocks } = turns[0].request;
  return {
    ...request,
    inputTokens: turn.inputTokens,
    ...(blocks === undefined ? {} : { blocks }),
    ...(prompts === null ? {} : { prompt: promptOf(turns, prompts) }),
  };
}

/** Where each token of its prompt and output comes from; `blockTokens`: of the blocks of its session's first prompt. */
export function sessionTurns(turn: LiveTurn, blockTokens: number | null): readonly [SessionTurn, ...SessionTurn[]] {
  const [first, ...others] = turnsTo(turn);
  const { inputTokens, blocks = [] } = first.request;
  return [
    { id: first.id, begin: Math.min(inputTokens, blocks.length * (blockTokens ?? 0)) },
    ...others.map(({ id, before }) => ({ id, begin: (before?.inputTokens ?? 0) + (before?.answerTokens ?? 0) })),
  ];
}

function turnsTo(turn: LiveTurn): readonly [LiveTurn, ...LiveTurn[]] {
  const later: LiveTurn[] = [];
  let first = turn;
  for (; first.before !== null; first = first.before) later.push(first);
  return [first, ...later.reverse()];
}

function partOf(request: Request, before: AnsweredTurn | null, { form, first, next }: LivePrompts): Prompt {
  const { newTokens: inputTokens = 1, blocks: _, ...rest } = request;
  const drawn = before === null ? request : { ...rest, inputTokens };
  const maker = before === null ? first : next;
  if (form === 'ids') return { kind: 'ids', ids: maker.ids(drawn) };
  if (form === 'text') return { kind: 'text', text: maker.text(drawn) };
  const messages = messagesOf(request);
  if (before === null)
    return { kind: 'messages', messages: messages ?? [{ role: 'user', content: maker.text(drawn) }] };
  const added =
    messages === null ? [{ role: 'user', content: maker.text(drawn) }] : addedTo(messagesOf(before.request), messages);
  return { kind: 'messages', messages: behindCalls(added, before.answer.toolCalls) };
}

function messagesOf({ prompt }: Request): readonly JsonObject[] | null {
  return prompt?.kind === 'messages' ? prompt.messages : null;
}

/** The messages of a turn that are new: a trace has them alone, or behind all earlier ones and the answer that it got. */
function addedTo(before: readonly JsonObject[] | null, all: readonly JsonObject[]): readonly JsonObject[] {
  const repeats = before !== null && isDeepStrictEqual(all.slice(0, before.length), before);
  const added = repeats ? all.slice(before.length) : all;
  const from = added.findIndex(({ role }) => role !== 'assistant');
  return from === -1 ? all.slice(-1) : added.slice(from);
}

/** Each tool call that the model made is answered, as servers expect, and none that it has not made. */
function behindCalls(messages: readonly JsonObject[], calls: readonly JsonObject[]): readonly JsonObject[] {
  if (calls.length === 0)
    return messages.map((message) =>
      message['role'] === 'tool' ? { role: 'user', content: message['content'] ?? '' } : message,
    );
  const results = messages.filter(({ role }) => role === 'tool');
  const others = messages.filter(({ role }) => role !== 'tool');
  if (results.length === 0) results.push(...others.splice(0, 1));
  const answers = calls.map(({ id }, i): JsonObject => {
    const content: Json = results[i]?.['content'] ?? '';
    return { role: 'tool', tool_call_id: id ?? '', content };
  });
  return [...answers, ...others];
}

function promptOf(turns: readonly LiveTurn[], prompts: LivePrompts): Prompt {
  if (prompts.form === 'ids') return { kind: 'ids', ids: idsOf(turns, prompts) };
  if (prompts.form === 'text') return { kind: 'text', text: turns.map(textOf).join('') };
  return { kind: 'messages', messages: turns.flatMap(messagesFrom) };
}

function idsOf(turns: readonly LiveTurn[], { next }: LivePrompts): readonly number[] {
  return turns.flatMap(({ before, part }) => [
    ...(before === null ? [] : idsOfAnswer(before, next)),
    ...(part?.kind === 'ids' ? part.ids : []),
  ]);
}

/** Where the ids of an answer are not known, as many that are drawn stand for it. */
function idsOfAnswer({ answer, answerTokens, request }: AnsweredTurn, { ids }: PromptMaker): readonly number[] {
  return answer.ids ?? ids({ ...request, id: `${request.id}/answer`, inputTokens: answerTokens });
}

function textOf({ before, part }: LiveTurn): string {
  const text = part?.kind === 'text' ? part.text : '';
  return before === null ? text : `${before.answer.text} ${text}`;
}

function messagesFrom({ before, part }: LiveTurn): readonly JsonObject[] {
  const messages = part?.kind === 'messages' ? part.messages : [];
  return before === null ? messages : [messageOf(before.answer), ...messages];
}

function messageOf({ text, toolCalls }: Answer): JsonObject {
  if (toolCalls.length === 0) return { role: 'assistant', content: text };
  return { role: 'assistant', content: text === '' ? null : text, tool_calls: toolCalls };
}
