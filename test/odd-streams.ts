import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { Outcome } from '../src/core/record.ts';
import { machineUs } from '../src/core/wall-clock.ts';
import { DONE, sse } from './servers.ts';

/** What a run must record of a case, whatever the answer says of itself. */
interface Truth {
  readonly outcome: Outcome;
  /** Tokens that are really sent, of `asked`; their times are those of the writes. */
  readonly tokens: (asked: number) => number;
  /** Tokens that the server counts and never sends. */
  readonly hidden?: (asked: number) => number;
  /** The server's last count where it is wrong, else absent. */
  readonly reported?: (asked: number) => number;
  /** What the record's error has to say, where the answer is not `ok`. */
  readonly error?: RegExp;
}

/** One odd answer: what it writes, and what is true of it. */
interface OddStream {
  readonly truth: Truth;
  answer(out: Answer, asked: number): Promise<void> | void;
  /** For cases about HTTP rather than the stream. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the server wrote for one request; microseconds of `machineUs`. */
export interface Written {
  readonly name: string;
  readonly requestId: string;
  readonly asked: number;
  /** One entry per token: when its bytes were handed to the socket. */
  readonly tokenUs: number[];
  /** When [DONE] was, or null. */
  doneUs: number | null;
}

/** Between tokens, and before the first. */
const GAP_MS = 20;
/** Between the tokens of long answers. */
const QUICK_MS = 4;
const PROMPT_TOKENS = 10;
/** A pause long enough to be told from a gap. */
const LONG_MS = 200;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const word = (i: number): string => ` w${i}`;

const usageOf = (tokens: number, more: object = {}): object => ({
  prompt_tokens: PROMPT_TOKENS,
  completion_tokens: tokens,
  total_tokens: PROMPT_TOKENS + tokens,
  ...more,
});

/** `usage`: of this chunk; `finish`: its finish_reason; `choice`, `top`: more fields. */
interface ChunkFields {
  readonly usage?: object;
  readonly finish?: string;
  readonly choice?: object;
  readonly top?: object;
}

function chunk(delta: object, { usage, finish, choice, top }: ChunkFields = {}): string {
  return sse({
    id: 'odd',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta, finish_reason: finish ?? null, ...choice }],
    ...(usage === undefined ? {} : { usage }),
    ...top,
  });
}

/** One response as a case writes it; it keeps the time of each token. */
class Answer {
  readonly #response: ServerResponse;
  readonly #written: Written;

  constructor(response: ServerResponse, written: Written) {
    this.#response = response;
    this.#written = written;
  }

  /** Bytes that hold `tokens` tokens. */
  write(bytes: string, tokens = 0): void {
    const nowUs = machineUs();
    for (let i = 0; i < tokens; i++) this.#written.tokenUs.push(nowUs);
    if (bytes.includes(DONE)) this.#written.doneUs = nowUs;
    this.#response.write(bytes);
  }

  role(fields?: ChunkFields): void {
    this.write(chunk({ role: 'assistant', content: '' }, fields));
  }

  /** One token after another, each in a chunk that `of` makes. */
  async each(count: number, of: (i: number) => string, tokens = 1): Promise<void> {
    for (let i = 0; i < count; i++) {
      await wait(GAP_MS);
      this.write(of(i), tokens);
    }
  }

  /** The finish reason, the usage and the end, in one write. */
  finish(usage: object | null, finish = 'length'): void {
    const counted = usage === null ? '' : sse({ id: 'odd', choices: [], usage });
    this.write(chunk({}, { finish }) + counted + DONE);
  }

  async plain(tokens: number): Promise<void> {
    this.role();
    await this.each(tokens, (i) => chunk({ content: word(i) }));
  }

  destroy(): void {
    this.#response.socket?.destroy();
  }
}

const ALL: Truth = { outcome: 'ok', tokens: (asked) => asked };
const THREE_BROKEN: Truth = { outcome: 'stream_broken', tokens: () => 3 };
const reporting = (reported: (asked: number) => number): Truth => ({ ...ALL, reported });

