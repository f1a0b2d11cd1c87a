import { sendJson } from './api-error.ts';
import { sendMetrics } from './metrics.ts';
import { VERSION, type Routes, type ServerParts } from './routes.ts';
import { tokenPages } from './token-pages.ts';

/** vLLM's pages besides those that generate. */
export function vllmRoutes(parts: ServerParts): Routes {
  const { engine, spec, metrics } = parts;
  return {
    '/version': ['GET', (_req, res) => sendJson(res, 200, { version: VERSION, ...spec })],
    '/metrics': ['GET', (_req, res) => sendMetrics(metrics.text('vllm'), res)],
    ...tokenPages(parts),
    // As vLLM, which says 200 also where it has kept everything because requests hold blocks.
    '/reset_prefix_cache': [
      'POST',
      (_req, res) => {
        engine.resetPrefixCache();
        res.writeHead(200, { 'content-length': 0 }).end();
      },
    ],
  };
}
