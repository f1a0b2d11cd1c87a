import { ALL, chunk, GAP_MS, LONG_MS, PROMPT_TOKENS, usageOf, wait, word, type OddStream } from './odd-answer.ts';
import { DONE } from './servers.ts';

/** What carries the tokens is not `content` alone, and what is counted is not all shown. */
export const CARRIERS: Readonly<Record<string, OddStream>> = {
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
  carrier_unknown_counted: {
    truth: ALL,
    async answer(out, asked) {
      out.role();
      await out.each(asked, (i) => chunk(i < asked / 2 ? { monologue: { piece: word(i) } } : { content: word(i) }));
      out.finish(usageOf(asked));
    },
  },
  role_names: {
    truth: ALL,
    async answer(out, asked) {
      out.write(chunk({ role: 'assistant', content: '', message_id: 'msg_123', provider: 'Azure', region: 'eu' }));
      await wait(LONG_MS);
      await out.each(asked, (i) => chunk({ content: word(i) }));
      out.finish(usageOf(asked));
    },
  },
  progress_before: {
    truth: ALL,
    async answer(out, asked) {
      for (let i = 0; i < 3; i++) out.write(chunk({ role: 'assistant', content: '', progress: `step ${i}` }));
      await wait(LONG_MS);
      await out.each(asked, (i) => chunk({ content: word(i) }));
      out.finish(usageOf(asked));
    },
  },
  signature_at_the_end: {
    truth: ALL,
    async answer(out, asked) {
      await out.plain(asked);
      const signature = { google: { thought_signature: 'AbCd' } };
      out.write(chunk({ role: 'assistant', content: '', extra_content: signature }));
      out.finish(null);
    },
  },
  message_in_place_of_delta: {
    truth: ALL,
    async answer(out, asked) {
      const message = (content: string): object => ({ delta: undefined, message: { role: 'assistant', content } });
      await out.each(asked, (i) => chunk({}, { choice: message(word(i)) }));
      out.write(chunk({}, { finish: 'length', choice: message(''), usage: usageOf(asked) }) + DONE);
    },
  },
  // No text at all, and a usage that counts all tokens.
  tokens_only_claimed: {
    truth: { outcome: 'protocol_error', tokens: () => 0, reported: (asked) => asked, error: /no text and no token id/ },
    async answer(out, asked) {
      out.role();
      await wait(LONG_MS);
      out.finish(usageOf(asked), 'stop');
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
  reasoning_encrypted: {
    truth: { outcome: 'ok', tokens: (asked) => asked - (asked >> 1), hidden: (asked) => asked >> 1 },
    async answer(out, asked) {
      const hidden = asked >> 1;
      out.role();
      await wait(hidden * GAP_MS);
      const details = [{ type: 'reasoning.encrypted', data: 'gAAAAABxyz', id: 'rs_1', index: 0 }];
      out.write(chunk({ role: 'assistant', content: '', reasoning_details: details }));
      await out.each(asked - hidden, (i) => chunk({ content: word(i) }));
      out.finish(usageOf(asked, { completion_tokens_details: { reasoning_tokens: hidden } }));
    },
  },
  reasoning_summary: {
    truth: { outcome: 'ok', tokens: (asked) => asked - (asked >> 1) + 1, hidden: (asked) => (asked >> 1) - 1 },
    async answer(out, asked) {
      const reasoning = asked >> 1;
      out.role();
      await wait(reasoning * GAP_MS);
      out.write(chunk({ reasoning: 'Thinking about it' }), 1);
      await out.each(asked - reasoning, (i) => chunk({ content: word(i) }));
      out.finish(usageOf(asked, { completion_tokens_details: { reasoning_tokens: reasoning } }));
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
