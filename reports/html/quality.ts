import type { Manifest } from '../../src/schema/manifest.ts';
import { MAX_LATENESS_MS, TOKEN_COUNT_SOURCES, type TokenCountSource } from '../../src/core/record.ts';
import type { Pauses, Stimulus } from '../../src/schema/validity-parts.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { MAX_GAPS_APART } from '../../src/metrics/stimulus.ts';
import { MAX_CORE_WAIT_SHARE, MAX_STALLED_SHARE } from '../../src/metrics/validity.ts';
import { formatMs, formatShare, msApart, sharesApart, withThousands } from '../../src/core/units.ts';
import type { ReportData } from '../data/report-data.ts';
import { DEFINITIONS } from '../definitions.ts';
import { countText, listText } from '../../src/core/words.ts';
import { importedNotes } from './imported.ts';
import { itlWithinText } from '../format.ts';
import { factLines, html, section, type Section } from './markup.ts';

const NOT_MEASURED = 'not measured';

type Line = readonly [name: string, definition: string | null, value: string];

/** Whether the measurement can be trusted: about the client and how it counts alone. */
export function measurementQuality(
  summary: Summary,
  data: ReportData,
  manifest: Pick<Manifest, 'clock' | 'imported' | 'stream'>,
): Section {
  const { clock, imported } = manifest;
  const { validity } = summary;
  const isVirtual = clock === 'virtual';
  const counted: Line = ['tokens counted by', null, sourcesText(data.token_count_sources)];
  // There is no client to measure in virtual time, and none that is known of an imported run: its lines would be empty.
  const lines =
    isVirtual || imported !== undefined
      ? [...excludedLines(summary), counted]
      : [...clientLines(summary, manifest), ...excludedLines(summary), counted, littleLine(summary)];
  return section(
    {
      id: 'quality',
      heading: headingOf(validity),
      name: 'Quality',
    },
    html`${
        isVirtual
          ? html`<p class="lead">
              Virtual time: every request leaves when it is due and every token is stamped when the engine makes it.
              There is no client, network or machine that could fall behind, and the same inputs and seed give the same
              records.
            </p>`
          : null
      }
      ${imported === undefined ? null : importedNotes(imported)}
      ${validity.reasons.map((reason) => html`<p class="invalid">${validity.judged ? '✗' : '≈'} ${reason}</p>`)}
      <div class="dense">
        ${factLines(
          lines.map(([name, definition, value]) => [
            definition === null ? name : html`<abbr title="${definition}">${name}</abbr>`,
            value,
          ]),
          'columns',
        )}
      </div>`,
  );
}

function headingOf({ valid, judged }: Summary['validity']): string {
  if (!judged) return 'The measurement is not judged';
  return valid ? 'The measurement holds' : 'The measurement does not hold';
}

/** The client's health, where it was measured. */
function clientLines(summary: Summary, manifest: Pick<Manifest, 'stream'>): Line[] {
  const { validity } = summary;
  const { lateness_ms, lateness_p90_limit_ms, event_loop_delay_ms } = validity;
  return [
    ['lateness', DEFINITIONS.lateness, latenessText(lateness_ms, lateness_p90_limit_ms)],
    [
      'ITL percentiles',
      DEFINITIONS.itl_within,
      itlWithinText(summary, manifest) ?? (manifest.stream ? NOT_MEASURED : 'by the clock of the server'),
    ],
    ['event-loop delay', DEFINITIONS.event_loop, quantileText(event_loop_delay_ms)],
    ['client CPU per token', DEFINITIONS.client_cpu, cpuText(validity)],
    ['polling share', DEFINITIONS.polling, shareOfRun(validity.spin_share)],
    ['left as planned', DEFINITIONS.stimulus, stimulusText(validity.stimulus)],
    ['garbage collection', DEFINITIONS.gc, pausesText(validity.gc)],
    ['bytes unread', DEFINITIONS.unread, pausesText(validity.unread)],
    ['waited for a core', DEFINITIONS.core_wait, shareOfRun(validity.core_wait_share, MAX_CORE_WAIT_SHARE)],
    ['stood still', DEFINITIONS.stalled, shareOfRun(validity.stalled_share, MAX_STALLED_SHARE)],
    ['requests the client touched', DEFINITIONS.touched, withThousands(validity.requests_touched)],
  ];
}

