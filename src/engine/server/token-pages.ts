import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { sendError, sendJson } from './api-error.ts';
import { readBody } from './body.ts';
import { piecesOfText, readJson, textOfPieces } from './generation-request.ts';
import type { Handler, Routes, ServerParts } from './routes.ts';

const textBody = z.object({ model: z.string().nullish(), prompt: z.string() });
const tokenBody = z.object({ model: z.string().nullish(), tokens: z.array(z.int().min(0)) });

/** `/tokenize` and `/detokenize` as vLLM has them. A prompt of these tokens counts, and is cached, as its text. */
export function tokenPages({ engine }: ServerParts): Routes {
  return {
    '/tokenize': [
      'POST',
      answering(textBody, ({ prompt }, res) => {
        const tokens = piecesOfText(prompt);
        sendJson(res, 200, { count: tokens.length, max_model_len: engine.maxModelLen, tokens, token_strs: null });
      }),
    ],
    '/detokenize': [
      'POST',
      answering(tokenBody, ({ tokens }, res) => sendJson(res, 200, { prompt: textOfPieces(tokens) })),
    ],
  };
}

function answering<T>(schema: z.ZodType<T>, answer: (body: T, res: ServerResponse) => void): Handler {
  return (req, res) =>
    readBody(req, res, (text) => {
      const read = readJson(text, schema);
      if ('message' in read) sendError(res, 400, read.message, read.param);
      else answer(read.body, res);
    });
}
