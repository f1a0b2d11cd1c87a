import { latencyOf } from '../../src/core/slo.ts';
import { judgedRequests } from '../../src/metrics/stopped.ts';
import type { Attainment } from '../../src/schema/attainment.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { formatShare, threeFigures, withThousands } from '../../src/core/units.ts';
import { DEFINITIONS, limitDefinition } from '../definitions.ts';
import { intervalText, typeset } from '../format.ts';
import { CLASS_COLUMNS, classRows, limitShares } from '../slo-shares.ts';
import { askedAndGot, latencyTable, type Named } from './summary-tables.ts';
import { wideTable } from './table.ts';
import { html, type Markup, section, type Section } from './markup.ts';

interface KeyFigure {
  readonly name: string;
  readonly definition: string;
  readonly value: string;
  /** Smaller text under the value. */
  readonly more?: string;
  /** Ids of charts that show it: the link goes to the first that the page has. */
  readonly drawn: readonly string[];
}

/**
 * The figures that readers look for first, each with its definition and a link to its chart, and the planned load
 * beside the delivered one. `places` are the ids that the page has, `from` is what
 * latencies count from.
 */
export function keyFigures(summary: Summary, places: ReadonlySet<string>, from: string): Section {
  const named: Named = (name, definition, drawn) => {
    const place = drawn.find((id) => places.has(id));
    return place === undefined
      ? html`<abbr title="${definition}">${name}</abbr>`
      : html`<a href="#${place}" title="${definition}">${name}</a>`;
  };
  const figures = [...attainmentFigures(summary), ...failedFigures(summary), ...throughputFigures(summary)];
  const { latency_ms, latency_ok_ms, requests } = summary;
  return section(
    { id: 'key-figures', heading: 'Key figures' },
    html`<dl class="figures">${figures.map((figure) => figureMarkup(figure, named))}</dl>
      <div class="tables">
        ${latencyTable(`Latency from the time each request was ${from}`, latency_ms, named)} ${askedAndGot(summary)}
        ${classTable(summary)}
        ${
          requests.failed === 0 || requests.ok === 0
            ? null
            : latencyTable('Of the answered requests alone', latency_ok_ms, named)
        }
        <p class="screen note aside"><a href="#glossary">What these words mean</a></p>
      </div>`,
  );
}

function figureMarkup({ name, definition, value, more, drawn }: KeyFigure, named: Named): Markup {
  return html`<div>
    <dt>${named(name, definition, drawn)}</dt>
    <dd>${value}${more === undefined ? null : html`<span class="more">${more}</span>`}</dd>
  </div>`;
}

function attainmentFigures({ slo, requests }: Summary): KeyFigure[] {
  if (slo === null || judgedRequests(requests) === 0) return [];
  const { attainment } = slo;
  const joint: KeyFigure = {
    name: 'attainment',
    definition: `${DEFINITIONS.attainment} ${DEFINITIONS.interval}`,
    value: formatShare(attainment.joint),
    more: uncertainty(attainment),
    drawn: ['slo-plane', 'attainment'],
  };
  const alone = limitShares(slo).map(({ metric, share, limit, binds }): KeyFigure => ({
    name: typeset(limit),
    definition: `${DEFINITIONS.attainment} This limit alone. ${limitDefinition(metric)}`,
    value: formatShare(share),
    more: binds ? 'binds' : 'of requests',
    drawn: [`${latencyOf(metric)}-ecdf`],
  }));
  return [joint, ...alone];
}

/** A row a class, where the SLO has limits by class. */
function classTable({ slo }: Summary): Markup | null {
  const rows = slo === null ? [] : classRows(slo);
  return rows.length === 0
    ? null
    : wideTable(
        'The SLO by class',
        [...CLASS_COLUMNS],
        rows.map((cells) => cells.map(typeset)),
      );
}

function uncertainty({ ci95, n_eff, overloaded }: Attainment): string {
  if (overloaded) return 'no interval: overloaded';
  if (ci95 === null) return 'no interval: too few independent requests';
  return `CI ${intervalText(ci95)}${n_eff === null ? '' : `, n_eff ${withThousands(n_eff)}`}`;
}

function failedFigures({ requests }: Summary): KeyFigure[] {
  if (requests.failed === 0) return [];
  return [
    {
      name: 'failed',
      definition: DEFINITIONS.failed,
      value: formatShare(requests.failed / requests.scheduled),
      more: `${withThousands(requests.failed)} of ${withThousands(requests.scheduled)}`,
      drawn: ['outcomes'],
    },
  ];
}

function throughputFigures({ throughput }: Summary): KeyFigure[] {
  const { good_requests_per_s, requests_per_s, input_tokens_per_s, output_tokens_per_s } = throughput;
  const rate = (
    name: string,
    definition: string,
    perSecond: number | null,
    unit: string,
    drawn: string,
  ): KeyFigure => ({
    name,
    definition,
    value: perSecond === null ? '-' : threeFigures(perSecond),
    more: perSecond === null ? 'not counted by the server' : unit,
    drawn: [drawn],
  });
  return [
    rate('answered', DEFINITIONS.throughput, requests_per_s, 'requests/s', 'load'),
    ...(good_requests_per_s === null
      ? []
      : [rate('good', DEFINITIONS.good, good_requests_per_s, 'requests/s', 'attainment')]),
    rate('input', DEFINITIONS.throughput, input_tokens_per_s, 'tokens/s', 'load'),
    rate('output', DEFINITIONS.throughput, output_tokens_per_s, 'tokens/s', 'tokens'),
  ];
}
