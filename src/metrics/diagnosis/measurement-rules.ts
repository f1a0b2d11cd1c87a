import { formatMs, formatShare, threeFigures } from '../../core/units.ts';
import { countText } from '../../core/words.ts';
import type { Facts } from './facts.ts';

/** What the figures describe instead of the server: whatever a warning says above the verdict, in words for everyone. */

export function clientText(facts: Facts): string | null {
  const { warned, summary } = facts;
  const { validity } = summary;
  if (!warned.has('not_valid') || isUnknown(validity)) return null;
  const waited = validity.core_wait_share ?? 0;
  const stillMs = stoodStillMs(facts);
  const why =
    stillMs !== null
      ? `it stood still for ${formatMs(stillMs)}, in which what came and went waited`
      : waited > WAITED
        ? `for ${formatShare(waited)} of the time other programs on its machine had the cores that it needed`
        : 'it sent requests late or stood still';
  return `The client was slow: ${why}, and its own delays are in these figures. Repeat the run on a quiet machine.`;
}
const WAITED = 0.04;

/** The longest time that the client of a run that is not valid stood still, where it is worth a word; or null. */
function stoodStillMs({ warned, summary: { validity } }: Pick<Facts, 'warned' | 'summary'>): number | null {
  const longest = validity.event_loop_delay_ms?.max ?? 0;
  return warned.has('not_valid') && longest >= STOOD_STILL_MS ? longest : null;
}
const STOOD_STILL_MS = 1000;

/** Whether it stood still for so much of the run that what it did not do meanwhile looks like a slow server. */
export function stoodStillLong(facts: Pick<Facts, 'warned' | 'summary'>): boolean {
  return (stoodStillMs(facts) ?? 0) > STOOD_STILL_SHARE * facts.summary.delivered.duration_s * 1000;
}
const STOOD_STILL_SHARE = 0.1;

/** Of another tool's client, and of one that was killed and had sent in time, nothing is known. */
function isUnknown({ judged, event_loop_delay_ms, reasons }: Facts['summary']['validity']): boolean {
  return !judged || (event_loop_delay_ms === null && reasons.length === 1);
}

export function cacheText({ warned, summary: { delivered } }: Facts): string | null {
  const cached = delivered.cached_tokens;
  if (cached === null || !warned.has('cached_tokens')) return null;
  return `A warm cache: the server still had ${formatShare(cached.cached / Math.max(1, cached.cached, cached.input))} of the prompts from an earlier run and did not compute them again, so first tokens came sooner than new users would see them.`;
}

export function proxyText({ warned, summary: { delivered, server } }: Facts): string | null {
  const { lumps } = delivered;
  if (lumps === null || !warned.has('lumps')) return null;
  const theirs = server?.latency_ms.itl ?? null;
  return `Something on the way holds tokens back, such as a proxy that buffers: ${formatShare(lumps.lumped / lumps.streams)} of the answers came in lumps of ${threeFigures(lumps.tokens / lumps.lumps)} tokens, so users see text in bursts, whatever the server does${theirs === null ? '' : ` (it says that a token took it ${threeFigures(theirs.mean)} ms)`}. Turn buffering off there.`;
}

export function capText({ warned, summary: { held } }: Facts): string | null {
  if (held === null || !warned.has('held')) return null;
  const half = held.wait_ms === null ? '' : `, half of those longer than ${formatMs(held.wait_ms.p50)}`;
  return `The cap of the client: only ${countText(held.max_in_flight, 'request')} could be in flight at once, and ${formatShare(held.share)} of the requests waited for a place${half}; that wait is in their latencies, and the server had less to do than the trace asks.`;
}
