import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WallClock } from '../../core/wall-clock.ts';
import type { Engine } from '../engine.ts';
import { sendError } from './api-error.ts';
import { CompletionReply, CompletionStream } from './completion-answer.ts';
import { parseCompletionRequest, type CompletionRequest } from './completion-request.ts';
import { CompletionText } from './completion-text.ts';
import { BODY_LIMIT_BYTES, readBody } from './request-body.ts';
import type { TruthLog } from './truth.ts';

export interface CompletionsParts {
  readonly engine: Engine;
  readonly clock: WallClock;
  readonly modelName: string;
  readonly truth: TruthLog;
}

/** `POST /v1/completions`, streamed or whole. A client that goes away takes its request with it. */
export function completions(parts: CompletionsParts): (req: IncomingMessage, res: ServerResponse) => void {
  let received = 0;
  return (req, res) => {
    const header = req.headers['x-request-id'];
    const requestId = typeof header === 'string' ? header : String(received++).padStart(16, '0');
    res.setHeader('x-request-id', requestId);
    readBody(req, (text) => {
      if (text === null) {
        res.setHeader('connection', 'close');
        sendError(res, 413, `The body is larger than ${BODY_LIMIT_BYTES} bytes.`);
        return;
      }
      const request = parseCompletionRequest(text);
      if ('message' in request) sendError(res, 400, request.message, request.param);
      else if (request.model !== null && request.model !== parts.modelName)
        sendError(res, 404, `The model \`${request.model}\` does not exist; this is \`${parts.modelName}\`.`, 'model');
      else answer(parts, request, requestId, res);
    });
  };
}

function answer(
  { engine, clock, modelName, truth }: CompletionsParts,
  request: CompletionRequest,
  requestId: string,
  res: ServerResponse,
): void {
  const text = new CompletionText(request, `cmpl-${requestId}`, modelName);
  const keepTruth = (emittedUs: readonly number[]): void => truth.keep(requestId, emittedUs);
  const listener = request.stream
    ? new CompletionStream(res, text, request.maxTokens, keepTruth)
    : new CompletionReply(res, text, keepTruth);
  clock.enter(() => {
    const submission = {
      inputTokens: request.promptTokens,
      maxTokens: request.maxTokens,
      stopAfter: request.maxTokens,
    };
    const cancel = engine.submit(submission, listener);
    if (res.writableEnded) return; // refused
    listener.begin();
    res.once('close', () => {
      if (res.writableEnded) return;
      cancel();
      listener.abandon();
    });
  });
}
