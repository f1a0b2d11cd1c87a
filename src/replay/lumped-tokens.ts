import { LUMP_US } from '../core/record.ts';
import type { TokenEvents } from './token-times.ts';

/** Fewer events at once may be one step of a server that decodes several tokens, each an event of its own. */
const MIN_EVENTS = 3;

/** Tokens of those events that came three or more at once: held back by a proxy, by the server, or by the client. */
export function lumpedTokens({ times, counts, texts, events }: TokenEvents): number {
  let lumped = 0;
  let [firstUs, eventsOfLump, tokensOfLump] = [Number.NEGATIVE_INFINITY, 0, 0];
  for (let i = 0; i < events; i++) {
    const count = Math.max(counts[i] ?? 0, (texts[i] ?? 0) > 0 ? 1 : 0);
    if (count === 0) continue;
    const timeUs = times[i] ?? 0;
    if (timeUs - firstUs > LUMP_US) {
      if (eventsOfLump >= MIN_EVENTS) lumped += tokensOfLump;
      [firstUs, eventsOfLump, tokensOfLump] = [timeUs, 0, 0];
    }
    eventsOfLump++;
    tokensOfLump += count;
  }
  return eventsOfLump >= MIN_EVENTS ? lumped + tokensOfLump : lumped;
}
