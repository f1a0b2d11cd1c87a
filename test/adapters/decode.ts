import type { Codec } from '../../src/core/codec.ts';
import type { Request } from '../../src/core/request.ts';
import type { ResponseInfo } from '../../src/core/target.ts';

export interface Decoded {
  readonly counts: readonly number[];
  readonly end: string | null;
  readonly response: ResponseInfo;
}

/** What a codec makes of a response's bytes, cut at `at`. */
export function decode(codec: Codec, request: Request, bytes: Buffer, at: readonly number[] = []): Decoded {
  const counts: number[] = [];
  const decoder = codec.decoder(request, { tokens: (count) => counts.push(count) });
  let from = 0;
  for (const to of [...at].sort((a, b) => a - b).concat(bytes.length)) {
    // A copy that is wiped afterwards, so that a decoder that keeps the socket's buffer is caught.
    const piece = Buffer.from(bytes.subarray(from, to));
    decoder.push(piece);
    piece.fill(0);
    from = to;
  }
  return { counts, end: decoder.end()?.message ?? null, response: decoder.response(200) };
}
