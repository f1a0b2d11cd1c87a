import type {
  DurationStatistics,
  LengthStatistics,
  NameCounts,
  PrefixStatistics,
  SessionStatistics,
  TraceInspection,
} from '../src/core/trace-inspection.ts';
import { formatMs, formatShare, threeFigures, withThousands } from '../src/core/units.ts';
import { countText } from '../src/core/words.ts';

const BLOCKS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/** Of a cache, in blocks. */
const SHOWN_SIZES = [1000, 10_000, 100_000, 1_000_000];
const MOST_NAMES = 5;

/** An inspection for people: what it is, when requests arrive (with a picture), how long they are. */
export function inspectionText(found: TraceInspection): string {
  const lines = [
    found.file,
    `  ${found.format}, ${countText(found.rows, 'request')}; bad rows: ${withThousands(found.bad_rows)}`,
    '',
    ...(found.duration_s === null ? ['  arrivals      the trace does not say when its sessions start'] : times(found)),
    '',
    `  tokens        ${['mean', 'p50', 'p90', 'p99', 'max'].map((name) => name.padStart(9)).join('')}`,
    `    input       ${lengths(found.input_tokens)}`,
    `    output      ${lengths(found.output_tokens)}`,
    `    together    rank correlation ${figure(found.joint.spearman)}; ${found.joint.is_exact ? '' : 'about '}${withThousands(found.joint.repeated_pairs)} rows repeat both lengths of another`,
  ];
  const names = [
    ...namesText('classes', found.classes),
    ...namesText('models', found.models),
    ...namesText('users', found.users),
  ];
  const media = found.media.map(
    ({ kind, rows, items }) => `${withThousands(items)} ${kind}s in ${withThousands(rows)} rows`,
  );
  if (media.length > 0) names.push(`  media         ${media.join(', ')}`);
  if (names.length > 0) lines.push('', ...names);
  if (found.session_details !== null) lines.push('', ...sessionLines(found, found.session_details));
  if (found.prefix !== null) lines.push('', ...prefixLines(found.prefix));
  if (found.warnings.length > 0) lines.push('', ...found.warnings.map((warning) => `  warning: ${warning}`));
  return lines.join('\n');
}

function times(found: TraceInspection): string[] {
  const most = Math.max(1, ...found.arrivals);
  const bars = found.arrivals.map((count) => BLOCKS[Math.ceil((count / most) * 8)]).join('');
  const { iat, longest_silence: silence, resolution_s: resolution } = found;
  const lines = [
    `  arrivals  ${bars}`,
    `            ${'0 s'.padEnd(found.arrivals.length - 8)}${`${threeFigures(found.duration_s ?? 0)} s`.padStart(8)}`,
    `  rate          ${figure(found.rate_rps)} requests/s${found.peak_10s_over_mean === null ? '' : `, peak over 10 s ${figure(found.peak_10s_over_mean)} times that`}`,
    `  burstiness    CV of gaps ${figure(found.iat_cv)}; variance over mean of counts in 1 s ${figure(found.idc['1s'])}, 10 s ${figure(found.idc['10s'])}, 60 s ${figure(found.idc['60s'])} (Poisson: 1)`,
  ];
  if (iat !== null)
    lines.push(
      `  gaps          p50 ${seconds(iat.p50_s)}, p90 ${seconds(iat.p90_s)}, p99 ${seconds(iat.p99_s)}${silence === null ? '' : `; longest ${seconds(silence.s)}, ${seconds(silence.from_s)} after the start`}`,
    );
  lines.push(
    `  at one time   ${withThousands(found.max_same_time)} at most${resolution === null ? '' : `; times are whole multiples of ${seconds(resolution)}`}`,
  );
  return lines;
}

function sessionLines(found: TraceInspection, details: SessionStatistics): string[] {
  const { turns, gap, think, single_turn, overlapping, parents_missing } = details;
  const notes = [
    overlapping === 0 ? null : `${withThousands(overlapping)} turns begin before the answer before has ended`,
    parents_missing === 0 ? null : `${withThousands(parents_missing)} rows follow one that is not in the trace`,
  ].filter((note) => note !== null);
  return [
    `  sessions      ${withThousands(found.sessions)}, ${figure(found.turns_per_session)} turns each (p90 ${figure(turns.p90)}, max ${figure(turns.max)}); ${withThousands(single_turn)} of one turn`,
    ...durationLine('    from start to start', gap),
    ...durationLine('    from end to start', think),
    ...notes.map((note) => `    ${note}`),
  ];
}

function durationLine(name: string, { n, p50_s, p90_s, max_s }: DurationStatistics): string[] {
  if (p50_s === null || p90_s === null || max_s === null) return [];
  return [`${name}: p50 ${seconds(p50_s)}, p90 ${seconds(p90_s)}, max ${seconds(max_s)} (${countText(n, 'turn')})`];
}

function prefixLines(prefix: PrefixStatistics): string[] {
  const { max_hit_ratio, max_hit_ratio_tokens, block_tokens, lru, blocks, distinct_blocks, roots } = prefix;
  const shown = lru.filter((point) => SHOWN_SIZES.includes(point.blocks));
  const sizes = shown.map((point) => `${withThousands(point.blocks)} blocks ${formatShare(point.hit_ratio)}`);
  return [
    `  prefix reuse  ${figure(max_hit_ratio)} of blocks, ${figure(max_hit_ratio_tokens)} of tokens at most (blocks of ${block_tokens ?? 'unknown'} tokens)`,
    `    ${withThousands(blocks)} blocks, ${withThousands(distinct_blocks)} of them distinct; ${countText(roots, 'root')}`,
    ...(sizes.length === 0 ? [] : [`    in a cache of ${sizes.join(', ')}`]),
  ];
}

function namesText(what: string, names: NameCounts | null): string[] {
  if (names === null) return [];
  const shown = names.top
    .slice(0, MOST_NAMES)
    .map(({ name, rows }) => `${JSON.stringify(name.slice(0, 60)).slice(1, -1)} ${withThousands(rows)}`);
  const more = names.distinct - shown.length;
  return [`  ${what.padEnd(14)}${shown.join(', ')}${more > 0 ? ` and ${withThousands(more)} more` : ''}`];
}

function seconds(value: number): string {
  return formatMs(value * 1000);
}

function figure(value: number | null): string {
  return value === null ? '-' : threeFigures(value);
}

function lengths({ mean, p50, p90, p99, max }: LengthStatistics): string {
  return [mean, p50, p90, p99, max].map((value) => figure(value).padStart(9)).join('');
}
