import type { DecodePool, HeldPrompt, PrefillPool } from '../engine.ts';
import type { AnswerText } from './answer-text.ts';
import type { Take } from './generation.ts';
import type { Address } from './http-server.ts';

/**
 * vLLM's two steps with a KV connector, of the server that is asked first: where another is to decode, the prompt is
 * computed, and the answer names what is held for the other to fetch. `address`: of this server.
 */
export function takePrompts(side: PrefillPool, address: () => Address): Take {
  return (request, text) => {
    if (request.kvTransfer?.do_remote_decode !== true) return { submit: side.submit, text };
    if (request.stream || request.maxTokens !== 1) {
      const got = `stream=${request.stream} and max_tokens=${request.maxTokens}`;
      return {
        message: `With do_remote_decode, stream must be false and max_tokens 1: got ${got}.`,
        param: 'kv_transfer_params',
      };
    }
    let held: HeldPrompt | null = null;
    return {
      submit(request, listener) {
        const prompt = side.hold(request, listener);
        held = prompt;
        return () => prompt.release();
      },
      text: withParams(text, () => held && transferParams(held, request.promptPieces.length, address())),
    };
  };
}

/** Of the server that is asked second: what the first one holds is fetched. What it does not hold is computed here. */
export function takeDecodes(side: DecodePool, prefill: () => Address): Take {
  return ({ kvTransfer }, text) => {
    const key = kvTransfer?.do_remote_prefill === true ? kvTransfer.remote_request_id : null;
    if (typeof key !== 'string' || kvTransfer?.remote_engine_id !== engineId(prefill()))
      return { submit: side.submit, text };
    return { submit: (request, listener) => side.fetch(key, request, listener), text };
  };
}

function engineId({ host, port }: Address): string {
  return `${host}:${port}`;
}

/** Blocks are counted here, not numbered: their ids say how many there are. */
function transferParams(held: HeldPrompt, promptTokens: number, address: Address): object {
  return {
    do_remote_prefill: true,
    do_remote_decode: false,
    remote_block_ids: Array.from({ length: held.blocks }, (_, i) => i),
    remote_engine_id: engineId(address),
    remote_request_id: held.key,
    remote_host: address.host,
    remote_port: address.port,
    remote_num_tokens: promptTokens,
  };
}

function withParams(text: AnswerText, params: () => object | null): AnswerText {
  return {
    tokens: (count, total, isLast) => text.tokens(count, total, isLast),
    ending: (total, told) => text.ending(total, told),
    whole: (total, told) => `${text.whole(total, told).slice(0, -1)},"kv_transfer_params":${JSON.stringify(params())}}`,
  };
}
