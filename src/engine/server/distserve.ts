import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { epochS, machineUs } from '../../core/wall-clock.ts';
import type { Completion } from '../engine.ts';
import type { GenerationEndpoint } from './generation.ts';
import { parseJson, sendJson, type InvalidRequest, type Routes } from './http-server.ts';
import { generationRequest, ONE_CHOICE, type GenerationRequest } from './requests.ts';
import type { ResponseFormat } from './response-format.ts';
import { TOKEN_TEXT } from './tokenizer.ts';

/** Its default, vLLM's of that time. */
const MAX_TOKENS = 16;

/** `prompt`, `stream` and the sampling parameters of DistServe, those without an effect here too; no other field. */
const body = z.strictObject({
  prompt: z.string(),
  stream: z.boolean().nullish(),
  n: ONE_CHOICE,
  best_of: ONE_CHOICE,
  use_beam_search: z.literal(false, { error: 'there are no beams here' }).nullish(),
  temperature: z.number().min(0).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().min(-1).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  ignore_eos: z.boolean().nullish(),
  max_tokens: z.int().min(1).nullish(),
  logprobs: z.int().min(0).nullish(),
});

function parse(text: string): GenerationRequest | InvalidRequest {
  const parsed = parseJson(text, body);
  if ('message' in parsed) return parsed;
  const { prompt, stream, max_tokens } = parsed.body;
  return generationRequest({ stream }, { tokenIds: wordIds(prompt), wasIds: false }, max_tokens ?? MAX_TOKENS, text);
}

/** One id a word: no answer tells how long a prompt is, so that clients can only take plain words for tokens. */
function wordIds(text: string): number[] {
  return text.split(/\s+/).filter(Boolean).map(wordId);
}

function wordId(word: string): number {
  let id = 0;
  for (let i = 0; i < word.length; i++) id = (Math.imul(id, 31) + word.charCodeAt(i)) >>> 0;
  return id;
}

/**
 * Streamed, an object a token with all of the text so far and nothing between them. Not streamed, one object with the time
 * of each token on the monotonic clock and the events of the request on the wall clock, both in seconds.
 */
function format(): ResponseFormat {
  const issuedS = epochS(machineUs());
  const timestamps: number[] = [];
  return {
    contentType: null,
    events(count, total) {
      let objects = '';
      for (let tokens = total - count + 1; tokens <= total; tokens++)
        objects += `{"text": "${TOKEN_TEXT.repeat(tokens)}"}`;
      return objects;
    },
    endEvents: () => '',
    came(count) {
      const nowS = machineUs() / 1e6;
      for (let i = 0; i < count; i++) timestamps.push(nowS);
    },
    body: (total, completion) =>
      JSON.stringify({
        text: TOKEN_TEXT.repeat(total),
        timestamps,
        lifetime_events: lifetimeEvents(issuedS, total, completion),
      }),
  };
}

/** One that is over with its first token is never handed over; where nothing is, there is no migration. */
function lifetimeEvents(issuedS: number, tokens: number, { phases, bridgeQueueUs }: Completion): object[] {
  const { prefill_queue_us, prefill_us, transfer_us, decode_queue_us, decode_us } = phases;
  const bridgeUs = bridgeQueueUs ?? 0;
  const steps: [event: string, us: number | null][] = [
    ['issued', 0],
    ['context_begin', prefill_queue_us],
    ['context_end', prefill_us],
  ];
  if (tokens > 1 && transfer_us !== null) steps.push(['migration_begin', bridgeUs], ['migration_end', transfer_us]);
  if (tokens > 1) steps.push(['decoding_begin', (decode_queue_us ?? 0) - bridgeUs], ['decoding_end', decode_us]);
  let timestamp = issuedS;
  return steps.map(([event_type, us]) => {
    timestamp += (us ?? 0) / 1e6;
    return { timestamp, event_type };
  });
}

/** What FastAPI sends for any exception: its log alone has the reason. */
function refuse(res: ServerResponse): void {
  res.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' }).end('Internal Server Error');
}

export const distserveEndpoints: Readonly<Record<string, GenerationEndpoint>> = {
  '/generate': { parse, format, refuse, outlivesClient: true },
};

/** FastAPI's list of routes, which is all that the server tells about itself. */
export function distservePages(): Routes {
  const generate = { post: { summary: 'Generate', responses: { 200: { description: 'Successful Response' } } } };
  const page = { openapi: '3.1.0', info: { title: 'FastAPI', version: '0.1.0' }, paths: { '/generate': generate } };
  return { '/openapi.json': ['GET', (_req, res) => sendJson(res, 200, page)] };
}
