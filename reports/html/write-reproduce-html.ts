import type { ReproduceCheck, ReproducedExperiment, ReproduceReport } from '../../src/schema/reproduce.ts';
import { withThousands } from '../../src/core/units.ts';
import { reproduceSections } from '../charts/reproduce-sections.ts';
import {
  CHECK_GLYPHS,
  CHECK_WORDS,
  checksOf,
  countsOf,
  DISTANCE_COLUMNS,
  distanceRow,
  experimentVerdict,
  reproduceVerdict,
} from '../reproduce-words.ts';
import { chartSection } from './chart-section.ts';
import { factLines, html, type Markup, section, type Section } from './markup.ts';
import { page } from './page.ts';
import { wideTable } from './table.ts';

/** The first page of a gallery: each experiment with how many of its shapes hold, and those that cannot be repeated. */
export async function writeReproduceHtml(report: ReproduceReport): Promise<string> {
  const { experiments, cannot, simulations, versions } = report;
  const rows = experiments.map((experiment) => {
    const counts = countsOf(checksOf(experiment));
    return [
      html`<a href="${experiment.name}.html">${experiment.title}</a>`,
      String(counts.holds),
      String(counts['does-not-hold']),
      String(counts['not-comparable']),
    ];
  });
  const otherwise = experiments.flatMap(({ name, title, parts }) =>
    parts.flatMap((part) =>
      part.checks
        .filter(({ verdict }) => verdict === 'does-not-hold')
        .map((check) => ({ check, of: html`<a href="${name}.html">${title}</a>: ${part.title}` })),
    ),
  );
  return page({
    title: 'Published experiments, repeated - Reprise',
    header: verdictHeader(reproduceVerdict(report), [
      `Simulated by the reference engine in virtual time: ${withThousands(simulations)} simulations. A shape is the order of systems, a crossing, a limit that binds, a rise or a fall; numbers are compared as distances and held to nothing.`,
    ]),
    sections: [
      section(
        { id: 'experiments', heading: 'Experiments' },
        wideTable('Experiments', ['', 'shapes that hold', 'do not hold', 'not comparable'], rows),
      ),
      ...(otherwise.length === 0
        ? []
        : [section({ id: 'not', heading: 'Shapes that do not hold' }, shapeLines(otherwise))]),
      section(
        { id: 'cannot', heading: 'Not repeated, and why' },
        factLines(cannot.map(({ what, why }) => [what, why])),
      ),
      section(
        { id: 'method', heading: 'How it was made', name: 'Method' },
        factLines([['version', `reprise ${versions.reprise}`]]),
      ),
    ],
    charts: [],
    markdown: null,
  });
}

/** One experiment as a page beside the first. */
export async function writeReproducedHtml(
  experiment: ReproducedExperiment,
  versions: ReproduceReport['versions'],
): Promise<string> {
  const { parts, source, published, reconstructed, left_out: leftOut } = experiment;
  const charts = reproduceSections(experiment);
  const distances = parts.flatMap((part) => part.distances.map((each) => [part.title, ...distanceRow(each)]));
  const sections: (Section | null)[] = [
    section(
      { id: 'shapes', heading: 'Published shapes, and ours', name: 'Shapes' },
      html`<p class="lead">${published}.</p>
        ${shapeLines(parts.flatMap(({ title, checks }) => checks.map((check) => ({ check, of: html`${title}` }))))}`,
    ),
    ...charts.map(chartSection),
    distances.length === 0
      ? null
      : section(
          { id: 'distances', heading: 'Distance to the published numbers', name: 'Distances' },
          html`<p class="lead">
              From the least to the most over the points that are compared. Stated, and held to nothing.
            </p>
            ${wideTable('Distances', ['of', ...DISTANCE_COLUMNS], distances, messageClass)}`,
        ),
    section(
      { id: 'method', heading: 'What was simulated', name: 'Method' },
      html`${factLines([
        ['source', source],
        ...reconstructed.map((line): [string, string] => ['reconstructed', line]),
        ...leftOut.map((line): [string, string] => ['left out', line]),
        ...distinct(parts.map(({ workload }): [string, string] => [`lengths of ${workload.name}`, workload.how])),
        ...distinct(
          parts.flatMap(({ systems }) => systems.map(({ name, spec }): [string, string] => [name, spec])),
        ).map(([name, spec]): [string, Markup] => [name, html`<code>${spec}</code>`]),
        ['version', `reprise ${versions.reprise}`],
      ])}`,
    ),
  ];
  return page({
    title: `${experiment.title} - Reprise`,
    header: verdictHeader(experimentVerdict(experiment), [source, html`<a href="index.html">All experiments</a>`]),
    sections: sections.filter((each) => each !== null),
    charts: charts.flatMap((each) => each.charts),
    markdown: null,
  });
}

/** Lines of which each is there once: parts share workloads and systems. */
function distinct(lines: readonly (readonly [string, string])[]): (readonly [string, string])[] {
  return lines.filter((line, i) => lines.findIndex((other) => other[0] === line[0] && other[1] === line[1]) === i);
}

function verdictHeader(
  { tone, glyph, sentence }: ReturnType<typeof reproduceVerdict>,
  lines: readonly (Markup | string)[],
): Markup {
  return html`<header>
    <div class="verdict ${tone}">
      <h1><span class="glyph" aria-hidden="true">${glyph}</span>${sentence}</h1>
      ${lines.map((line) => html`<p>${line}</p>`)}
    </div>
  </header>`;
}

/** A line a shape: whether it holds, what is published, with which penalty and of what, and what was seen. */
function shapeLines(shapes: readonly { readonly check: ReproduceCheck; readonly of: Markup }[]): Markup {
  return factLines(
    shapes.map(({ check: { verdict, claim, gamma, seen }, of }) => {
      const tone = { holds: 'met', 'does-not-hold': 'missed', 'not-comparable': 'muted' }[verdict];
      return [
        html`<span class="tone ${tone}">${CHECK_GLYPHS[verdict]} ${CHECK_WORDS[verdict]}</span>`,
        html`${claim}${gamma === null ? '' : `, gamma ${gamma}`} <span class="muted">(${of})</span> <br /><span
            class="note"
            >${seen}</span
          >`,
      ];
    }),
  );
}

/** Sentences may wrap; figures may not. */
function messageClass(cell: string | Markup): string {
  return typeof cell === 'string' && cell.length > 24 ? 'message' : '';
}