/** Every chunk's usage, and the last, by `count(i)`, i from 0. */
function withUsage(truth: Truth, count: (i: number, asked: number) => number, last: (asked: number) => number | null) {
  return {
    truth,
    answer: async (out: Answer, asked: number): Promise<void> => {
      out.role();
      await out.each(asked, (i) => chunk({ content: word(i) }, { usage: usageOf(count(i, asked)) }));
      const total = last(asked);
      out.finish(total === null ? null : usageOf(total));
    },
  };
}

/** The usage lies, or is late, or counts something else. */
const USAGES: Readonly<Record<string, OddStream>> = {
  usage_each_own: withUsage(
    ALL,
    () => 1,
    (asked) => asked,
  ),
  usage_each_own_no_total: withUsage(
    reporting(() => 1),
    () => 1,
    () => null,
  ),
  usage_zero_until_end: withUsage(
    ALL,
    () => 0,
    (asked) => asked,
  ),
  usage_zero_to_the_end: withUsage(
    reporting(() => 0),
    () => 0,
    () => 0,
  ),
  usage_every_fourth: withUsage(
    ALL,
    (i) => i - (i % 4),
    (asked) => asked,
  ),
  usage_falling: withUsage(
    reporting(() => 1),
    (i, asked) => asked - i,
    () => null,
  ),
  usage_falls_at_end: withUsage(
    reporting(() => 3),
    (i) => i + 1,
    () => 3,
  ),
  usage_huge: withUsage(
    reporting(() => 100_000),
    (i) => i + 1,
    () => 100_000,
  ),
  usage_16_million: withUsage(
    reporting(() => 16_000_000),
    () => 16_000_000,
    () => 16_000_000,
  ),
  usage_beyond_int32: withUsage(
    reporting(() => 2 ** 31 - 1),
    (i) => i + 1,
    () => 2 ** 53 - 1,
  ),
  usage_double: withUsage(
    reporting((asked) => 2 * asked),
    (i) => 2 * (i + 1),
    (asked) => 2 * asked,
  ),
  // Cumulative and one behind from the first token to the end.
  usage_one_behind: {
    truth: reporting((asked) => asked - 1),
    async answer(out, asked) {
      out.role();
      await out.each(asked, (i) =>
        chunk({ content: word(i) }, { usage: usageOf(i), ...(i === asked - 1 ? { finish: 'length' } : {}) }),
      );
      out.write(DONE);
    },
  },
  // A gateway that translates another protocol counts the message's start.
  usage_role_one: {
    truth: ALL,
    async answer(out, asked) {
      out.role({ usage: usageOf(1) });
      await wait(LONG_MS);
      await out.each(asked, (i) => chunk({ content: word(i) }));
      out.finish(usageOf(asked));
    },
  },
  usage_role_counted: {
    truth: reporting((asked) => asked + 1),
    async answer(out, asked) {
      out.role({ usage: usageOf(1) });
      await wait(LONG_MS);
      await out.each(asked, (i) => chunk({ content: word(i) }, { usage: usageOf(i + 2) }));
      out.finish(usageOf(asked + 1));
    },
  },
  usage_two: {
    truth: ALL,
    async answer(out, asked) {
      await out.plain(asked);
      out.write(sse({ id: 'odd', choices: [], usage: usageOf(2 * asked) }));
      out.finish(usageOf(asked));
    },
  },
  // Honest: three tokens in each chunk.
  usage_cumulative_multi: {
    truth: ALL,
    async answer(out, asked) {
      out.role();
      for (let sent = 0; sent < asked;) {
        const count = Math.min(3, asked - sent);
        sent += count;
        await wait(GAP_MS);
        const finish = sent === asked ? { finish: 'length' } : {};
        out.write(chunk({ content: word(sent).repeat(count) }, { usage: usageOf(sent), ...finish }), count);
      }
      out.write(DONE);
    },
  },
  usage_three_against_ids: {
    truth: reporting(() => 3),
    async answer(out, asked) {
      out.role();
      await out.each(asked, (i) => chunk({ content: word(i) }, { choice: { token_ids: [700 + i] } }));
      out.finish(usageOf(3));
    },
  },
  max_tokens_ignored: {
    truth: { outcome: 'ok', tokens: (asked) => asked + 5 },
    async answer(out, asked) {
      await out.plain(asked + 5);
      out.finish(usageOf(asked + 5));
    },
  },
};

