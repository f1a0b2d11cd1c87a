import { extname } from 'node:path';
import { version } from '../../core/version.ts';
import type { ReproducedExperiment, ReproducePanel, ReproducePart, ReproduceReport } from '../../schema/reproduce.ts';
import { openThreads } from '../threads.ts';
import type { Cell } from './cells.ts';
import { distanceOf } from './distances.ts';
import type { Check, Experiment, Grid, Panel, Part, PublishedSeries } from './experiment.ts';
import { CANNOT } from './experiments/index.ts';
import type { FigureName } from './figures.ts';
import { judge, type Judged } from './judge.ts';
import { population } from './lengths.ts';
import { judgeShapes, placementCells, searchPlacements, type SearchedPlacements } from './placement.ts';
import type { Answer, Question } from './question.ts';
import { merged, trialsOf } from './trials.ts';

export interface ReproduceHooks {
  /** Hears how many of all questions are answered, at first that none is; a question is a simulation, or a search for a rate. */
  readonly progress: (done: number, of: number) => void;
  /** Number of threads; the result does not depend on it. */
  readonly workers: number;
  /** Ends everything at once: the promise rejects with its reason. */
  readonly stop: AbortSignal;
}

/** Simulates every experiment and judges it. Only the arguments decide the result. */
export async function reproduce(experiments: readonly Experiment[], hooks: ReproduceHooks): Promise<ReproduceReport> {
  const parts = experiments.flatMap((experiment) => experiment.parts);
  const trials = parts.map(trialsOf);
  // One simulation serves all that ask the same.
  const questions = new Map(trials.flat().map(({ question }) => [JSON.stringify(question), question]));
  const searches = parts.filter(({ grid }) => grid.kind === 'placement').length;
  const of = questions.size + searches;
  let done = 0;
  const onDone = (): void => hooks.progress(++done, of);
  hooks.progress(done, of);
  const answers = await askAll(questions, hooks, onDone);
  let simulations = [...answers.values()].reduce((sum, each) => sum + each.simulations, 0);
  const found = new Map<Part, ReproducePart>();
  for (const [i, part] of parts.entries()) {
    const placements = part.grid.kind === 'placement' ? await searchPlacements(part, part.grid, hooks) : null;
    if (placements !== null) onDone();
    simulations += placements?.simulations ?? 0;
    const cells = merged(
      (trials[i] ?? []).flatMap(({ question, cells: fill }) => {
        const answer = answers.get(JSON.stringify(question));
        return answer === undefined ? [] : fill(answer);
      }),
    );
    found.set(part, partOf(part, cells, placements));
  }
  return {
    schema: 1,
    versions: { reprise: version() },
    simulations,
    experiments: experiments.map((experiment) => experimentOf(experiment, found)),
    cannot: [...CANNOT],
  };
}

async function askAll(
  questions: ReadonlyMap<string, Question>,
  { workers, stop }: ReproduceHooks,
  onDone: () => void,
): Promise<Map<string, Answer>> {
  const file = new URL(`./question-worker${extname(import.meta.filename)}`, import.meta.url);
  const threads = openThreads<null, Question, Answer>(file, null, workers, stop);
  try {
    const answers = await threads.ask([...questions.values()], onDone);
    return new Map(
      [...questions.keys()].flatMap((key, i) => {
        const answer = answers[i];
        return answer === undefined ? [] : [[key, answer]];
      }),
    );
  } finally {
    await threads.close();
  }
}

function experimentOf(experiment: Experiment, found: ReadonlyMap<Part, ReproducePart>): ReproducedExperiment {
  const { name, title, source, published, reconstructed, leftOut, parts } = experiment;
  return {
    name,
    title,
    source,
    published,
    reconstructed,
    left_out: leftOut,
    parts: parts.flatMap((part) => found.get(part) ?? []),
  };
}

function partOf(part: Part, simulated: readonly Cell[], searched: SearchedPlacements | null): ReproducePart {
  const { id, title, workload, requests, seeds, systems, limits, grid, checks, ratios, published } = part;
  const gammas = part.gammas.length === 0 ? [null] : part.gammas;
  const cells = searched === null ? simulated : placementCells(searched.placements, seeds[0] ?? 1, checks);
  const theory = theoryOf(part, cells);
  const known = [...published, ...theory];
  const lengths = population(workload);
  const judged = (check: Check, own: readonly Cell[]): Judged =>
    check.kind === 'shapes' && searched !== null ? judgeShapes(check, searched.placements) : judge(check, own, known);
  return {
    id,
    title,
    workload: {
      name: workload.name,
      how: workload.how,
      requests,
      seeds,
      mean_input_tokens: meanOf(lengths.inputTokens),
      mean_output_tokens: meanOf(lengths.outputTokens),
    },
    limits_s: limits === null ? null : { ttft: finite(limits.ttftS), tpot: finite(limits.tpotS) },
    systems: systems.map(({ name, spec, gpus }) => ({ name, spec, gpus })),
    x: axisTitle(grid),
    panels: part.panels.flatMap((panel) => gammas.map((gamma) => panelOf(panel, ofGamma(cells, gamma), known, gamma))),
    checks: checks.flatMap((check) =>
      (check.kind === 'none' ? [null] : gammas).map((gamma) => ({
        claim: check.claim,
        gamma,
        ...judged(check, ofGamma(cells, gamma)),
      })),
    ),
    distances: gammas.flatMap((gamma) => ratios.map((ratio) => distanceOf(ratio, ofGamma(cells, gamma), gamma))),
  };
}

function ofGamma(cells: readonly Cell[], gamma: number | null): readonly Cell[] {
  return cells.filter((cell) => cell.gamma === gamma);
}

function panelOf(
  { figure, title, unit, scale }: Panel,
  cells: readonly Cell[],
  published: readonly PublishedSeries[],
  gamma: number | null,
): ReproducePanel {
  return {
    figure,
    title,
    unit,
    scale,
    gamma,
    points: cells.flatMap(({ series, x, seed, figures }) => {
      const y = figures[figure];
      return y === undefined ? [] : [{ series, x, y, seed }];
    }),
    published: published
      .filter((each) => each.figure === figure)
      .flatMap(({ name, system, points }) =>
        points.map(({ x, y }) => ({ series: x === null ? (system ?? name) : name, x, y, seed: null })),
      ),
  };
}

/** The equations of a queue, as a publication's points: a line for each system. */
function theoryOf({ grid, systems }: Part, cells: readonly Cell[]): PublishedSeries[] {
  if (grid.kind !== 'queue') return [];
  const figure: FigureName = 'ttft_over_alone';
  return systems.map(({ name }) => ({
    name: `${name}, in theory`,
    figure,
    system: name,
    points: cells.flatMap(({ series, x, figures: { theory_over_alone: y } }) =>
      series === name && y !== undefined ? [{ x, y }] : [],
    ),
  }));
}

function axisTitle(grid: Grid): ReproducePart['x'] {
  switch (grid.kind) {
    case 'rate':
      return { title: grid.per === 'gpu' ? 'requests/s a GPU' : 'requests/s', scale: 'linear' };
    case 'scale':
      return { title: 'SLO scale', scale: 'linear' };
    case 'gamma':
      return { title: 'mixed_batch_penalty', scale: 'linear' };
    case 'queue':
      return { title: 'rate x time of one alone', scale: 'linear' };
    case 'highest':
    case 'placement':
      return null;
  }
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function finite(limit: number): number | null {
  return Number.isFinite(limit) ? limit : null;
}