function pausesText(pauses: Pauses): string {
  if (pauses === null) return NOT_MEASURED;
  const { share, longest_ms, longest_at_s } = pauses;
  if (longest_ms === 0) return 'never';
  return `${formatShare(share)} of the run, at most ${formatMs(longest_ms)} (at ${longest_at_s.toFixed(1)} s)`;
}

function stimulusText(stimulus: Stimulus | null): string {
  if (stimulus === null) return NOT_MEASURED;
  const { gaps_apart, bursts, rate } = stimulus;
  const parts = [
    ...(rate === null ? [] : [`${formatShare(rate)} of the planned rate`]),
    ...(gaps_apart === null ? [] : [gapsText(gaps_apart)]),
    ...(bursts === null ? [] : [burstsText(bursts)]),
  ];
  return parts.length === 0 ? 'too few requests' : parts.join('; ');
}

function gapsText(apart: number): string {
  const [off, limit] = sharesApart(apart, MAX_GAPS_APART);
  return `gaps ${off} off (valid: at most ${limit})`;
}

function burstsText({ requests, skew_ms, skew_p99_limit_ms }: NonNullable<Stimulus['bursts']>): string {
  const [p99, limit] = msApart(skew_ms.p99, skew_p99_limit_ms);
  return `${countText(requests, 'request')} in bursts, apart p99 ${p99}, max ${formatMs(skew_ms.max)} (valid: p99 at most ${limit})`;
}

function cpuText({ client_cpu_us_per_token: all, reading_us_per_token: reading }: Summary['validity']): string {
  if (all === null) return NOT_MEASURED;
  return formatMs(all / 1000) + (reading === null ? '' : `, ${formatMs(reading / 1000)} of it for reading`);
}

/** Requests of warm-up and cool-down beside the measured ones; nothing where all are measured. */
function excludedLines({ left_out, requests }: Summary): Line[] {
  if (left_out === null) return [];
  const { warmup_requests, cooldown_requests } = left_out;
  return [
    ['requests measured', DEFINITIONS.left_out, withThousands(requests.scheduled)],
    ['requests left out', DEFINITIONS.left_out, withThousands(warmup_requests + cooldown_requests)],
  ];
}

function littleLine({ little_law_error: error }: Summary): Line {
  return [
    "Little's law",
    DEFINITIONS.little,
    error === null ? 'not sampled' : `off by ${formatShare(Math.abs(error))}`,
  ];
}

function shareOfRun(share: number | null, limit: number | null = null): string {
  if (share === null) return NOT_MEASURED;
  if (limit === null) return `${formatShare(share)} of the run`;
  const [of, most] = sharesApart(share, limit);
  return `${of} of the run (valid: at most ${most})`;
}

function latenessText(lateness: Summary['validity']['lateness_ms'], p90LimitMs: number | null): string {
  if (lateness === null || p90LimitMs === null) return quantileText(lateness);
  const [p90, p90Limit] = msApart(lateness.p90, p90LimitMs);
  const [p99, p99Limit] = msApart(lateness.p99, MAX_LATENESS_MS);
  return `p50 ${formatMs(lateness.p50)}, p90 ${p90}, p99 ${p99}, max ${formatMs(lateness.max)} (valid: p90 at most ${p90Limit}, p99 at most ${p99Limit})`;
}

function quantileText(quantiles: Summary['validity']['lateness_ms']): string {
  if (quantiles === null) return NOT_MEASURED;
  const { p50, p90, p99, max } = quantiles;
  return `p50 ${formatMs(p50)}, p90 ${formatMs(p90)}, p99 ${formatMs(p99)}, max ${formatMs(max)}`;
}

const SOURCE_NAMES: Readonly<Record<TokenCountSource, string>> = {
  token_ids: 'token ids in the stream',
  usage: "the server's usage figures",
  tokenizer: 'a tokenizer on the client',
  chunks: 'chunks, which may hold several tokens',
};

function sourcesText(sources: ReportData['token_count_sources']): string {
  const parts = TOKEN_COUNT_SOURCES.flatMap((source) => {
    const count = sources[source];
    return count === undefined ? [] : [`${SOURCE_NAMES[source]} (${countText(count, 'request')})`];
  });
  return parts.length === 0 ? 'no token came' : listText(parts);
}
