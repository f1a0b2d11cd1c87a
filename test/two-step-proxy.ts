import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** vLLM's fields of a prompt that another server is to decode. */
export const PROMPT_ALONE = {
  stream: false,
  stream_options: undefined,
  min_tokens: undefined,
  max_tokens: 1,
  kv_transfer_params: {
    do_remote_decode: true,
    do_remote_prefill: false,
    remote_engine_id: null,
    remote_block_ids: null,
    remote_host: null,
    remote_port: null,
  },
};

/** A proxy as vLLM's toy one: the prompt from `prefillUrl`, then the answer, with what was said of its memory, from `decodeUrl`. */
export async function twoStepProxy(
  prefillUrl: string,
  decodeUrl: string,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const answer = async (request: IncomingMessage): Promise<Response> => {
    const path = request.url ?? '/';
    if (request.method !== 'POST') return fetch(decodeUrl + path);
    const headers = { 'x-request-id': String(request.headers['x-request-id']) };
    const body: object = JSON.parse((await buffer(request)).toString());
    const ask = (url: string, more: object): Promise<Response> =>
      fetch(url + path, { method: 'POST', headers, body: JSON.stringify({ ...body, ...more }) });
    const prompt = await ask(prefillUrl, PROMPT_ALONE);
    if (!prompt.ok) return prompt;
    const { kv_transfer_params } = JSON.parse(await prompt.text());
    return ask(decodeUrl, { kv_transfer_params });
  };
  const server = createServer((request, response) => {
    void answer(request).then(async ({ status, headers, body }) => {
      response.writeHead(status, { 'content-type': headers.get('content-type') ?? 'text/plain' });
      for await (const chunk of body ?? []) response.write(chunk);
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
