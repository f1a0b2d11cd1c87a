import type { Manifest } from '../../src/schema/manifest.ts';
import { LATENCY_METRICS, type LatencyMetric } from '../../src/schema/latency.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { latencyOf } from '../../src/core/slo.ts';
import { formatShare, withThousands } from '../../src/core/units.ts';
import { CLASS_COLUMNS, classRows, limitShares } from '../slo-shares.ts';
import { sessionsText } from '../session-words.ts';
import { sloScaleText } from '../slo-scale-text.ts';
import { verdictOf } from '../verdict.ts';
import { METRIC_NAMES } from '../definitions.ts';
import { plain } from './plain.ts';
import { commandText, failureTexts, latencyText, loadText, rateText } from '../format.ts';

/** The summary for a pull request or a chat: the verdict, one table of latencies, how to repeat it. */
export function summaryMarkdown(summary: Summary, manifest: Manifest): string {
  const { glyph, sentence, warnings, assurance, why, delivered, excluded } = verdictOf(summary, manifest);
  const { workload, target } = manifest;
  const { requests, throughput } = summary;
  const scales = sloScaleText(summary);
  const sessions = sessionsText(summary);
  return [
    ...warnings.flatMap((warning) => [`**! ${plain(warning)}**`, '']),
    `**${glyph} ${plain(sentence)}**`,
    '',
    ...(why === null ? [] : [`**Why:** ${plain(why)}`, '']),
    ...(assurance === null ? [] : [`✓ ${assurance}`, '']),
    plain(delivered),
    '',
    ...(excluded === null ? [] : [excluded, '']),
    `${plain(workload.name)} on ${plain(target.spec)}, ${loadText(workload)}; ${withThousands(requests.ok)} ok, ${withThousands(requests.failed)} failed; out ${rateText(throughput.output_tokens_per_s, 'tokens')}`,
    '',
    ...failureTexts(requests).map((text) => `- ${plain(text)}`),
    ...(requests.failures.length === 0 ? [] : ['']),
    ...latencyTable(summary),
    ...classTable(summary),
    '',
    ...(sessions === null ? [] : [`Sessions: ${sessions}`, '']),
    ...(scales === null ? [] : [`SLO scale: ${scales}`, '']),
    fenced(commandText(manifest.command)),
    '',
  ].join('\n');
}

function latencyTable({ latency_ms, slo }: Summary): string[] {
  const rows = LATENCY_METRICS.map((metric) => {
    const stats = latency_ms[metric];
    const cells = [stats.p50, stats.p90, stats.p99].map((value) => latencyText(stats, value));
    return `| ${METRIC_NAMES[metric]} | ${cells.join(' | ')} | ${slo === null ? '' : limitCell(slo, metric)} |`;
  });
  return ['| | p50 | p90 | p99 | within the SLO |', '| --- | ---: | ---: | ---: | ---: |', ...rows];
}

/** `97.0 % <= 200 ms`, for each limit on the latency. */
function limitCell(slo: NonNullable<Summary['slo']>, latency: LatencyMetric): string {
  return limitShares(slo)
    .filter(({ metric }) => latencyOf(metric) === latency)
    .map(({ share, limit, metric }) => `${formatShare(share)}${limit.replace(METRIC_NAMES[latencyOf(metric)], '')}`)
    .join(', ');
}

/** A row a class, where the SLO has limits by class. */
function classTable({ slo }: Summary): string[] {
  const rows = slo === null ? [] : classRows(slo);
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => plain(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return ['', line(CLASS_COLUMNS), '| --- | --- | ---: | ---: | ---: | --- |', ...rows.map(line)];
}

/** A code block whose fence is longer than any in the text. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}sh\n${text}\n${fence}`;
}
