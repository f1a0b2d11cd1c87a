import { gzipSync } from 'node:zlib';
import {
  ALL,
  chunk,
  GAP_MS,
  LONG_MS,
  PROMPT_TOKENS,
  QUICK_MS,
  usageOf,
  wait,
  word,
  type Answer,
  type OddStream,
  type Truth,
} from './odd-answer.ts';
import { CARRIERS } from './odd-carriers.ts';
import { DONE, sse } from './servers.ts';

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
  ids_so_far: {
    truth: ALL,
    async answer(out, asked) {
      out.role();
      await out.each(asked, (i) => chunk({ content: word(i) }, { choice: { token_ids: [...Array(i + 1).keys()] } }));
      out.finish(usageOf(asked));
    },
  },
  ids_with_prompt: {
    truth: ALL,
    async answer(out, asked) {
      await out.each(asked, (i) =>
        chunk({ content: word(i) }, { choice: { token_ids: i === 0 ? [...Array(PROMPT_TOKENS + 1).keys()] : [i] } }),
      );
      out.finish(usageOf(asked));
    },
  },
  // Two tokens share one chunk; the first chunk is empty and early.
  empty_first_and_two: {
    truth: ALL,
    async answer(out, asked) {
      out.write(chunk({ content: '' }));
      await wait(LONG_MS);
      await out.each(2, (i) => chunk({ content: word(i) }));
      await out.each(1, () => chunk({ content: ' two more' }), 2);
      await out.each(asked - 4, (i) => chunk({ content: word(i) }));
      out.finish(usageOf(asked));
    },
  },
  // The answer stops by itself after half of what was asked for, which the usage claims whole.
  usage_claims_asked: {
    truth: { outcome: 'ok', tokens: (asked) => asked >> 1, reported: (asked) => asked },
    async answer(out, asked) {
      await out.plain(asked >> 1);
      out.finish(usageOf(asked), 'stop');
    },
  },
  usage_jumps_at_end: {
    truth: { outcome: 'ok', tokens: (asked) => asked >> 1, reported: (asked) => asked },
    async answer(out, asked) {
      const texts = asked >> 1;
      out.role();
      await out.each(texts, (i) => chunk({ content: 'a' }, { usage: usageOf(i === texts - 1 ? asked : i + 1) }));
      out.write(chunk({}, { finish: 'stop', usage: usageOf(asked) }) + DONE);
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
