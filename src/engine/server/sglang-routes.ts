import { sendJson } from './api-error.ts';
import { sendMetrics } from './metrics.ts';
import { VERSION, type Handler, type Routes, type ServerParts } from './routes.ts';
import { tokenPages } from './token-pages.ts';

/** SGLang's pages besides those that generate, under their older and newer names. */
export function sglangRoutes(parts: ServerParts): Routes {
  const { engine, spec, modelName, metrics } = parts;
  const info: Handler = (_req, res) => {
    const { capacityTokens } = engine.load();
    const server = { model_path: modelName, served_model_name: modelName, context_length: engine.maxModelLen };
    sendJson(res, 200, { ...server, max_total_num_tokens: capacityTokens, version: VERSION, ...spec });
  };
  const model: Handler = (_req, res) =>
    sendJson(res, 200, { model_path: modelName, tokenizer_path: modelName, is_generation: true });
  return {
    '/get_server_info': ['GET', info],
    '/server_info': ['GET', info],
    '/get_model_info': ['GET', model],
    '/model_info': ['GET', model],
    '/health_generate': ['GET', (_req, res) => res.writeHead(200, { 'content-length': 0 }).end()],
    '/metrics': ['GET', (_req, res) => sendMetrics(metrics.text('sglang'), res)],
    ...tokenPages(parts),
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
