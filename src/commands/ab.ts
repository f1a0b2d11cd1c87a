import { join, resolve } from 'node:path';
import { z } from 'zod';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { text } from '../core/option-fields.ts';
import { comparisonPage, writeComparison } from '../compare/files.ts';
import { compactTime } from '../run/run.ts';
import type { RunSpec } from '../run/run-spec.ts';
import { newSalt } from '../run/salt.ts';
import { ofSide, runAb, sideFolder, type Ab, type AbHooks } from '../search/ab/ab.ts';
import { targetOfRepeat } from '../search/ab/noise-seeds.ts';
import { SIDES, type Place } from '../search/ab/order.ts';
import { grouped, readOptions, type Command, type Given } from './command.ts';
import { LISTED } from './listed.ts';
import { compareFolders, JUDGING_FIELDS, JUDGING_OPTIONS, judgingOf, sayComparison } from './compare.ts';
import { showProgress } from './progress.ts';
import { RUN_OPTIONS, runSpecOf } from './run-options.ts';
import { stopBySignal } from './signals.ts';
import { sloList } from './slo-list.ts';
import { once, print, tell, terminalLog } from './terminal.ts';

const LEAST_REPEATS = 2;
/** More decide nothing that these do not, and would hardly be meant. */
const MOST_REPEATS = 1000;

const TWO: Command['options'] = {
  base: {
    type: 'string',
    describe:
      'target that is changed from: a URL, or reference[:SYSTEM[,key=value...]]; with noise each repeat has a seed of its own (1, 3, 5, ... from seed= on)',
  },
  new: { type: 'string', describe: 'target that is changed to (seeds 2, 4, 6, ...)' },
  repeats: {
    type: 'number',
    default: 6,
    describe: 'runs of each, in the order A B B A; one where runs in virtual time without noise repeat to the bit',
  },
  'base-start': {
    type: 'string',
    describe:
      'shell command that starts the server of base for each of its runs, kept in their run.json; its process group is ended after it',
  },
  'new-start': { type: 'string', describe: 'the same of new; both may have one URL' },
  'base-ready': { type: 'string', describe: 'URL that answers once it is up [default: /health of the target]' },
  'new-ready': { type: 'string', describe: 'the same of new' },
};

const OUT: Command['options'] = {
  out: {
    type: 'string',
    describe:
      'folder of base/1, new/1, ... and comparison.json, .md and .html; the same again goes on there [default: runs/<utc time>-ab-<base>]',
  },
};

/** Options of a run that a comparison sets itself, or that make no sense for many runs. */
const OF_ONE_RUN: ReadonlySet<string> = new Set([
  'target',
  'start',
  'ready',
  'salt',
  'open',
  'trace-iterations',
  'probe',
]);
const isOfRun = (name: string): boolean =>
  name in RUN_OPTIONS && !OF_ONE_RUN.has(name) && !(name in JUDGING_OPTIONS) && !(name in OUT);

export const abCommand: Command = {
  ...LISTED.ab,
  examples: [
    'reprise ab trace.csv --base http://127.0.0.1:8000 --new http://127.0.0.1:8001 --slo ttft=500ms,tpot=50ms',
    'reprise ab trace.csv --base http://127.0.0.1:8000 --base-start "serve-old" --new http://127.0.0.1:8000 --new-start "serve-new"',
    'reprise ab chat --clock virtual --base reference:vllm-v1,noise=0.03 --new reference:sglang,noise=0.03 --gate default',
  ],
  positionals: { workload: { type: 'string', describe: 'a trace file or a bundled sample: chat, code' } },
  options: {
    ...grouped('Two systems:', TWO),
    ...Object.fromEntries(Object.entries(RUN_OPTIONS).filter(([name]) => isOfRun(name))),
    ...grouped('Compare:', JUDGING_OPTIONS),
    ...grouped('Output:', OUT),
  },
  run: (all, given) => ab(readOptions(schema, all), given),
};

