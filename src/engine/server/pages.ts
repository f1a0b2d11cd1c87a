import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { Engine } from '../engine.ts';
import type { EngineSpec } from '../spec.ts';
import type { EmissionLog } from './emission-log.ts';
import { parseJson, sendError, sendJson, type Handler, type Routes } from './http-server.ts';
import type { ServerMetrics } from './metrics.ts';
import type { RequestBodies } from './request-bodies.ts';
import { detokenize, tokenize } from './tokenizer.ts';

/** What pages show of one port; `engine` is the pool that the port serves where there are two. */
export interface PageContext {
  readonly engine: Engine;
  /** Null where there is one port. */
  readonly role: 'prefill' | 'decode' | null;
  readonly spec: EngineSpec;
  readonly modelName: string;
  readonly metrics: ServerMetrics;
  readonly emissionLog: EmissionLog;
  readonly bodies: RequestBodies;
}

/** In place of a version, so that no client takes the engine for the server whose dialect it has. */
const VERSION = 'reprise reference engine';

/** Pages of the engine's own, whatever its dialect. */
export function ownPages({ engine, emissionLog }: PageContext): Routes {
  return {
    '/load': ['GET', (_req, res) => sendJson(res, 200, engine.load())],
    '/truth': ['GET', (req, res) => sendEmissions(emissionLog, req, res)],
  };
}

/** The pages of every server with OpenAI's endpoints. */
export function openAiPages({ engine, modelName }: PageContext): Routes {
  return {
    '/v1/models': ['GET', (_req, res) => sendJson(res, 200, modelList(modelName, engine))],
    '/health': ['GET', sendOk],
  };
}

/** vLLM's pages, those of its development mode included. */
export function vllmPages(context: PageContext): Routes {
  const { engine, spec, metrics } = context;
  return {
    ...openAiPages(context),
    '/version': ['GET', (_req, res) => sendJson(res, 200, { version: VERSION, ...spec })],
    '/metrics': ['GET', (_req, res) => sendMetrics(metrics.text('vllm'), res)],
    ...tokenizerPages(context),
    // As vLLM: 200 even if requests hold blocks, so that all prefixes have been kept.
    '/reset_prefix_cache': [
      'POST',
      (req, res) => {
        engine.resetPrefixCache();
        sendOk(req, res);
      },
    ],
  };
}

/** SGLang's pages under their older and newer names. */
export function sglangPages(context: PageContext): Routes {
  const { engine, role, spec, modelName, metrics } = context;
  const serverInfo: Handler = ({ socket }, res) => {
    sendJson(res, 200, {
      model_path: modelName,
      served_model_name: modelName,
      context_length: engine.maxModelLen,
      max_total_num_tokens: engine.load().capacityTokens,
      disaggregation_mode: role ?? 'null',
      // Nothing else listens: rooms are asked for where prompts are.
      disaggregation_bootstrap_port: role === 'prefill' ? socket.localPort : null,
      version: VERSION,
      ...spec,
    });
  };
  const modelInfo: Handler = (_req, res) =>
    sendJson(res, 200, { model_path: modelName, tokenizer_path: modelName, is_generation: true });
  return {
    ...openAiPages(context),
    '/get_server_info': ['GET', serverInfo],
    '/server_info': ['GET', serverInfo],
    '/get_model_info': ['GET', modelInfo],
    '/model_info': ['GET', modelInfo],
    '/health_generate': ['GET', sendOk],
    '/metrics': ['GET', (_req, res) => sendMetrics(metrics.text('sglang'), res)],
    ...tokenizerPages(context),
    // SGLang does not flush while requests run.
    '/flush_cache': [
      'POST',
      (_req, res) => {
        const flushed = engine.resetPrefixCache();
        res.writeHead(flushed ? 200 : 400).end(flushed ? 'Cache flushed.\n' : 'Requests are running or waiting.\n');
      },
    ],
  };
}

const tokenizeBody = z.object({ model: z.string().nullish(), prompt: z.string() });
const detokenizeBody = z.object({ model: z.string().nullish(), tokens: z.array(z.int().min(0)) });

/** `/tokenize` and `/detokenize` as vLLM has them. A prompt of these ids has the length and the prefixes of its text. */
function tokenizerPages({ engine: { maxModelLen }, bodies }: PageContext): Routes {
  return {
    '/tokenize': [
      'POST',
      jsonHandler(bodies, tokenizeBody, ({ prompt }) => {
        const tokens = tokenize(prompt);
        return { count: tokens.length, max_model_len: maxModelLen, tokens, token_strs: null };
      }),
    ],
    '/detokenize': ['POST', jsonHandler(bodies, detokenizeBody, ({ tokens }) => ({ prompt: detokenize(tokens) }))],
  };
}

function jsonHandler<T>(bodies: RequestBodies, schema: z.ZodType<T>, reply: (body: T) => unknown): Handler {
  return (req, res) =>
    bodies.read(req, res, (text) => {
      const parsed = parseJson(text, schema);
      if ('message' in parsed) sendError(res, 400, parsed.message, parsed.param);
      else sendJson(res, 200, reply(parsed.body));
    });
}

function sendOk(_req: IncomingMessage, res: ServerResponse): void {
  res.writeHead(200, { 'content-length': 0 }).end();
}

function sendMetrics(text: string, res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text);
}

function modelList(modelName: string, engine: Engine): unknown {
  const model = {
    id: modelName,
    object: 'model',
    created: 0,
    owned_by: 'reprise',
    root: modelName,
    max_model_len: engine.maxModelLen,
  };
  return { object: 'list', data: [model] };
}

/** The emission times of one request by its `X-Request-Id`, or of all that the log has as JSON lines. */
function sendEmissions(log: EmissionLog, req: IncomingMessage, res: ServerResponse): void {
  const id = new URLSearchParams((req.url ?? '').split('?')[1] ?? '').get('id');
  if (id === null) {
    res.writeHead(200, { 'content-type': 'application/x-ndjson' });
    Readable.from(log.lines()).pipe(res);
    return;
  }
  const found = log.find(id);
  if (found === undefined)
    sendError(res, 404, `No request with X-Request-Id ${id} has ended, or it is long ago.`, 'id');
  else res.writeHead(200, { 'content-type': 'application/json' }).end(found);
}
