import { plainPercent, withThousands } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import type { ComparedMetric, Comparison } from '../../src/schema/comparison.ts';
import { SIDES } from '../charts/comparison-ecdf-chart.ts';
import { comparisonSections } from '../charts/comparison-sections.ts';
import { markOf } from '../charts/target-marks.ts';
import { TONE_COLOURS } from '../charts/theme.ts';
import {
  COMPARISON_COLUMNS,
  comparisonNotes,
  comparisonRow,
  comparisonMark,
  comparisonSentence,
  metricLabel,
  valueText,
  VERDICT_MARKS,
} from '../comparison-words.ts';
import type { ComparisonData } from '../data/comparison-data.ts';
import { limitsText, typeset } from '../format.ts';
import { comparisonMarkdown } from '../markdown/comparison.ts';
import { chartSection } from './chart-section.ts';
import { changedRequests } from './changed-requests.ts';
import { factLines, html, link, type Markup, section } from './markup.ts';
import { page } from './page.ts';
import { wideTable } from './table.ts';

/** Letters from which on a cell of a table has several lines. */
const LONG = 40;

/** A comparison as one offline HTML file, which links to the reports of its runs. */
export async function writeComparisonHtml(comparison: Comparison, data: ComparisonData): Promise<string> {
  const sections = comparisonSections(comparison, data);
  const shown = [
    section({ id: 'metrics', heading: 'What changed', name: 'Metrics' }, metricTable(comparison)),
    ...sections.map(chartSection),
    changedRequests(comparison, data),
    section({ id: 'runs', heading: 'The runs' }, runsTable(comparison, data)),
    section({ id: 'method', heading: 'How it was compared', name: 'Method' }, method(comparison)),
  ];
  return page({
    title: `${comparison.new.name} against ${comparison.base.name} - Reprise`,
    header: headerOf(comparison),
    sections: shown.filter((each) => each !== null),
    charts: sections.flatMap(({ charts }) => charts),
    markdown: comparisonMarkdown(comparison),
  });
}

function headerOf(comparison: Comparison): Markup {
  const { doubts } = comparison;
  const { tone, glyph } = comparisonMark(comparison);
  return html`<header>
      <div class="verdict ${tone}">
        ${doubts
          .filter(({ blocks }) => blocks)
          .map(({ text }) => html`<p class="warning"><span aria-hidden="true">!</span> ${text}</p>`)}
        <h1><span class="glyph" aria-hidden="true">${glyph}</span>${typeset(comparisonSentence(comparison))}</h1>
        ${doubts.filter(({ blocks }) => !blocks).map(({ text }) => html`<p>! ${text}.</p>`)}
        ${comparisonNotes(comparison).map((note) => html`<p>${typeset(note)}.</p>`)}
      </div>
      <button id="copy" type="button" hidden>Copy summary as markdown</button>
    </header>
    <ul class="key" aria-label="The two sides">
      ${SIDES.map((side, i) => {
        const { glyph: sign, color } = markOf(i);
        return html`<li>
          <span aria-hidden="true" style="color: ${color}">${sign}</span> ${side}: ${comparison[side].name}
        </li>`;
      })}
    </ul>`;
}

/** The verdict stands beside the name, where a phone shows it. */
function metricTable({ metrics }: Comparison): Markup {
  const inOrder = <T>([name, base, now, change, verdict, ...rest]: readonly T[]): (T | undefined)[] => [
    name,
    verdict,
    base,
    now,
    change,
    ...rest,
  ];
  return table(
    'What changed',
    inOrder(COMPARISON_COLUMNS).map((name) => name ?? ''),
    metrics.map((metric) =>
      inOrder<Markup | string>(comparisonRow(metric)).map((cell, i) => (i === 1 ? verdictMark(metric) : (cell ?? ''))),
    ),
  );
}

function verdictMark({ verdict }: ComparedMetric): Markup {
  const { glyph, tone } = VERDICT_MARKS[verdict];
  return html`<span style="color: ${TONE_COLOURS[tone]}"><span aria-hidden="true">${glyph}</span> ${verdict}</span>`;
}

function runsTable(comparison: Comparison, { reports }: ComparisonData): Markup {
  const { metrics } = comparison;
  return table(
    'The runs',
    ['', 'run', 'started', 'valid', ...metrics.map(({ name }) => metricLabel(name))],
    SIDES.flatMap((side, place) =>
      comparison[side].runs.map(({ dir, started_at, valid, status }, i) => [
        html`<span aria-hidden="true" style="color: ${markOf(place).color}">${markOf(place).glyph}</span> ${side}`,
        link(reports[side][i] ?? null, dir),
        started_at.replace('T', ' ').replace(/(?:\.\d+)?Z$/, ' UTC'),
        status === 'complete' ? (valid ? 'yes' : 'no') : status,
        ...metrics.map((metric) => valueText(metric.name, metric[`${side}_runs`][i] ?? null)),
      ]),
    ),
  );
}

/** Long words may break. */
function table(label: string, columns: readonly string[], rows: readonly (readonly (Markup | string)[])[]): Markup {
  const isLong = (cell: Markup | string): boolean => typeof cell === 'string' && cell.length > LONG;
  const set = rows.map((cells) => cells.map((cell) => (typeof cell === 'string' ? typeset(cell) : cell)));
  return wideTable(label, columns, set, (cell) => (isLong(cell) ? 'message' : ''));
}

function method({ base, new: now, margin, slo, workload, paired_requests, versions }: Comparison): Markup {
  return factLines([
    ['base', `${base.target.spec}, ${countText(base.runs.length, 'run')}`],
    ['new', `${now.target.spec}, ${countText(now.runs.length, 'run')}`],
    ['margin', `± ${plainPercent(margin)} %`],
    ['workload', `${workload.name}, ${countText(workload.requests, 'request')}`],
    ['requests in both', withThousands(paired_requests)],
    ['SHA-256 of the plan', html`<code>${workload.plan_sha256}</code>`],
    ['SLO', slo === null ? 'none' : typeset(limitsText(slo.limits_ms))],
    ['version', `reprise ${versions.reprise}`],
  ]);
}
