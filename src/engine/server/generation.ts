import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WallClock } from '../../core/wall-clock.ts';
import type { Engine } from '../engine.ts';
import { sendError } from './api-error.ts';
import type { AnswerText, AnswerTextMaker } from './answer-text.ts';
import { AnswerReply, AnswerStream } from './answers.ts';
import { readBody } from './body.ts';
import type { BodyFault, GenerationRequest } from './generation-request.ts';
import type { ServerMetrics } from './metrics.ts';
import type { EmissionLog } from './emission-log.ts';

/** One way to ask for tokens: how a body is read, and how its answer is written. */
export interface GenerationEndpoint {
  readonly parse: (text: string) => GenerationRequest | BodyFault;
  readonly text: AnswerTextMaker;
}

/** A request that is taken: where it goes, and what its answer says. */
interface Taken {
  readonly submit: Engine['submit'];
  readonly text: AnswerText;
}

/** Takes a request that came to a port; `text` is what others would answer. */
export type Take = (request: GenerationRequest, text: AnswerText) => Taken | BodyFault;

export interface GenerationParts {
  readonly take: Take;
  readonly clock: WallClock;
  readonly modelName: string;
  readonly truth: EmissionLog;
  readonly metrics: ServerMetrics;
}

/** Makes endpoints that generate, streamed or whole. A client that goes away takes its request with it. */
export function generation(
  parts: GenerationParts,
): (endpoint: GenerationEndpoint) => (req: IncomingMessage, res: ServerResponse) => void {
  let received = 0;
  return (endpoint) => (req, res) => {
    const header = req.headers['x-request-id'];
    const requestId = typeof header === 'string' ? header : String(received++).padStart(16, '0');
    res.setHeader('x-request-id', requestId);
    readBody(req, res, (text) => {
      const request = endpoint.parse(text);
      if ('message' in request) sendError(res, 400, request.message, request.param);
      else if (request.model !== null && request.model !== parts.modelName)
        sendError(res, 404, `The model \`${request.model}\` does not exist; this is \`${parts.modelName}\`.`, 'model');
      else {
        const taken = parts.take(request, endpoint.text(request, requestId, parts.modelName));
        if ('message' in taken) sendError(res, 400, taken.message, taken.param);
        else answer(parts, taken, request, requestId, res);
      }
    });
  };
}

function answer(
  { clock, truth, metrics }: GenerationParts,
  { submit, text }: Taken,
  request: GenerationRequest,
  requestId: string,
  res: ServerResponse,
): void {
  const keepTruth = (emittedUs: readonly number[]): void => truth.keep(requestId, emittedUs);
  const listener = request.stream
    ? new AnswerStream(res, text, request.maxTokens, keepTruth)
    : new AnswerReply(res, text, keepTruth);
  clock.enter(() => {
    const inputTokens = request.promptPieces.length;
    const engineRequest = {
      id: requestId,
      inputTokens,
      content: { pieces: request.promptPieces, pieceTokens: 1 },
      maxTokens: request.maxTokens,
      trueOutputTokens: request.maxTokens,
    };
    const cancel = submit(engineRequest, metrics.watch(listener, inputTokens, clock.now()));
    if (res.writableEnded) return; // refused
    listener.begin();
    res.once('close', () => {
      if (res.writableEnded) return;
      cancel();
      metrics.aborted();
      listener.abandon();
    });
  });
}
