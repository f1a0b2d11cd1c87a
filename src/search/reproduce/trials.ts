import type { Cell } from './cells.ts';
import type { Contestant, Grid, Part } from './experiment.ts';
import { times, type Answer, type Question } from './question.ts';

/** A question, and the cells that its answer fills. */
export interface Trial {
  readonly question: Question;
  readonly cells: (answer: Answer) => readonly Cell[];
}

/** Everything that a part simulates, except for a placement search. */
export function trialsOf(part: Part): Trial[] {
  const gammas = part.gammas.length === 0 ? [null] : part.gammas;
  return gammas.flatMap((gamma) =>
    part.systems.flatMap((system) => part.seeds.flatMap((seed) => systemTrials(part, system, gamma, seed))),
  );
}

function systemTrials(part: Part, system: Contestant, gamma: number | null, seed: number): Trial[] {
  const { grid, workload, requests } = part;
  const base: Omit<Question, 'task'> = {
    system: specOf(system, gamma),
    gpus: system.gpus,
    workload,
    requests,
    seed,
    outputTokens: system.outputTokens ?? null,
    limits: system.limits ?? part.limits,
  };
  const cell = (x: number | null, figures: Answer['figures'][number] | undefined): Cell[] =>
    figures === null || figures === undefined ? [] : [{ series: system.name, gamma, seed, x, figures }];
  const one =
    (x: number | null) =>
    ({ figures }: Answer): Cell[] =>
      cell(x, figures[0]);
  switch (grid.kind) {
    case 'rate':
      return grid.rates.map((rate) => ({
        question: { ...base, task: { kind: 'rate', rateRps: grid.per === 'gpu' ? rate * system.gpus : rate } },
        cells: one(rate),
      }));
    case 'gamma':
      return grid.gammas.map((x) => ({
        question: { ...base, system: specOf(system, x), task: { kind: 'rate', rateRps: grid.rateRps } },
        cells: one(x),
      }));
    case 'highest':
      return [{ question: { ...base, task: { kind: 'highest', test: grid.test } }, cells: one(null) }];
    case 'scale':
      return scaleTrials(base, grid, cell);
    case 'queue': {
      const alone = part.systems[0]?.spec ?? system.spec;
      const { stages = 1 } = system;
      return grid.loads.map((load) => ({
        question: { ...base, task: { kind: 'queue', alone, stages, load } },
        cells: one(load),
      }));
    }
    case 'placement':
      return [];
  }
}

/** Shares at one rate, and the highest rate, a cell each: figures of the same x are put together by `merged`. */
function scaleTrials(
  base: Omit<Question, 'task'>,
  { rateRpsPerGpu, scales }: Extract<Grid, { kind: 'scale' }>,
  cell: (x: number, figures: Answer['figures'][number] | undefined) => Cell[],
): Trial[] {
  const { limits } = base;
  if (limits === null) throw new Error('a grid of scales needs limits');
  return [
    {
      question: { ...base, task: { kind: 'scales', rateRps: rateRpsPerGpu * base.gpus, scales } },
      cells: ({ figures }) => scales.flatMap((scale, i) => cell(scale, figures[i])),
    },
    ...scales.map((scale): Trial => ({
      question: { ...base, limits: times(limits, scale), task: { kind: 'highest', test: 'joint' } },
      cells: ({ figures }) => cell(scale, figures[0]),
    })),
  ];
}

/** Cells of the same place as one with the figures of all. */
export function merged(cells: readonly Cell[]): Cell[] {
  const byPlace = new Map<string, Cell>();
  for (const cell of cells) {
    const key = JSON.stringify([cell.series, cell.gamma, cell.seed, cell.x]);
    const before = byPlace.get(key);
    byPlace.set(key, before === undefined ? cell : { ...before, figures: { ...before.figures, ...cell.figures } });
  }
  return [...byPlace.values()];
}

/** A system that never has a batch of both phases is the same with every penalty, and simulated once. */
function specOf({ spec, mixes }: Contestant, gamma: number | null): string {
  return mixes && gamma !== null && gamma !== 1 ? `${spec},mixed_batch_penalty=${gamma}` : spec;
}
