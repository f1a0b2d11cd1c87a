import { z } from 'zod';
import type { DecodePool, PrefillPool } from '../engine.ts';
import type { Dispatch, HandOver } from './generation.ts';
import type { Address, InvalidRequest } from './http-server.ts';

/** SGLang's fields by which a request finds its counterpart on the other port, of any type; `bootstrap_host` is not read. */
export const BOOTSTRAP_FIELDS = { bootstrap_room: z.unknown().optional(), bootstrap_port: z.unknown().optional() };

export interface Bootstrap {
  /** Digits where it is a whole number, however large; undefined or null: none. */
  readonly room: unknown;
  readonly port: unknown;
}

/** The fields of a body, and that of a list of one prompt; `text`: the body unparsed. */
export function bootstrapOf(
  {
    bootstrap_room: room,
    bootstrap_port: port,
  }: { readonly bootstrap_room?: unknown; readonly bootstrap_port?: unknown },
  text: string,
): Bootstrap {
  const one = single(room);
  return { room: typeof one === 'number' ? (digitsOf(one, text) ?? one) : one, port: single(port) };
}

function single(value: unknown): unknown {
  return Array.isArray(value) && value.length === 1 ? value[0] : value;
}

/**
 * A key in a JSON text, not part of a string: the quotes in strings are escaped. A parse that keeps digits costs 0.3 s for
 * 100,000 token ids.
 */
const ROOM_DIGITS = /"bootstrap_room"\s*:\s*\[?\s*(\d+)/g;

/** The digits of a room, which JSON.parse rounds above 2^53; null if it is not written as a whole number. */
function digitsOf(room: number, text: string): string | null {
  if (Number.isSafeInteger(room)) return String(room);
  const found = [...text.matchAll(ROOM_DIGITS)].map(([, digits = '']) => digits);
  return found.findLast((digits) => Number(digits) === room) ?? null;
}

/**
 * SGLang's hand-over: a proxy sends the same request to both ports at once, with a number that it draws, the room. The
 * prefill port computes the prompt and responds with one token; the decode port waits for the prompt and generates every
 * token. As in SGLang, a request without a room is refused.
 */
export const BOOTSTRAP: HandOver = { prefill: prefillDispatch, decode: decodeDispatch };

function prefillDispatch(pool: PrefillPool): Dispatch {
  return ({ bootstrap }, format) => {
    const room = roomOf(bootstrap);
    if (typeof room !== 'string') return room;
    return { submit: (request, listener) => pool.holdInRoom(room, request, listener), format, maxTokens: 1 };
  };
}

function decodeDispatch(pool: DecodePool, { port: prefillPort }: Address): Dispatch {
  return ({ bootstrap }, format) => {
    const room = roomOf(bootstrap);
    if (typeof room !== 'string') return room;
    const port = bootstrap.port ?? prefillPort;
    if (port !== prefillPort)
      return {
        message:
          `bootstrap_port=${JSON.stringify(port)}: this port fetches prompts from port ${prefillPort} alone, where its ` +
          'prefill instances are; give that number (disaggregation_bootstrap_port of their /server_info), or none.',
        param: 'bootstrap_port',
      };
    return { submit: (request, listener) => pool.fetchFromRoom(room, request, listener), format };
  };
}

const MAX_ROOM = 2n ** 63n - 1n;

function roomOf({ room }: Bootstrap): string | InvalidRequest {
  const param = 'bootstrap_room';
  if (room === undefined || room === null)
    return {
      message:
        'Disaggregated request received without bootstrap room id: send the same request with a bootstrap_room to the ' +
        'prefill port and the decode port, as a router in prefill-decode mode does.',
      param,
    };
  if (Array.isArray(room))
    return { message: `bootstrap_room is a list of ${room.length}: one prompt a request.`, param };
  if (typeof room === 'string' && /^\d{1,19}$/.test(room) && BigInt(room) <= MAX_ROOM) return BigInt(room).toString();
  const got = typeof room === 'string' ? room : JSON.stringify(room);
  return { message: `bootstrap_room=${got}: expected a whole number from 0 to 2^63-1, in digits.`, param };
}
