import type { ServerResponse } from 'node:http';

const TYPES: Readonly<Record<number, string>> = {
  400: 'BadRequestError',
  404: 'NotFoundError',
  405: 'MethodNotAllowedError',
  413: 'RequestTooLargeError',
  500: 'InternalServerError',
  503: 'ServiceUnavailableError',
};

/** Answers with an error in OpenAI's shape; `param` names the field of the body that is at fault. */
export function sendError(res: ServerResponse, status: number, message: string, param: string | null = null): void {
  const error = { message, type: TYPES[status] ?? 'APIError', param, code: status };
  sendJson(res, status, { error });
}

export function sendJson(res: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  res.end(text);
}
