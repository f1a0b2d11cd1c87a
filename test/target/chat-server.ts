import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMON_WORDS, readTokenizer } from '../../workloads/index.ts';
import { DONE, serve, sse, type TestServer } from '../servers.ts';
import { tokenizerJson } from '../workloads/prompts/tokenizers.ts';

export interface ChatServer extends TestServer {
  /** The tokenizer of the model that it serves. */
  readonly tokenizer: string;
  /** Contents of the chats so far. */
  contents(): string[];
}

export interface ChatServerOptions {
  /** Tokens of the template around the content. */
  readonly overhead: number;
  /** What is told of an answer's input tokens, counted as they are; default: that. Null: nothing is told. */
  readonly tell?: (counted: number, chat: number) => number | null;
  readonly knowsTokenize?: boolean;
}

/** A chat server whose tokenizer holds two of three common words, and no others; it answers with one token. */
export async function chatServer(
  folder: string,
  { overhead, tell = (counted) => counted, knowsTokenize = true }: ChatServerOptions,
): Promise<ChatServer> {
  const words = COMMON_WORDS.filter((_, i) => i % 3 > 0);
  const tokenizer = join(folder, 'tokenizer.json');
  writeFileSync(tokenizer, JSON.stringify(tokenizerJson({ space: 'Ġ', words })));
  const { encode } = await readTokenizer(tokenizer);
  let chats = 0;
  const server = await serve((_index, request, response, body) => {
    if (request.url === '/tokenize' && knowsTokenize) {
      const ids = encode(field(body, 'prompt'));
      // As vLLM does, unless it is asked not to.
      const tokens = isObject(body) && body['add_special_tokens'] === false ? ids : [0, ...ids];
      response.end(JSON.stringify({ tokens, count: tokens.length, max_model_len: 4096 }));
    } else if (request.url === '/v1/chat/completions') {
      const counted = tell(overhead + encode(contentOf(body)).length, chats++);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(sse({ choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] }));
      response.write(sse({ choices: [{ index: 0, delta: { content: 'a' }, finish_reason: 'length' }] }));
      const usage = counted === null ? {} : { usage: { prompt_tokens: counted, completion_tokens: 1 } };
      response.end(sse({ choices: [], ...usage }) + DONE);
    } else response.writeHead(404).end('{"detail":"Not Found"}');
  });
  const contents = (): string[] =>
    server.seen.filter(({ path }) => path === '/v1/chat/completions').map(({ body }) => contentOf(body));
  return { ...server, tokenizer, contents };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function field(body: unknown, name: string): string {
  const value = isObject(body) ? body[name] : undefined;
  if (typeof value !== 'string') throw new Error(`no ${name} in ${JSON.stringify(body)}`);
  return value;
}

function contentOf(body: unknown): string {
  const messages = isObject(body) ? body['messages'] : undefined;
  const [message]: unknown[] = Array.isArray(messages) ? messages : [];
  return field(message, 'content');
}
