import type { Manifest } from '../../src/schema/manifest.ts';
import { TOKEN_COUNT_SOURCES, type TokenCountSource } from '../../src/core/record.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { formatMs, formatShare, withThousands } from '../../src/core/units.ts';
import type { ReportData } from '../data/report-data.ts';
import { DEFINITIONS } from '../definitions.ts';
import { countText, listText } from '../format.ts';
import { factLines } from './fact-lines.ts';
import { html, type Markup } from './markup.ts';

type Line = readonly [name: string, definition: string | null, value: string];

/** Why the figures can be believed, or not: about the client and its counting alone. */
export function measurementQuality(summary: Summary, data: ReportData, clock: Manifest['clock']): Markup {
  const { validity, little_law_error, left_out, requests } = summary;
  const counted: Line = ['tokens counted by', null, sourcesText(data.token_count_sources)];
  const leftOut: Line[] =
    left_out === null
      ? []
      : [
          ['requests measured', DEFINITIONS.left_out, withThousands(requests.scheduled)],
          [
            'requests left out',
            DEFINITIONS.left_out,
            withThousands(left_out.warmup_requests + left_out.cooldown_requests),
          ],
        ];
  const measured: Line[] = [
    ['lateness', DEFINITIONS.lateness, quantileText(validity.lateness_ms)],
    ['event-loop delay', DEFINITIONS.event_loop, quantileText(validity.event_loop_delay_ms)],
    [
      'client CPU per token',
      DEFINITIONS.client_cpu,
      validity.client_cpu_us_per_token === null ? 'not measured' : formatMs(validity.client_cpu_us_per_token / 1000),
    ],
    [
      'polling share',
      DEFINITIONS.polling,
      validity.spin_share === null ? 'not measured' : `${formatShare(validity.spin_share)} of the run`,
    ],
    [
      'waited for a core',
      DEFINITIONS.core_wait,
      validity.core_wait_share === null ? 'not measured' : `${formatShare(validity.core_wait_share)} of the run`,
    ],
    ['requests the client touched', DEFINITIONS.touched, withThousands(validity.requests_touched)],
    ...leftOut,
    counted,
    [
      "Little's law",
      DEFINITIONS.little,
      little_law_error === null ? 'not sampled' : `off by ${formatShare(Math.abs(little_law_error))}`,
    ],
  ];
  // There is no client to measure in virtual time: its lines would all be empty.
  const virtual = clock === 'virtual';
  const lines = virtual ? [...leftOut, counted] : measured;
  return html`<section aria-labelledby="quality">
    <h2 id="quality">${validity.valid ? 'The measurement holds' : 'The measurement does not hold'}</h2>
    ${
      virtual
        ? html`<p class="lead">
            Virtual time: every request leaves when it is due and every token is stamped when the engine makes it. There
            is no client, network or machine that could fall behind, and the same inputs and seed give the same records.
          </p>`
        : null
    }
    ${validity.reasons.map((reason) => html`<p class="invalid">✗ ${reason}</p>`)}
    ${factLines(
      lines.map(([name, definition, value]) => [
        definition === null ? name : html`<abbr title="${definition}">${name}</abbr>`,
        value,
      ]),
    )}
  </section>`;
}

function quantileText(quantiles: Summary['validity']['lateness_ms']): string {
  if (quantiles === null) return 'not measured';
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