const schema = z.looseObject({
  workload: text.optional(),
  base: text.optional(),
  new: text.optional(),
  repeats: z.int(repeatsBetween()).min(LEAST_REPEATS, repeatsBetween()).max(MOST_REPEATS, repeatsBetween()),
  baseStart: text.optional(),
  newStart: text.optional(),
  baseReady: text.optional(),
  newReady: text.optional(),
  slo: text.optional(),
  out: text.optional(),
  ...JUDGING_FIELDS,
});
type Options = z.infer<typeof schema>;

function repeatsBetween(): { error: (issue: { readonly input?: unknown }) => string } {
  return {
    error: ({ input }) =>
      `got ${String(input)}, expected a whole number from ${LEAST_REPEATS} (one run shows nothing of how runs vary) to ${MOST_REPEATS}`,
  };
}

async function ab(options: Options, given: Given): Promise<ExitCode> {
  if (options.slo === 'list') {
    print(sloList(options.json));
    return EXIT.ok;
  }
  const judging = judgingOf(options);
  const comparing = abOf(options, given);
  const interruption = stopBySignal('the same command goes on from here');
  const progress = showRepeats(options.quiet);
  const log = terminalLog(options.quiet);
  try {
    await runAb(comparing, {
      ...progress.hooks,
      nowIso: () => new Date().toISOString(),
      newSalt,
      log: { info: once(log.info), warn: once(log.warn) },
      stop: interruption.stop,
      cut: interruption.cut,
    });
    progress.end();
    const [base, now] = [sideFolder(comparing, 'base'), sideFolder(comparing, 'new')];
    const compared = await compareFolders([base, now], judging, null);
    await writeComparison(comparing.dir, compared);
    const code = sayComparison(compared.comparison, judging);
    if (judging.format === 'text') print(`comparison: ${resolve(comparisonPage(comparing.dir))}\n`);
    return code;
  } catch (thrown) {
    const exitCode = interruption.exitCode();
    if (exitCode !== null && thrown instanceof UserError) throw new UserError(thrown.message, { exitCode });
    throw thrown;
  } finally {
    progress.end();
    interruption.end();
  }
}

/** Says which run begins, and shows its progress in real time. */
function showRepeats(quiet: boolean): {
  readonly hooks: Pick<AbHooks, 'repeating' | 'started'>;
  readonly end: () => void;
} {
  let end = (): void => undefined;
  return {
    hooks: {
      repeating: ({ side, repeat }, number, of, isKept) => {
        end();
        if (quiet) return;
        const kept = isKept ? ', as an earlier command made it' : '';
        tell(`${number} of ${of}: ${side}, repeat ${repeat}${kept}`);
      },
      started: (plan, snapshot) => {
        if (!quiet && plan.spec.target.clock === 'real') end = showProgress(plan, snapshot);
      },
    },
    end: () => end(),
  };
}

function abOf(options: Options, given: Given): Ab {
  const { workload, base, new: now, repeats } = options;
  if (workload === undefined)
    throw new UserError('ab: name a workload: a trace file, or a bundled sample (chat, code)');
  if (base === undefined || now === undefined)
    throw new UserError('ab: name two targets, --base and --new: each a URL, or reference:SYSTEM,...');
  const texts = { base, new: now };
  const starts = { base: options.baseStart, new: options.newStart };
  const readies = { base: options.baseReady, new: options.newReady };
  const ofRun = Object.fromEntries(Object.entries(given).filter(([name]) => name === 'workload' || isOfRun(name)));
  const specOf = (place: Place, dir: string): RunSpec => {
    const { side } = place;
    const [start, ready] = [starts[side], readies[side]];
    try {
      return runSpecOf({
        ...ofRun,
        target: targetOfRepeat(texts[side], place),
        ...(start === undefined ? {} : { start }),
        ...(ready === undefined ? {} : { ready }),
        out: dir,
      });
    } catch (thrown) {
      throw thrown instanceof UserError ? ofSide(side, thrown) : thrown;
    }
  };
  const [first] = SIDES.map((side) => specOf({ side, repeat: 1 }, '.'));
  const name = `${compactTime(new Date().toISOString())}-ab-${first?.target.spec.name}`;
  return { dir: options.out ?? join('runs', name), repeats, specOf };
}
