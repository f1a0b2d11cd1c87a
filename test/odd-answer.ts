import type { ServerResponse } from 'node:http';
import type { Outcome } from '../src/core/record.ts';
import { machineUs } from '../src/core/wall-clock.ts';
import { DONE, sse } from './servers.ts';

/** What a run must record of a case, whatever the answer says of itself. */
export interface Truth {
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

/** All that was asked for. */
export const ALL: Truth = { outcome: 'ok', tokens: (asked) => asked };

/** One odd answer: what it writes, and what is true of it. */
export interface OddStream {
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
export const GAP_MS = 20;
/** Between the tokens of long answers. */
export const QUICK_MS = 4;
export const PROMPT_TOKENS = 10;
/** A pause long enough to be told from a gap. */
export const LONG_MS = 200;

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
export const word = (i: number): string => ` w${i}`;

export const usageOf = (tokens: number, more: object = {}): object => ({
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

export function chunk(delta: object, { usage, finish, choice, top }: ChunkFields = {}): string {
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
export class Answer {
  readonly #response: ServerResponse;
  readonly #written: Written;

  constructor(response: ServerResponse, written: Written) {
    this.#response = response;
    this.#written = written;
  }

  /** Bytes that hold `tokens` tokens. */
  write(bytes: string, tokens = 0): void {
    const { tokenUs } = this.#written;
    const first = tokenUs.length;
    const stamp = (): void => {
      const nowUs = machineUs();
      for (let i = 0; i < tokens; i++) tokenUs[first + i] = nowUs;
      if (bytes.includes(DONE)) this.#written.doneUs = nowUs;
    };
    stamp();
    // Again when the kernel has them: Node takes some milliseconds for the first long ones.
    this.#response.write(bytes, (error) => void (error ?? stamp()));
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
