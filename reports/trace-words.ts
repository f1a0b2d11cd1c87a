import type { DurationStatistics, LengthStatistics, TraceInspection } from '../src/core/trace-inspection.ts';
import { formatMs, formatShare, threeFigures, withThousands } from '../src/core/units.ts';
import { countText } from '../src/core/words.ts';
import { amountText, secondsText } from './format.ts';

/** A cache whose size is known, to read the curve of reuse by. */
export interface CacheReading {
  readonly name: string;
  readonly tokens: number;
}

/** Times as large a variance as Poisson's that one sees. */
const BURSTY = 1.5;

/** What a trace is, in a sentence. */
export function traceSentence(found: TraceInspection): string {
  const { rows, duration_s: duration, rate_rps: rate, idc, sessions } = found;
  if (rows === 0) return 'There is no request in this trace';
  const many =
    sessions === 0 ? countText(rows, 'request') : `${countText(rows, 'request')} of ${countText(sessions, 'session')}`;
  if (duration === null) return `${many}, without the times at which sessions start`;
  if (rate === null) return `${many}, all at one time`;
  const bursts = idc['60s'] ?? idc['10s'] ?? idc['1s'];
  const window = idc['60s'] !== null ? 'a minute' : idc['10s'] !== null ? '10 s' : 'a second';
  const course =
    bursts === null
      ? ''
      : bursts >= BURSTY
        ? `; counts in ${window} vary ${threeFigures(bursts)} times as much as Poisson's`
        : `; counts in ${window} vary about as Poisson's do`;
  return `${many} in ${secondsText(duration)}, ${threeFigures(rate)} requests/s${course}`;
}

export interface WatchOut {
  /** What was found. */
  readonly found: string;
  /** What to do about it. */
  readonly todo: string;
}

/** By the name that a warning begins with; others say by themselves what to do, or that nothing is. */
const TODO: Readonly<Record<string, string>> = {
  clumped: 'Spread them with --declump uniform, or read figures under a few seconds as those of the rounding.',
  not_sorted: 'Nothing, if the source writes rows as they end; else look at the column of the times.',
  capped: 'Leave it so for a server with the same limit; --scale-input and --scale-output stretch lengths for others.',
  wrong_form: 'Name the columns with --map, or convert the file.',
  no_prefix_blocks: 'Runs of this trace find nothing in a prefix cache: take a trace with block ids to measure reuse.',
};
const BAD_ROW = /^\S+:\d+(?::\d+)?: |rows cannot be replayed/;
/** Above it, a run of a part of the trace measures that part. */
const DRIFTS = 3;
const PEAKS = 2;
const FEW = 100;

/** What whoever replays a trace should know of it, warnings first; empty where there is nothing. */
export function watchOuts(found: TraceInspection, reading: CacheReading | null): WatchOut[] {
  return [
    ...found.warnings.map((warning) => ({ found: warning, todo: todoOf(warning) })),
    ...burstsOf(found),
    ...sessionsOf(found),
    ...reuseOf(found, reading),
    ...contentsOf(found),
  ];
}

function todoOf(warning: string): string {
  if (BAD_ROW.test(warning))
    return 'Mend these rows, or run with --on-bad-row skip, which leaves them out and counts them.';
  const [, name = ''] = /^(\w+): /.exec(warning) ?? [];
  return (Object.hasOwn(TODO, name) ? TODO[name] : undefined) ?? '';
}

function burstsOf({ idc, peak_10s_over_mean: peak, rows }: TraceInspection): WatchOut[] {
  const all: WatchOut[] = [];
  if (rows > 0 && rows < FEW)
    all.push({
      found: `${countText(rows, 'request')} are few: a p99 of them is the slowest one.`,
      todo: 'Take a longer trace, or make more like it with reprise trace synth --fit.',
    });
  if ((idc['60s'] ?? 0) >= DRIFTS)
    all.push({
      found: `The rate itself changes: counts in a minute vary ${threeFigures(idc['60s'] ?? 0)} times as much as Poisson's.`,
      todo: 'Replay the whole trace, or choose the part on purpose with --window; load of a Poisson process at the same mean rate is easier than this.',
    });
  if ((peak ?? 0) >= PEAKS)
    all.push({
      found: `The busiest 10 s have ${threeFigures(peak ?? 0)} times the mean rate.`,
      todo: 'A server that carries the mean rate may miss its SLO there: look at attainment over time, not only at the whole.',
    });
  return all;
}

