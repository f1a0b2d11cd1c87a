import { SLO_METRICS } from '../../src/core/slo.ts';
import { LATENCY_METRICS, type LatencyMetric, type LengthStats, type Summary } from '../../src/core/summary.ts';
import { formatShare, threeFigures, withThousands } from '../../src/core/units.ts';
import {
  DEFINITIONS,
  latencyWords,
  METRIC_NAMES,
  plainMs,
  reuseWords,
  secondsWords,
  tellsPrefixReuse,
} from '../wording.ts';
import { html, type Markup } from './markup.ts';

interface KeyFigure {
  readonly name: string;
  readonly definition: string;
  readonly value: string;
  /** Smaller, under the value. */
  readonly more?: string;
}

/** The figures that a reader asks for first, each with its definition, and what was asked beside what was got. */
export function keyFigures(summary: Summary): Markup {
  const figures = [...attainmentFigures(summary), ...throughputFigures(summary)];
  return html`<section aria-labelledby="key-figures">
    <h2 id="key-figures">Key figures</h2>
    <dl class="figures">${figures.map(figureMarkup)}</dl>
    <div class="tables">${latencyTable(summary)} ${askedAndGot(summary)}</div>
    <details class="data">
      <summary>what these mean</summary>
      <ul>
        ${Object.values(DEFINITIONS).map((text) => html`<li>${text}</li>`)}
      </ul>
    </details>
  </section>`;
}

function figureMarkup({ name, definition, value, more }: KeyFigure): Markup {
  return html`<div>
    <dt><abbr title="${definition}">${name}</abbr></dt>
    <dd>${value}${more === undefined ? null : html`<span class="more">${more}</span>`}</dd>
  </div>`;
}

function attainmentFigures({ slo }: Summary): KeyFigure[] {
  if (slo === null) return [];
  const { attainment, limits_ms, binding } = slo;
  const interval = attainment.ci95;
  const joint: KeyFigure = {
    name: 'attainment',
    definition: DEFINITIONS.attainment,
    value: formatShare(attainment.joint),
    more:
      interval === null
        ? 'no interval: too few requests'
        : `CI ${(interval[0] * 100).toFixed(1)}-${(interval[1] * 100).toFixed(1)} %`,
  };
  const alone = SLO_METRICS.flatMap((metric): KeyFigure[] => {
    const [share, limitMs] = [attainment[metric], limits_ms[metric]];
    if (share === null || limitMs === undefined) return [];
    return [
      {
        name: `${METRIC_NAMES[metric]} ≤ ${plainMs(limitMs)}`,
        definition: `${DEFINITIONS.attainment} This limit alone. ${DEFINITIONS[metric]}`,
        value: formatShare(share),
        more: binding === metric ? 'binds' : 'of requests',
      },
    ];
  });
  return [joint, ...alone];
}

function throughputFigures({ throughput }: Summary): KeyFigure[] {
  const { good_requests_per_s, requests_per_s, input_tokens_per_s, output_tokens_per_s } = throughput;
  return [
    rateFigure('answered', DEFINITIONS.throughput, requests_per_s, 'requests/s'),
    ...(good_requests_per_s === null ? [] : [rateFigure('good', DEFINITIONS.good, good_requests_per_s, 'requests/s')]),
    rateFigure('input', DEFINITIONS.throughput, input_tokens_per_s, 'tokens/s'),
    rateFigure('output', DEFINITIONS.throughput, output_tokens_per_s, 'tokens/s'),
  ];
}

function rateFigure(name: string, definition: string, perSecond: number, unit: string): KeyFigure {
  return { name, definition, value: threeFigures(perSecond), more: unit };
}

function latencyTable({ latency_ms }: Summary): Markup {
  const row = (metric: LatencyMetric): Markup => {
    const stats = latency_ms[metric];
    return html`<tr>
      <td><abbr title="${DEFINITIONS[metric]}">${METRIC_NAMES[metric]}</abbr></td>
      ${[stats.p50, stats.p90, stats.p99].map((value) => html`<td>${latencyWords(stats, value)}</td>`)}
      <td>${withThousands(stats.n)}</td>
      <td>${withThousands(stats.missing)}</td>
    </tr>`;
  };
  return html`<div class="wide" tabindex="0" role="region" aria-label="Latencies">
    <table>
      <caption>
        Latency from the time each request was due
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

function askedAndGot({ workload, delivered, requests }: Summary): Markup {
  const rows: [string, string, string][] = [
    ['requests', withThousands(workload.requests), `${withThousands(requests.ok)} ok`],
    ['duration', secondsWords(workload.duration_s), secondsWords(delivered.duration_s)],
    ['rate (requests/s)', threeFigures(workload.rate_rps), threeFigures(delivered.rate_rps)],
    ['input tokens, mean', meanWords(workload.input_tokens), meanWords(delivered.input_tokens)],
    ['output tokens, mean', meanWords(workload.output_tokens), meanWords(delivered.output_tokens)],
  ];
  if (tellsPrefixReuse({ workload, delivered }))
    rows.push(['input tokens cached', reuseWords(workload.prefix_reuse), reuseWords(delivered.prefix_reuse)]);
  return html`<div class="wide" tabindex="0" role="region" aria-label="Asked and got">
    <table>
      <caption>
        <abbr title="${DEFINITIONS.asked}">Asked and got</abbr>
      </caption>
      <thead>
        <tr>
          <td></td>
          <th scope="col">asked</th>
          <th scope="col">got</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([name, asked, got]) =>
            html`<tr>
              <td>${name}</td>
              <td>${asked}</td>
              <td>${got}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function meanWords(lengths: LengthStats | null): string {
  return lengths === null ? '-' : threeFigures(lengths.mean);
}
