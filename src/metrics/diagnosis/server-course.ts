import { byMetric, type Scrape } from '../../schema/server-metrics.ts';
import { formatShare, withThousands } from '../../core/units.ts';
import { countText, listText } from '../../core/words.ts';
import { countUpTo } from '../samples.ts';
import { fullest, total } from '../server.ts';
import type { Course } from './course.ts';
import { type Facts, isTelling } from './facts.ts';
import { isWithin, type Span } from './spans.ts';

/** From this share on the KV cache is full: the next request has to wait, or another one is preempted. */
const FULL = 0.95;
/** Preemptions of so many requests in a hundred are named. */
const TELLING_PREEMPTIONS = 0.01;
/** It matters where it was full during so many of the misses, and so many times as often as during other requests. */
const OF_MISSES = 0.5;
const MORE_OFTEN = 1.5;

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

/** What was full in the server during the spans; null where nothing was, or it does not tell. */
export function fullText(server: ServerCourse, spans: readonly Span[]): string | null {
  const within = server.filter(({ at_s }) => isWithin(spans, at_s));
  const waiting = highest(within.map((state) => state.waiting));
  const usage = highest(within.map((state) => state.kv_usage));
  const parts = [
    ...(usage !== null && usage >= FULL ? ['its KV memory was full'] : []),
    ...(waiting !== null && waiting > 0
      ? [`up to ${countText(Math.round(waiting), 'request')} waited in its queue`]
      : []),
  ];
  return parts.length === 0 ? null : listText(parts);
}

/** KV memory that ran full while requests missed, with what it cost. `isSaid`: a burst tells it, and only preemptions are news. */
export function memoryText(facts: Facts, isSaid: boolean): string | null {
  const { course, server, summary, overload } = facts;
  if (!isTelling(course)) return null;
  const full = server.filter(({ kv_usage }) => kv_usage !== null && kv_usage >= FULL);
  const preemptions = summary.server?.preemptions ?? 0;
  const waiting = Math.round(highest(full.map((state) => state.waiting)) ?? 0);
  const isOften = preemptions >= TELLING_PREEMPTIONS * summary.requests.scheduled;
  if (full.length === 0 || !(isOften || (waiting > 0 && !isSaid))) return null;
  if (overload === null && !matters(course, full)) return null;
  const cost = [
    ...(isOften ? [`${withThousands(preemptions)} times a running request was preempted and computed again`] : []),
    ...(waiting > 0 && !isSaid ? [`up to ${countText(waiting, 'request')} waited`] : []),
  ];
  return `KV memory ran full, ${formatShare(full.length / server.length)} of the time: ${listText(cost)}.`;
}

/** Whether memory was full while requests were in the system that missed, and less often while others were. */
function matters({ requests: { due_us, end_us, missed } }: Course, full: ServerCourse): boolean {
  const times = Float64Array.from(full, ({ at_s }) => at_s * 1e6).sort();
  const during = { missed: 0, met: 0 };
  const all = { missed: 0, met: 0 };
  for (let i = 0; i < due_us.length; i++) {
    const kind = missed[i] === 1 ? 'missed' : 'met';
    all[kind]++;
    if (countUpTo(times, end_us[i] ?? Infinity) > countUpTo(times, due_us[i] ?? 0)) during[kind]++;
  }
  const share = during.missed / Math.max(1, all.missed);
  return share >= OF_MISSES && share >= MORE_OFTEN * (during.met / Math.max(1, all.met));
}

function highest(values: readonly (number | null)[]): number | null {
  return values.reduce((high, value) => (value === null ? high : Math.max(high ?? 0, value)), null);
}