function sessionsOf({ duration_s, sessions, session_details: details }: TraceInspection): WatchOut[] {
  const all: WatchOut[] = [];
  if (duration_s === null)
    all.push({
      found: 'The trace does not say when its sessions start.',
      todo: 'Give --session-rate RPS (Poisson) or --concurrent-sessions N.',
    });
  if (details === null) return all;
  if (details.turns.max !== null && details.turns.max > 1 && duration_s !== null)
    all.push({
      found: `${withThousands(sessions - details.single_turn)} of ${countText(sessions, 'session')} have later turns, which a user sends when the answer before has come.`,
      todo: '--sessions think keeps their think times; without it they are sent when the trace did, however slow the server is.',
    });
  if (details.parents_missing > 0)
    all.push({
      found: `${countText(details.parents_missing, 'row')} follow one that is not in the trace.`,
      todo: 'They are replayed as first turns, with their whole prompts: a cache is colder for them than it was.',
    });
  return all;
}

/** Whether reuse is that of sessions one after another, because the trace does not say which go on side by side. */
export function areSessionsOneByOne({ duration_s, sessions }: TraceInspection): boolean {
  return duration_s === null && sessions > 1;
}

function reuseOf(found: TraceInspection, reading: CacheReading | null): WatchOut[] {
  const { prefix } = found;
  if (prefix === null || prefix.max_hit_ratio === 0) return [];
  const all: WatchOut[] = [];
  const held = reading === null ? null : shareHeld(prefix, reading.tokens);
  if (held !== null && reading !== null && held < 0.9 * prefix.max_hit_ratio)
    all.push({
      found: `A cache of ${aboutText(reading.tokens)} tokens, as ${reading.name} has, holds ${formatShare(held)} of the blocks, where one without limit holds ${formatShare(prefix.max_hit_ratio)}.`,
      todo: 'What a server reuses depends on its memory, its other load and its routing: compare servers with the same of each.',
    });
  if (areSessionsOneByOne(found))
    all.push({
      found:
        'Reuse by cache size is that of one session after another, as the trace does not say which go on side by side.',
      todo: 'N at a time need about N times the cache: read the curve at the size of yours over --concurrent-sessions.',
    });
  all.push({
    found: `Prompts share up to ${formatShare(prefix.max_hit_ratio)} of their blocks with earlier ones.`,
    todo: 'Empty the server’s prefix cache before each run (--reset-cache); --window begins with a cold one.',
  });
  return all;
}

function contentsOf({ rows, estimated_rows, failed_rows, media }: TraceInspection): WatchOut[] {
  const all: WatchOut[] = [];
  if (estimated_rows > 0)
    all.push({
      found: `The lengths of ${countText(estimated_rows, 'row')} of ${withThousands(rows)} are estimates from their characters.`,
      todo: '--tokenizer tokenizer.json counts them.',
    });
  if (failed_rows > 0)
    all.push({
      found: `${countText(failed_rows, 'row')} failed where the trace was taken.`,
      todo: 'Their output lengths are those of answers that were cut: take them out of the file where that matters.',
    });
  if (media.length > 0)
    all.push({
      found: `${media.map(({ kind, items }) => countText(items, kind)).join(', ')} stand in the trace.`,
      todo: 'A server gets those whose files the trace names; their tokens count where it gives them.',
    });
  return all;
}

/** Share of blocks that a cache of so many tokens holds, by the nearest smaller size of the curve; null where sizes are not known. */
export function shareHeld(
  { lru, block_tokens }: NonNullable<TraceInspection['prefix']>,
  tokens: number,
): number | null {
  if (block_tokens === null) return null;
  return lru.findLast(({ blocks }) => blocks * block_tokens <= tokens)?.hit_ratio ?? 0;
}

/** A large number by three figures: `441,000`, `15.4 million`. */
export function aboutText(value: number): string {
  return value >= 1e6 ? `${threeFigures(value / 1e6)} million` : withThousands(Number(value.toPrecision(3)));
}

/** Columns of the page's table of lengths. */
export const LENGTH_COLUMNS = ['tokens', 'mean', 'CV', 'p1', 'p10', 'p50', 'p90', 'p99', 'max', 'sum'] as const;

export function lengthRow(name: string, found: LengthStatistics): string[] {
  const { mean, cv, p1, p10, p50, p90, p99, max, sum } = found;
  return [
    name,
    ...[mean, cv, p1, p10, p50, p90, p99, max, sum].map((value) => (value === null ? '-' : threeFigures(value))),
  ];
}

