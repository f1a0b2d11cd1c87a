import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { reproduceText } from '../../reports/index.ts';
import { didYouMean } from '../core/did-you-mean.ts';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { text, wholeNumber } from '../core/option-fields.ts';
import { withThousands } from '../core/units.ts';
import { checkRunDirectory } from '../runs/run-directory.ts';
import type { Experiment } from '../search/reproduce/experiment.ts';
import { CANNOT, EXPERIMENTS } from '../search/reproduce/experiments/index.ts';
import { writeReproduced } from '../search/reproduce/files.ts';
import { reproduce } from '../search/reproduce/reproduce.ts';
import { grouped, readOptions, type Command } from './command.ts';
import { LISTED } from './listed.ts';
import { OPEN_OPTION, openInBrowser } from './open-report.ts';
import { showCount } from './progress.ts';
import { section } from './section.ts';
import { SIGNAL_EXIT, onEndSignals } from './signals.ts';
import { hasColor, print, tell } from './terminal.ts';

const schema = z.looseObject({
  name: z.array(text).default([]),
  list: z.boolean(),
  workers: wholeNumber.optional(),
  out: text.optional(),
  json: z.boolean(),
  quiet: z.boolean(),
  open: z.boolean(),
});
type Options = z.infer<typeof schema>;

export const reproduceCommand: Command = {
  ...LISTED.reproduce,
  examples: [
    'reprise reproduce --out reproduced',
    'reprise reproduce --list',
    'reprise reproduce nexus-gamma md1 --out reproduced',
  ],
  positionals: {
    name: { type: 'string', array: true, describe: 'experiments of --list [default: all, some minutes on two cores]' },
  },
  options: {
    list: {
      type: 'boolean',
      default: false,
      describe: 'name the experiments, and those that cannot be repeated and why',
    },
    ...grouped('Output:', {
      out: { type: 'string', describe: 'folder for reproduce.json, index.html and a page for each experiment' },
      json: { type: 'boolean', default: false, describe: 'print reproduce.json rather than text' },
      quiet: { type: 'boolean', default: false, describe: 'no progress' },
      workers: { type: 'number', describe: 'threads that simulate; they change no result [default: one a core]' },
      open: OPEN_OPTION,
    }),
  },
  run: (parsed) => reproduceAndReport(readOptions(schema, parsed)),
};

async function reproduceAndReport(options: Options): Promise<ExitCode> {
  const { list, json, quiet, open, out } = options;
  if (list) {
    print(json ? `${JSON.stringify(listed(), null, 2)}\n` : listText());
    return EXIT.ok;
  }
  const experiments = chosen(options.name);
  const page = out === undefined ? null : resolve(join(out, 'index.html'));
  if (open && page === null) throw new UserError('--open: there is no page to open without --out FOLDER');
  if (out !== undefined) checkRunDirectory(out);
  const stop = new AbortController();
  const end = onEndSignals((name) => {
    stop.abort(new UserError(`interrupted by ${name}: nothing is written`, { exitCode: SIGNAL_EXIT[name] }));
  });
  const progress = showCount('simulations and searches', quiet);
  const begunMs = performance.now();
  try {
    const report = await reproduce(experiments, {
      progress: (done, of) => {
        if (done > 0) progress.show(done, of, leftText(done, of, performance.now() - begunMs));
        else if (!quiet) tell(`${withThousands(of)} simulations and searches`);
      },
      workers: options.workers ?? availableParallelism(),
      stop: stop.signal,
    });
    progress.end();
    if (out !== undefined) await writeReproduced(out, report);
    print(
      json
        ? `${JSON.stringify(report, null, 2)}\n`
        : `${reproduceText(report, { color: hasColor() })}\n${page === null ? '' : `report: ${page}\n`}`,
    );
    if (open && page !== null) await openInBrowser(page);
    return EXIT.ok;
  } finally {
    progress.end();
    end();
  }
}

/** The experiments of these names, in the order of the gallery; all without a name. */
function chosen(names: readonly string[]): readonly Experiment[] {
  const known = EXPERIMENTS.map(({ name }) => name);
  for (const name of names)
    if (!known.includes(name))
      throw new UserError(`reproduce: "${name}" is no experiment${didYouMean(name, known)}; --list names them`);
  return names.length === 0 ? EXPERIMENTS : EXPERIMENTS.filter(({ name }) => names.includes(name));
}

/** Parts take different times, so that this is a guess that improves. */
function leftText(done: number, of: number, takenMs: number): string {
  const leftS = (takenMs / done) * (of - done) * 1e-3;
  return leftS < 90 ? `about ${Math.ceil(leftS)} s left` : `about ${Math.ceil(leftS / 60)} min left`;
}

function listed() {
  return {
    experiments: EXPERIMENTS.map(({ name, title, source, leftOut }) => ({ name, title, source, left_out: leftOut })),
    cannot: CANNOT,
  };
}

function listText(): string {
  return [
    section(
      'Experiments',
      EXPERIMENTS.map(({ name, title }) => [name, title]),
    ),
    section(
      'Cannot be repeated',
      CANNOT.map(({ what, why }) => [what, why]),
    ),
    section(
      'Left out of those that are',
      EXPERIMENTS.flatMap(({ name, leftOut }) => leftOut.map((line) => [name, line])),
    ),
  ].join('\n');
}
