import type { JsonObject, MediaItem, Request } from '../../src/core/request.ts';
import { isJsonObject } from './body-params.ts';

/** What of a step of a trajectory is said to the model, or by it. */
interface SpokenStep {
  readonly source: 'system' | 'user' | 'agent';
  readonly message?: unknown;
  readonly tool_calls?: unknown;
  readonly observation?: { readonly results?: readonly unknown[] | null | undefined } | null | undefined;
}

/** The steps of a trajectory as the messages of a chat, with its images, which are files beside it and not sent. */
export class StepMessages {
  readonly #messages: JsonObject[] = [];
  readonly #images: MediaItem[] = [];
  #isAsked = false;

  /** Takes the steps in order. */
  add({ source, message, tool_calls: toolCalls, observation }: SpokenStep): void {
    const results = (observation?.results ?? []).filter((result) => isJsonObject(result));
    for (const content of [message, ...results.map((result) => result['content'])])
      this.#images.push(...imagesIn(content));
    const calls = (Array.isArray(toolCalls) ? toolCalls : []).filter((call) => isJsonObject(call));
    const text = textOf(message);
    if (source !== 'agent') {
      this.#isAsked ||= text !== '';
      if (text !== '') this.#messages.push({ role: source, content: text });
    } else if (calls.length > 0)
      this.#messages.push({ role: 'assistant', content: text === '' ? null : text, tool_calls: calls.map(callOf) });
    else if (text !== '') this.#messages.push({ role: 'assistant', content: text });
    this.#messages.push(...answersOf(calls, results));
  }

  /** Gives the steps so far as a prompt, when it is asked for; nothing where nobody has said anything to the agent. */
  mark(): () => Pick<Request, 'prompt' | 'media'> {
    const [isAsked, messages, images] = [this.#isAsked, this.#messages.length, this.#images.length];
    return () => ({
      ...(isAsked ? { prompt: { kind: 'messages', messages: this.#messages.slice(0, messages) } } : {}),
      ...(images === 0 ? {} : { media: this.#images.slice(0, images) }),
    });
  }
}

function callOf({ tool_call_id: id, function_name: name, arguments: given }: JsonObject): JsonObject {
  return {
    id: idOf(id),
    type: 'function',
    function: {
      name: typeof name === 'string' ? name : '',
      arguments: typeof given === 'string' ? given : JSON.stringify(given ?? {}),
    },
  };
}

/** Each call is answered, as servers expect, by the result that names it or else the next that names none. */
function answersOf(calls: readonly JsonObject[], results: readonly JsonObject[]): JsonObject[] {
  const left = [...results];
  const answers = calls.map((call): JsonObject => {
    const id = idOf(call['tool_call_id']);
    const named = left.findIndex((result) => result['source_call_id'] === id);
    const at = named === -1 ? left.findIndex((result) => typeof result['source_call_id'] !== 'string') : named;
    const [result] = at === -1 ? [] : left.splice(at, 1);
    return { role: 'tool', tool_call_id: id, content: textOf(result?.['content']) };
  });
  const others = left.map(({ content }) => textOf(content)).filter((text) => text !== '');
  return [...answers, ...others.map((content) => ({ role: 'user', content }))];
}

function idOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A text, or the texts of parts. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  const texts = partsOf(content).map(({ text }) => text);
  return texts.filter((text) => typeof text === 'string').join('\n');
}

function imagesIn(content: unknown): MediaItem[] {
  return partsOf(content).flatMap(({ type, source }): MediaItem[] => {
    if (type !== 'image') return [];
    const ref = isJsonObject(source) ? (source['path'] ?? source['url']) : source;
    return [{ kind: 'image', ...(typeof ref === 'string' && ref !== '' ? { ref } : {}) }];
  });
}

function partsOf(content: unknown): JsonObject[] {
  return Array.isArray(content) ? content.filter((part) => isJsonObject(part)) : [];
}