/** What carries the tokens is not `content` alone, and what is counted is not all shown. */
const CARRIERS: Readonly<Record<string, OddStream>> = {
  reasoning_details: {
    truth: ALL,
    async answer(out, asked) {
      out.role();
      await out.each(asked, (i) =>
        chunk(
          i < asked / 2
            ? {
                role: 'assistant',
                content: '',
                reasoning: null,
                reasoning_details: [{ type: 'reasoning.text', text: word(i) }],
              }
            : { role: 'assistant', content: word(i) },
        ),
      );
      out.finish(usageOf(asked));
    },
  },
  content_parts_role: {
    truth: ALL,
    async answer(out, asked) {
      out.role();
      await out.each(asked, (i) => {
        const text = { type: 'text', text: word(i) };
        return chunk({
          role: 'assistant',
          content: [i < asked / 2 ? { type: 'thinking', thinking: [text] } : text],
        });
      });
      out.finish(usageOf(asked));
    },
  },
  carrier_unknown: {
    truth: ALL,
    async answer(out, asked) {
      out.role();
      await out.each(asked, (i) => chunk({ role: 'assistant', content: null, monologue: { piece: word(i) } }));
      out.finish(null);
    },
  },
  // completion_tokens leave the reasoning out; the total has it.
  usage_without_reasoning: {
    truth: ALL,
    async answer(out, asked) {
      const thoughts = asked >> 1;
      out.role();
      await out.each(asked, (i) => chunk(i < thoughts ? { reasoning_content: word(i) } : { content: word(i) }));
      out.finish(
        usageOf(asked - thoughts, {
          total_tokens: PROMPT_TOKENS + asked,
          completion_tokens_details: { reasoning_tokens: thoughts },
        }),
      );
    },
  },
  // Reasoning is billed and not shown.
  reasoning_hidden: {
    truth: { outcome: 'ok', tokens: (asked) => asked - (asked >> 1), hidden: (asked) => asked >> 1 },
    async answer(out, asked) {
      const hidden = asked >> 1;
      out.role();
      await wait(hidden * GAP_MS);
      await out.each(asked - hidden, (i) => chunk({ content: word(i) }));
      out.finish(usageOf(asked, { completion_tokens_details: { reasoning_tokens: hidden } }));
    },
  },
  reasoning_hidden_counted: {
    truth: { outcome: 'ok', tokens: (asked) => asked - (asked >> 1), hidden: (asked) => asked >> 1 },
    async answer(out, asked) {
      const hidden = asked >> 1;
      const usage = (tokens: number): object =>
        usageOf(tokens, { completion_tokens_details: { reasoning_tokens: hidden } });
      out.role();
      await wait(hidden * GAP_MS);
      await out.each(asked - hidden, (i) => chunk({ content: word(i) }, { usage: usage(hidden + i + 1) }));
      out.finish(usage(asked));
    },
  },
  two_choices: {
    truth: ALL,
    async answer(out, asked) {
      await out.each(asked, (i) => chunk({ content: word(i) }, { choice: { index: 1 } }) + chunk({ content: word(i) }));
      out.finish(usageOf(asked));
    },
  },
};