/** Figures of times and contents, a line each. */
export function traceFigures(found: TraceInspection): (readonly [name: string, value: string])[] {
  const { iat, idc, joint, prefix, session_details: sessions } = found;
  const lines: [string, string | null][] = [
    ['mean rate', found.rate_rps === null ? null : `${threeFigures(found.rate_rps)} requests/s`],
    ['CV of the gaps', figure(found.iat_cv)],
    [
      'variance over mean of counts',
      idc['1s'] === null
        ? null
        : `1 s: ${figure(idc['1s'])}, 10 s: ${figure(idc['10s']) ?? '-'}, 60 s: ${figure(idc['60s']) ?? '-'} (Poisson: 1)`,
    ],
    [
      'busiest 10 s',
      found.peak_10s_over_mean === null ? null : `${threeFigures(found.peak_10s_over_mean)} times the mean rate`,
    ],
    [
      'gaps',
      iat === null
        ? null
        : `p50 ${seconds(iat.p50_s)}, p90 ${seconds(iat.p90_s)}, p99 ${seconds(iat.p99_s)}, max ${seconds(iat.max_s)}`,
    ],
    [
      'correlation of gaps',
      iat === null || iat.acf.length === 0
        ? null
        : iat.acf.map(({ lag, r }) => `lag ${lag}: ${threeFigures(r)}`).join(', '),
    ],
    ['distance from exponential gaps', figure(iat?.ks_exponential ?? null)],
    [
      'longest silence',
      found.longest_silence === null
        ? null
        : `${seconds(found.longest_silence.s)}, ${seconds(found.longest_silence.from_s)} after the start`,
    ],
    ['resolution of times', found.resolution_s === null ? null : seconds(found.resolution_s)],
    [
      'at one time',
      found.duration_s === null
        ? null
        : `${countText(found.max_same_time, 'request')} at most; ${withThousands(found.distinct_times)} distinct times`,
    ],
    [
      'correlation of lengths',
      joint.spearman === null
        ? null
        : `by rank ${threeFigures(joint.spearman)}, linear ${figure(joint.pearson) ?? '-'}`,
    ],
    ['repeated pairs of lengths', `${joint.is_exact ? '' : 'about '}${withThousands(joint.repeated_pairs)}`],
    [
      'turns a session',
      sessions === null
        ? null
        : `mean ${figure(sessions.turns.mean) ?? '-'}, p50 ${amountText(sessions.turns.p50 ?? 0)}, p90 ${amountText(sessions.turns.p90 ?? 0)}, max ${amountText(sessions.turns.max ?? 0)}`,
    ],
    ['from turn to turn', sessions === null ? null : durationText(sessions.gap)],
    ['from answer to turn', sessions === null ? null : durationText(sessions.think)],
    [
      'blocks',
      prefix === null
        ? null
        : `${withThousands(prefix.blocks)}, ${withThousands(prefix.distinct_blocks)} distinct, ${countText(prefix.roots, 'root')}, ${prefix.block_tokens === null ? 'of unknown size' : `of ${prefix.block_tokens} tokens`}`,
    ],
    [
      'reuse without limit',
      prefix === null
        ? null
        : `${formatShare(prefix.max_hit_ratio)} of blocks${prefix.max_hit_ratio_tokens === null ? '' : `, ${formatShare(prefix.max_hit_ratio_tokens)} of tokens`}`,
    ],
    ['classes', names(found.classes)],
    ['models', names(found.models)],
    ['users', found.users === null ? null : withThousands(found.users.distinct)],
  ];
  return lines.flatMap(([name, value]): [string, string][] => (value === null ? [] : [[name, value]]));
}

function durationText({ n, p50_s, p90_s, max_s }: DurationStatistics): string | null {
  if (p50_s === null || p90_s === null || max_s === null) return null;
  return `p50 ${seconds(p50_s)}, p90 ${seconds(p90_s)}, max ${seconds(max_s)} of ${countText(n, 'turn')}`;
}

function names(found: TraceInspection['classes']): string | null {
  if (found === null) return null;
  const shown = found.top.slice(0, 10).map(({ name, rows }) => `${name} ${withThousands(rows)}`);
  return `${shown.join(', ')}${found.distinct > shown.length ? ` and ${withThousands(found.distinct - shown.length)} more` : ''}`;
}

function seconds(value: number): string {
  return formatMs(value * 1000);
}

function figure(value: number | null): string | null {
  return value === null ? null : threeFigures(value);
}
