import { LATENCY_METRICS, type LatencyMetric, type LatencyTable } from '../../src/schema/latency.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { formatMs, formatShare, threeFigures, withThousands } from '../../src/core/units.ts';
import { DEFINITIONS, METRIC_NAMES } from '../definitions.ts';
import { deviationText, promptsText, latencyText, reuseText, secondsText, hasPrefixReuse } from '../format.ts';
import { html, type Markup } from './markup.ts';

/** The name of a figure with its definition, linked to the first chart of `drawn` that the page has. */
export type Named = (name: string, definition: string, drawn: readonly string[]) => Markup;

/** Percentiles by metric, each linked to its curve. */
export function latencyTable(caption: string, latencies: LatencyTable, named: Named): Markup {
  const row = (metric: LatencyMetric): Markup => {
    const stats = latencies[metric];
    return html`<tr>
      <td>${named(METRIC_NAMES[metric], DEFINITIONS[metric], [`${metric}-ecdf`])}</td>
      ${[stats.p50, stats.p90, stats.p99].map((value) => html`<td class="latency">${latencyText(stats, value)}</td>`)}
      <td>${withThousands(stats.n)}</td>
      <td>${withThousands(stats.missing)}</td>
    </tr>`;
  };
  return html`<div class="wide" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          <td></td>
          ${['p50', 'p90', 'p99'].map((name) => html`<th scope="col"><abbr title="${DEFINITIONS.percentile}">${name}</abbr></th>`)}
          <th scope="col">n</th>
          <th scope="col">failed</th>
        </tr>
      </thead>
      <tbody>
        ${LATENCY_METRICS.map(row)}
      </tbody>
    </table>
  </div>`;
}

/** Planned values of the workload beside the delivered ones; of an imported run, whose plan is not known, these alone. */
export function askedAndGot({ workload, delivered, held, validity }: Summary): Markup {
  const caption = validity.judged ? 'Asked and got' : 'Sent and answered';
  const defined = (name: string, definition: string): Markup => html`<abbr title="${definition}">${name}</abbr>`;
  const { asked, got } = delivered;
  const rows: [string | Markup, string, string][] = [
    ['requests', withThousands(asked.requests), `${withThousands(got.requests)} ok`],
    ['duration', secondsText(asked.duration_s), secondsText(delivered.duration_s)],
    ['rate (requests/s)', rateCell(asked.rate_rps), rateCell(got.rate_rps)],
    ['input tokens, mean of ok', meanText(asked.input_tokens_mean), meanText(got.input_tokens_mean)],
    ['output tokens, mean of ok', meanText(asked.output_tokens_mean), meanText(got.output_tokens_mean)],
  ];
  if (held !== null) rows.push(...heldRows(held, defined('waited for a place', DEFINITIONS.held)));
  if (workload.prompts !== null) {
    const prompts = defined('prompt lengths', DEFINITIONS.prompts);
    rows.push([prompts, promptsText(workload.prompts), deviationText(delivered.input_deviation_tokens)]);
  }
  if (hasPrefixReuse({ workload, delivered })) {
    const cached = defined('input tokens cached', DEFINITIONS.cached);
    rows.push([cached, reuseText(workload.prefix_reuse), reuseText(delivered.prefix_reuse)]);
  }
  return html`<div class="wide" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption>
        ${validity.judged ? defined(caption, DEFINITIONS.asked) : caption}
      </caption>
      <thead>
        <tr>
          <td></td>
          ${validity.judged ? html`<th scope="col">asked</th>` : null}
          <th scope="col">got</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([what, planned, given]) =>
            html`<tr>
              <td>${what}</td>
              ${validity.judged ? html`<td>${planned}</td>` : null}
              <td>${given}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function heldRows(
  { max_in_flight, share, wait_ms }: NonNullable<Summary['held']>,
  waited: Markup,
): [string | Markup, string, string][] {
  const waits: [string, string, string][] =
    wait_ms === null
      ? []
      : [
          ['their wait, p50', '-', formatMs(wait_ms.p50)],
          ['their wait, p99', '-', formatMs(wait_ms.p99)],
        ];
  return [
    ['requests in flight', `at most ${withThousands(max_in_flight)}`, '-'],
    [waited, '-', wait_ms === null ? 'none' : formatShare(share)],
    ...waits,
  ];
}

function meanText(mean: number | null): string {
  return mean === null ? '-' : threeFigures(mean);
}

/** Requests that are all due at once have no rate: 0. */
function rateCell(perSecond: number): string {
  return perSecond === 0 ? '-' : threeFigures(perSecond);
}