/** Answers that end otherwise than they should, or stay open. */
const ENDS: Readonly<Record<string, OddStream>> = {
  error_code_msg: {
    truth: { ...THREE_BROKEN, error: /rate limit/ },
    async answer(out) {
      await out.plain(3);
      out.write(sse({ code: 20050, msg: 'rate limit' }) + DONE);
    },
  },
  cut_done: {
    truth: THREE_BROKEN,
    async answer(out) {
      await out.plain(3);
      out.write(DONE);
    },
  },
  error_after: {
    truth: { ...THREE_BROKEN, error: /out of memory/ },
    async answer(out) {
      await out.plain(3);
      out.write(sse({ error: { message: 'out of memory', code: 500 } }) + DONE);
    },
  },
  held_open: {
    truth: ALL,
    async answer(out, asked) {
      await out.plain(asked);
      out.finish(usageOf(asked));
      await wait(1500);
    },
  },
  held_forever: {
    truth: ALL,
    async answer(out, asked) {
      await out.plain(asked);
      out.finish(usageOf(asked));
      await new Promise(() => undefined);
    },
  },
  done_bare: {
    truth: ALL,
    async answer(out, asked) {
      await out.plain(asked);
      out.write(chunk({}, { finish: 'length' }) + sse({ id: 'odd', choices: [], usage: usageOf(asked) }));
      out.write('data: DONE\n\n');
    },
  },
  error_empty_object: {
    truth: ALL,
    async answer(out, asked) {
      out.role();
      await out.each(asked, (i) => chunk({ content: word(i) }, { top: { error: {} } }));
      out.finish(usageOf(asked));
    },
  },
  one_token_stop: {
    truth: { outcome: 'ok', tokens: () => 1 },
    async answer(out) {
      await out.plain(1);
      out.finish(usageOf(1), 'stop');
    },
  },
  early_stop: {
    truth: { outcome: 'ok', tokens: (asked) => Math.max(1, asked >> 1) },
    async answer(out, asked) {
      const tokens = Math.max(1, asked >> 1);
      await out.plain(tokens);
      out.finish(usageOf(tokens), 'stop');
    },
  },
};

/** The stream is right; what is around it is not. */
const STREAMS: Readonly<Record<string, OddStream>> = {
  plain: {
    truth: ALL,
    async answer(out, asked) {
      await out.plain(asked);
      out.finish(usageOf(asked));
    },
  },
  buffered: {
    truth: ALL,
    async answer(out, asked) {
      await wait(asked * GAP_MS);
      out.role();
      out.write(Array.from({ length: asked }, (_, i) => chunk({ content: word(i) })).join(''), asked);
      out.finish(usageOf(asked));
    },
  },
  buffered_16k: {
    truth: ALL,
    async answer(out, asked) {
      const lump = 120;
      out.role();
      for (let sent = 0; sent < asked; sent += lump) {
        const count = Math.min(lump, asked - sent);
        await wait(count * QUICK_MS);
        out.write(chunk({ content: word(sent) }).repeat(count), count);
      }
      out.finish(usageOf(asked));
    },
  },
  comments: {
    truth: ALL,
    async answer(out, asked) {
      for (let i = 0; i < 5; i++) {
        out.write(': PROCESSING\n\n');
        await wait(30);
      }
      out.role();
      await out.each(asked, (i) => `: ping\n\n${chunk({ content: word(i) })}`);
      out.finish(usageOf(asked));
    },
  },
  pings_as_events: {
    truth: ALL,
    async answer(out, asked) {
      for (let i = 0; i < 3; i++) {
        out.write('event: ping\ndata: {"type":"ping"}\n\n');
        await wait(30);
      }
      out.role();
      await out.each(asked, (i) => `${chunk({ content: word(i) })}event: keepalive\ndata: \n\n`);
      out.finish(usageOf(asked));
    },
  },
  reset: {
    truth: { outcome: 'stream_broken', tokens: () => 1 },
    async answer(out) {
      await out.plain(1);
      await wait(30);
      out.destroy();
    },
  },
};

