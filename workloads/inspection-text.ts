import { threeFigures, withThousands } from '../src/core/units.ts';
import { countText } from '../src/core/words.ts';
import type { LengthStatistics } from './inspect/lengths.ts';
import type { TraceInspection } from './inspect.ts';

const BLOCKS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** An inspection for people: what it is, when requests arrive (with a picture), how long they are. */
export function inspectionText(found: TraceInspection): string {
  const most = Math.max(1, ...found.arrivals);
  const bars = found.arrivals.map((count) => BLOCKS[Math.ceil((count / most) * 8)]).join('');
  const lines = [
    found.file,
    `  ${found.format}, ${countText(found.rows, 'request')}; bad rows: ${withThousands(found.bad_rows)}`,
    '',
    `  arrivals  ${bars}`,
    `            ${'0 s'.padEnd(found.arrivals.length - 8)}${`${threeFigures(found.duration_s)} s`.padStart(8)}`,
    `  rate          ${figure(found.rate_rps)} requests/s${found.peak_10s_over_mean === null ? '' : `, peak over 10 s ${figure(found.peak_10s_over_mean)} times that`}`,
    `  burstiness    CV of gaps ${figure(found.iat_cv)}; variance over mean of counts in 1 s ${figure(found.idc['1s'])}, 10 s ${figure(found.idc['10s'])}, 60 s ${figure(found.idc['60s'])} (Poisson: 1)`,
    `  at one time   ${withThousands(found.max_same_time)} at most`,
    '',
    `  tokens        ${['mean', 'p50', 'p90', 'p99', 'max'].map((name) => name.padStart(9)).join('')}`,
    `    input       ${lengths(found.input_tokens)}`,
    `    output      ${lengths(found.output_tokens)}`,
  ];
  if (found.sessions > 0)
    lines.push('', `  sessions      ${withThousands(found.sessions)}, ${figure(found.turns_per_session)} turns each`);
  if (found.prefix !== null)
    lines.push(
      '',
      `  prefix reuse  ${figure(found.prefix.max_hit_ratio)} of blocks, ${figure(found.prefix.max_hit_ratio_tokens)} of tokens at most (blocks of ${found.prefix.block_tokens ?? 'unknown'} tokens)`,
    );
  if (found.warnings.length > 0) lines.push('', ...found.warnings.map((warning) => `  warning: ${warning}`));
  return lines.join('\n');
}

function figure(value: number | null): string {
  return value === null ? '-' : threeFigures(value);
}

function lengths({ mean, p50, p90, p99, max }: LengthStatistics): string {
  return [mean, p50, p90, p99, max].map((value) => figure(value).padStart(9)).join('');
}
