import type { DecodePool, HeldPrompt, PrefillPool } from '../engine.ts';
import type { Dispatch, HandOver } from './generation.ts';
import type { Address } from './http-server.ts';
import type { ResponseFormat } from './response-format.ts';

/** vLLM's two steps with a KV connector: first the prefill port, then the decode port with what the first one said. */
export const KV_TRANSFER: HandOver = { prefill: prefillDispatch, decode: decodeDispatch };

/**
 * First step: with `do_remote_decode` the prompt is computed and held, and the response names it for the decode port to
 * fetch.
 */
function prefillDispatch(pool: PrefillPool, address: () => Address): Dispatch {
  return (request, format) => {
    if (!request.kvTransfer?.do_remote_decode) return { submit: pool.submit, format };
    if (request.stream || request.maxTokens !== 1) {
      const got = `stream=${request.stream} and max_tokens=${request.maxTokens}`;
      return {
        message: `With do_remote_decode, stream must be false and max_tokens 1: got ${got}.`,
        param: 'kv_transfer_params',
      };
    }
    let held: HeldPrompt | null = null;
    return {
      submit(engineRequest, listener) {
        const prompt = pool.hold(engineRequest, listener);
        held = prompt;
        return () => prompt.release();
      },
      format: withTransferParams(format, () => held && transferParams(held, request.promptTokenIds.length, address())),
    };
  };
}

/** Second step: with `do_remote_prefill` the KV blocks that the prefill port holds are fetched. Any other prompt is computed here. */
function decodeDispatch(pool: DecodePool, prefillAddress: Address): Dispatch {
  return ({ kvTransfer }, format) => {
    const key = kvTransfer?.do_remote_prefill ? kvTransfer.remote_request_id : null;
    if (typeof key !== 'string' || kvTransfer?.remote_engine_id !== engineId(prefillAddress))
      return { submit: pool.submit, format };
    return { submit: (request, listener) => pool.fetch(key, request, listener), format };
  };
}

function engineId({ host, port }: Address): string {
  return `${host}:${port}`;
}

/** KV blocks have no numbers here: `remote_block_ids` gives their count as 0, 1, 2 and so on. */
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

function withTransferParams(format: ResponseFormat, params: () => object | null): ResponseFormat {
  return {
    ...format,
    body: (total, completion) =>
      `${format.body(total, completion).slice(0, -1)},"kv_transfer_params":${JSON.stringify(params())}}`,
  };
}