const plain: OddStream['answer'] = async (out, asked) => {
  await out.plain(asked);
  out.finish(usageOf(asked));
};
const NOTHING: Truth = { outcome: 'protocol_error', tokens: () => 0 };

/** Cases about HTTP. */
const HTTP: Readonly<Record<string, OddStream>> = {
  gzip: {
    truth: { ...NOTHING, error: /compressed/ },
    headers: { 'content-encoding': 'gzip' },
    answer: (out) => out.write(gzipSync('data: {}\n\n').toString('latin1')),
  },
  content_type_octet: { truth: ALL, headers: { 'content-type': 'application/octet-stream' }, answer: plain },
  no_content_type: { truth: ALL, headers: { 'content-type': '' }, answer: plain },
  close_each: { truth: ALL, headers: { connection: 'close' }, answer: plain },
  html200: {
    truth: { ...NOTHING, error: /Login/ },
    headers: { 'content-type': 'text/html' },
    answer: (out) => out.write('<html><body>Login</body></html>'),
  },
  not_streamed: {
    truth: { ...NOTHING, error: /no stream of events/ },
    headers: { 'content-type': 'application/json' },
    answer: (out, asked) =>
      out.write(
        JSON.stringify({ choices: [{ index: 0, message: { content: 'w '.repeat(asked) } }], usage: usageOf(asked) }),
      ),
  },
  r429: {
    truth: { outcome: 'rejected', tokens: () => 0, error: /slow down/ },
    status: 429,
    answer: (out) => out.write('{"error":{"message":"slow down"}}'),
  },
  r503: {
    truth: { outcome: 'rejected', tokens: () => 0, error: /upstream/ },
    status: 503,
    answer: (out) => out.write('upstream connect error'),
  },
};

export const ODD_STREAMS: Readonly<Record<string, OddStream>> = {
  ...STREAMS,
  ...USAGES,
  ...CARRIERS,
  ...ENDS,
  ...HTTP,
};

export interface OddServer {
  /** The base URL of a case: the server's, and the name as a prefix of the path. */
  urlOf(name: string): URL;
  /** What was written, one entry per answer in order of the requests; probes are not among them. */
  readonly written: readonly Written[];
  close(): Promise<void>;
}

/**
 * Chat answers as public reports describe them, one path prefix a case, on loopback; probes are answered like requests.
 * Times are kept as they were written, because a server's timers drift.
 */
export async function serveOddStreams(): Promise<OddServer> {
  const written: Written[] = [];
  const server = createServer(async (request, response) => {
    const [, name = '', ...rest] = (request.url ?? '').split('/');
    const text = await bodyOf(request);
    if (rest.at(-1) === 'models') {
      response.setHeader('content-type', 'application/json').end('{"object":"list","data":[{"id":"m"}]}');
      return;
    }
    const odd = ODD_STREAMS[name];
    if (rest.at(-1) !== 'completions' || rest.at(-2) !== 'chat' || odd === undefined) {
      response.writeHead(404).end('{"error":{"message":"Not Found"}}');
      return;
    }
    const requestId = String(request.headers['x-request-id'] ?? '');
    const answer: Written = { name, requestId, asked: askedIn(text), tokenUs: [], doneUs: null };
    if (!requestId.endsWith('-capability-probe')) written.push(answer);
    response.writeHead(odd.status ?? 200, { 'content-type': 'text/event-stream', ...odd.headers });
    await odd.answer(new Answer(response, answer), answer.asked);
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    urlOf: (name) => new URL(`http://127.0.0.1:${port}/${name}`),
    written,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of request) text += String(piece);
  return text;
}

/** The output tokens that a chat body asks for. */
function askedIn(text: string): number {
  const body: unknown = text === '' ? {} : JSON.parse(text);
  if (typeof body !== 'object' || body === null) return 16;
  const asked =
    'max_completion_tokens' in body ? body.max_completion_tokens : 'max_tokens' in body ? body.max_tokens : 16;
  return typeof asked === 'number' ? asked : 16;
}
