import { byMetric, type Scrape } from '../../schema/server-metrics.ts';
import { formatShare, withThousands } from '../../core/units.ts';
import { countText, listText } from '../../core/words.ts';
import { fullest, total } from '../server.ts';
import { type Facts, isTelling, type Span } from './facts.ts';
import { isWithin } from './spans.ts';

/** From this share on the KV cache is full: the next request has to wait, or another one is preempted. */
const FULL = 0.95;
/** Preemptions of so many requests in a hundred are named. */
const TELLING_PREEMPTIONS = 0.01;

/** What the server said of itself at one time; null where it does not tell. */
interface ServerState {
  readonly at_s: number;
  readonly waiting: number | null;
  readonly kv_usage: number | null;
}

export type ServerCourse = readonly ServerState[];

/** Of a scrape that could be read. */
export function serverState({ timeUs, samples }: Scrape): ServerState | null {
  if (samples === null) return null;
  const values = byMetric(samples);
  const [waiting, usage] = [values.get('waiting'), values.get('kv_usage')];
  return {
    at_s: timeUs / 1e6,
    waiting: waiting === undefined ? null : total(waiting),
    kv_usage: usage === undefined ? null : fullest(usage),
  };
}

/** What was full in the server during the spans; null where it does not tell. */
export function fullText(server: ServerCourse, spans: readonly Span[]): string | null {
  const within = server.filter(({ at_s }) => isWithin(spans, at_s));
  const waiting = highest(within.map((state) => state.waiting));
  const usage = highest(within.map((state) => state.kv_usage));
  const parts = [
    ...(usage === null
      ? []
      : [usage >= FULL ? 'its KV memory was full' : `its KV memory was at most ${formatShare(usage)} full`]),
    ...(waiting === null
      ? []
      : [
          waiting === 0
            ? 'no request waited in its queue'
            : `up to ${countText(Math.round(waiting), 'request')} waited in its queue`,
        ]),
  ];
  return parts.length === 0 ? null : listText(parts);
}

/** KV memory that ran full, with what it cost. `isSaid`: it is said of a burst already, and only preemptions are news. */
export function memoryText({ course, server, summary }: Facts, isSaid: boolean): string | null {
  const preemptions = summary.server?.preemptions ?? 0;
  const usage = highest(server.map(({ kv_usage }) => kv_usage));
  const isOften = preemptions >= TELLING_PREEMPTIONS * summary.requests.scheduled;
  if (usage === null || usage < FULL || course === null || !isTelling(course)) return null;
  const full = server.filter(({ kv_usage }) => kv_usage !== null && kv_usage >= FULL).length / server.length;
  const waiting = highest(server.map((state) => state.waiting)) ?? 0;
  if (!isOften && (isSaid || waiting === 0)) return null;
  const cost = [
    ...(isOften
      ? [
          `${withThousands(preemptions)} times a running request was preempted, and what it had computed was computed again`,
        ]
      : []),
    ...(waiting > 0 ? [`up to ${countText(Math.round(waiting), 'request')} waited for a place`] : []),
  ];
  return `KV memory ran full: ${formatShare(full)} of the time it was ${formatShare(FULL)} full or more; ${listText(cost)}.`;
}

function highest(values: readonly (number | null)[]): number | null {
  return values.reduce((high, value) => (value === null ? high : Math.max(high ?? 0, value)), null);
}
