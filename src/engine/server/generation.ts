import type { ServerResponse } from 'node:http';
import type { WallClock } from '../../core/wall-clock.ts';
import type { DecodePool, Engine, Listener, PrefillPool } from '../engine.ts';
import type { EmissionLog } from './emission-log.ts';
import { sendError, type Address, type Handler, type InvalidRequest } from './http-server.ts';
import type { ServerMetrics } from './metrics.ts';
import type { RequestBodies } from './request-bodies.ts';
import type { GenerationRequest } from './requests.ts';
import type { ResponseFormat, ResponseFormatter } from './response-format.ts';
import { jsonResponse, streamingResponse, type ResponseListener } from './responses.ts';
import { TOKEN_ID } from './tokenizer.ts';

/** An API endpoint that generates tokens: how its requests are parsed, and its responses formatted. */
export interface GenerationEndpoint {
  readonly parse: (text: string) => GenerationRequest | InvalidRequest;
  readonly format: ResponseFormatter;
  /** Sends its errors; absent: in OpenAI's shape. */
  readonly refuse?: typeof sendError;
  /** A client that disconnects does not cancel its request. */
  readonly outlivesClient?: boolean;
}

/** Where a valid request is submitted, and the format of its response. */
interface Dispatched {
  readonly submit: Engine['submit'];
  readonly format: ResponseFormat;
  /** Tokens of the response; all that the request asks for if left out. */
  readonly maxTokens?: number;
}

/** Decides how a port serves a request; `format` is that of its endpoint. */
export type Dispatch = (request: GenerationRequest, format: ResponseFormat) => Dispatched | InvalidRequest;

/** How a proxy has one port compute a prompt and another decode: what each does with a request. */
export interface HandOver {
  /** `address`: of this port, once it listens. */
  readonly prefill: (pool: PrefillPool, address: () => Address) => Dispatch;
  readonly decode: (pool: DecodePool, prefillAddress: Address) => Dispatch;
}

export interface GenerationContext {
  readonly dispatch: Dispatch;
  readonly clock: WallClock;
  readonly bodies: RequestBodies;
  readonly modelName: string;
  /** Longest context of the model: prompt and output, in tokens. */
  readonly contextTokens: number;
  readonly emissionLog: EmissionLog;
  readonly metrics: ServerMetrics;
}

/** `X-Request-Id` is kept with the times of the request's tokens, and in the files of iterations. */
const MAX_ID = 512;

/** Makes the handlers of one port's endpoints. */
export function generationHandlers(context: GenerationContext): (endpoint: GenerationEndpoint) => Handler {
  const { dispatch, bodies, modelName } = context;
  let received = 0;
  return (endpoint) => (req, res) => {
    const { refuse = sendError } = endpoint;
    const header = req.headers['x-request-id'];
    if (typeof header === 'string' && header.length > MAX_ID) {
      req.resume();
      refuse(res, 400, `X-Request-Id has ${header.length} characters; at most ${MAX_ID} are taken.`);
      return;
    }
    const requestId = typeof header === 'string' ? header : String(received++).padStart(16, '0');
    res.setHeader('x-request-id', requestId);
    bodies.read(req, res, (text) => {
      const request = endpoint.parse(text);
      if ('message' in request) refuse(res, 400, request.message, request.param);
      else if (request.model !== null && request.model !== modelName)
        refuse(res, 404, `The model \`${request.model}\` does not exist; this is \`${modelName}\`.`, 'model');
      else {
        const dispatched = dispatch(request, endpoint.format(request, requestId, modelName));
        if ('message' in dispatched) refuse(res, 400, dispatched.message, dispatched.param);
        else generate(context, endpoint, { ...dispatched, request, requestId }, res);
      }
    });
  };
}

/** A valid request, and the id of its call. */
interface Submitted {
  readonly request: GenerationRequest;
  readonly requestId: string;
}

function generate(
  { clock, contextTokens, emissionLog, metrics }: GenerationContext,
  { refuse = sendError, outlivesClient = false }: GenerationEndpoint,
  { submit, format, maxTokens, request, requestId }: Dispatched & Submitted,
  res: ServerResponse,
): void {
  const logEmissions = (emittedUs: readonly number[]): void => emissionLog.add(requestId, emittedUs);
  const response = request.stream
    ? streamingResponse(res, format, maxTokens ?? request.maxTokens, logEmissions)
    : jsonResponse(res, format, logEmissions);
  const listener = {
    ...(outlivesClient ? whileConnected(response, res) : response),
    reject: (status: number, message: string) =>
      res.headersSent ? response.breakOff(status, message) : refuse(res, status, message),
  };
  clock.enter(() => {
    const inputTokens = request.promptTokenIds.length;
    const engineRequest = {
      id: requestId,
      inputTokens,
      content: { pieces: withOutput(request, contextTokens), pieceTokens: 1, coversOutput: true as const },
      maxTokens: request.maxTokens,
      trueOutputTokens: request.maxTokens,
    };
    const cancel = submit(engineRequest, metrics.watch(listener, inputTokens, clock.now()));
    if (res.writableEnded) return; // rejected
    response.begin();
    res.once('close', () => {
      if (res.writableEnded) return;
      response.abort();
      if (outlivesClient) return;
      cancel();
      metrics.aborted();
    });
  });
}

/**
 * The ids of all its tokens, those of the output too: the next prompt of a conversation begins with both. A request that is
 * longer than the context is refused, whatever its output would be.
 */
function withOutput({ promptTokenIds, maxTokens }: GenerationRequest, contextTokens: number): readonly number[] {
  const outputTokens = promptTokenIds.length + maxTokens > contextTokens ? 0 : Math.max(0, maxTokens);
  return [...promptTokenIds, ...Array<number>(outputTokens).fill(TOKEN_ID)];
}

/** Passes on nothing to a response whose client has disconnected. */
function whileConnected(response: ResponseListener, res: ServerResponse): Omit<Listener, 'reject'> {
  return {
    tokens: (timeUs, count) => {
      if (!res.destroyed) response.tokens(timeUs, count);
    },
    end: (timeUs, completion) => {
      if (!res.destroyed) response.end(timeUs, completion);
    },
  };
}
