import { z } from 'zod';

const said = z.union([z.string(), z.looseObject({ message: z.string() })]);
const body = z.looseObject({ error: said.optional(), message: z.string().optional(), detail: z.unknown().optional() });

const LONGEST = 300;

/**
 * One line out of an error body: `error.message` (OpenAI, vLLM), `error` or `message` (Dynamo), `detail`
 * (FastAPI), else the text itself.
 */
export function errorMessageOf(text: string): string {
  const line = (message(text) ?? text).replaceAll(/\s+/g, ' ').trim();
  if (line === '') return 'no message';
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}...` : line;
}

function message(text: string): string | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const parsed = body.safeParse(json);
  if (!parsed.success) return null;
  const { error, message: plain, detail } = parsed.data;
  if (error !== undefined) return typeof error === 'string' ? error : error.message;
  if (plain !== undefined) return plain;
  return detail === undefined ? null : typeof detail === 'string' ? detail : JSON.stringify(detail);
}
