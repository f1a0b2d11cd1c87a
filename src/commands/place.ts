import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { writePlacement } from '../search/placement/files.ts';
import { SILENT } from '../core/log.ts';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { checkRunDirectory } from '../runs/run-directory.ts';
import { findPlacement, type PlaceSpec } from '../search/placement/place.ts';
import { placementText } from '../../reports/index.ts';
import { parseGoal } from '../core/slo.ts';
import { parsePrecision } from '../core/units.ts';
import { ALL_ARRIVALS, type Arrivals } from '../schema/placement.ts';
import { resolveSlo } from '../slos/index.ts';
import { resolveWorkload } from '../../workloads/index.ts';
import { expected, text, wholeNumber } from '../core/option-fields.ts';
import { readingOf, TRACE_FIELDS } from '../run/trace-options.ts';
import { CUT_FIELDS, transformsOf } from '../run/transform-options.ts';
import { grouped, readOptions, type Command } from './command.ts';
import { LISTED } from './listed.ts';
import { OPEN_OPTION, openInBrowser } from './open-report.ts';
import { showCount } from './progress.ts';
import { sloList } from './slo-list.ts';
import { hasColor, print, printWarning } from './terminal.ts';
import { CUT_OPTIONS } from './cut-options.ts';
import { TRACE_OPTIONS } from './trace-options.ts';

const schema = z.looseObject({
  workload: text.optional(),
  model: text.optional(),
  gpu: text.optional(),
  gpus: wholeNumber.max(1024, expected('at most 1024')).optional(),
  slo: text.optional(),
  gpusPerNode: wholeNumber,
  affinity: z.enum(['high', 'low'], expected('high or low')),
  system: text,
  collocated: text,
  at: text,
  precision: text,
  arrivals: text,
  requests: wholeNumber,
  wholes: wholeNumber,
  all: z.boolean(),
  ...CUT_FIELDS,
  ...TRACE_FIELDS,
  seed: z.int(expected('a whole number')),
  workers: wholeNumber.optional(),
  out: text.optional(),
  json: z.boolean(),
  quiet: z.boolean(),
  open: z.boolean(),
});
type Options = z.infer<typeof schema>;

const PLACE: Command['options'] = {
  model: { type: 'string', describe: 'which model, e.g. opt-13b; reprise engine list shows them' },
  gpu: { type: 'string', describe: 'which GPU, e.g. a100-sxm-80g' },
  gpus: {
    type: 'number',
    describe:
      'how many there are. Maximised is goodput per GPU: the highest rate of instances that serve together at which --at of the requests meet every limit of --slo, over their GPUs; of equals, what all copies of them in --gpus carry',
  },
  slo: { type: 'string', describe: 'limits, e.g. "ttft=250ms,tpot=100ms", or a profile\'s name; list shows them' },
  at: { type: 'string', default: '90%', describe: 'share of requests that has to meet the SLO, e.g. 95% or 0.95' },
  'gpus-per-node': { type: 'number', default: 8, describe: 'GPUs of a node' },
  affinity: {
    type: 'string',
    default: 'low',
    describe:
      "low: KV never leaves a node (Algorithm 2, the paper's testbed with 25 Gb/s between nodes); high: it may (Algorithm 1)",
  },
  system: {
    type: 'string',
    default: 'distserve',
    describe: 'SYSTEM[,key=value...] with prefill and decode instances',
  },
  collocated: {
    type: 'string',
    default: 'vllm-v1',
    describe: 'SYSTEM[,key=value...] to set beside it; cost as the other, and router=least-requests, unless given here',
  },
};

const WORKLOAD: Command['options'] = {
  ...CUT_OPTIONS,
  ...TRACE_OPTIONS,
  seed: { type: 'number', default: 1, describe: 'of arrivals and of the draw of lengths' },
};

const SEARCH: Command['options'] = {
  arrivals: {
    type: 'string',
    default: 'trace,poisson',
    describe:
      "trace,poisson: all placements ranked by Poisson arrivals, the best tried with the trace's own timing too; poisson, or trace: with that alone",
  },
  precision: { type: 'string', default: '2%', describe: 'how far above a goodput the next rate was missed, at most' },
  requests: { type: 'number', default: 1000, describe: 'of a simulation, for each GPU' },
  wholes: {
    type: 'number',
    default: 1000,
    describe: 'placements that are simulated at most, those with the highest estimates first',
  },
  all: {
    type: 'boolean',
    default: false,
    describe: 'the goodput of every placement, not only of those that can win; takes some four times as long',
  },
  workers: {
    type: 'number',
    describe: 'threads that simulate, four a core at most; they change no result [default: one a core]',
  },
};

const OUTPUT: Command['options'] = {
  out: { type: 'string', describe: 'folder for place.json and place.html' },
  json: { type: 'boolean', default: false, describe: 'print place.json rather than text' },
  quiet: { type: 'boolean', default: false, describe: 'no progress, no warnings' },
  open: OPEN_OPTION,
};

export const placeCommand: Command = {
  ...LISTED.place,
  examples: [
    'reprise place chat --model opt-13b --gpu a100-sxm-80g --gpus 8 --slo ttft=250ms,tpot=100ms',
    'reprise place trace.csv --model llama-3-70b --gpu h100-sxm --gpus 16 --slo ttft=1s,tpot=50ms --out placement',
  ],
  positionals: {
    workload: {
      type: 'string',
      describe:
        'a trace file or a bundled sample (chat, code): Poisson arrivals take its lengths and prefix blocks, the best are tried with its own timing too',
    },
  },
  options: {
    ...grouped('Place:', PLACE),
    ...grouped('Workload:', WORKLOAD),
    ...grouped('Search:', SEARCH),
    ...grouped('Output:', OUTPUT),
  },
  run: (parsed) => place(readOptions(schema, parsed)),
};

async function place(options: Options): Promise<ExitCode> {
  if (options.slo === 'list') {
    print(sloList(options.json));
    return EXIT.ok;
  }
  const spec = placeSpec(options);
  const page = options.out === undefined ? null : resolve(join(options.out, 'place.html'));
  if (options.open && page === null) throw new UserError('--open: there is no page to open without --out FOLDER');
  if (options.out !== undefined) checkRunDirectory(options.out);
  const stop = new AbortController();
  let signalled: ExitCode | null = null;
  const onSignal = (name: NodeJS.Signals): void => {
    signalled = name === 'SIGTERM' ? EXIT.sigterm : EXIT.sigint;
    stop.abort(new UserError(`interrupted by ${name}: nothing is written`, { exitCode: signalled }));
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const progress = showCount('configurations', options.quiet);
  try {
    const report = await findPlacement(spec, {
      log: options.quiet ? SILENT : { ...SILENT, warn: printWarning },
      progress: (done, of, best) => progress.show(done, of, best === null ? null : `best so far ${best}`),
      workers: options.workers ?? availableParallelism(),
      stop: stop.signal,
    });
    progress.end();
    if (options.out !== undefined) await writePlacement(options.out, report);
    const shown = options.json ? JSON.stringify(report, null, 2) : placementText(report, { color: hasColor() });
    print(`${shown}\n${page === null || options.json ? '' : `report: ${page}\n`}`);
    if (options.open && page !== null) await openInBrowser(page);
    return EXIT.ok;
  } finally {
    progress.end();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

function placeSpec(options: Options): PlaceSpec {
  const { workload, model, gpu, gpus, slo } = options;
  if (workload === undefined)
    throw new UserError('place: name a workload: a trace file, or a bundled sample (chat, code)');
  if (model === undefined) throw new UserError('--model: name the model to place, e.g. opt-13b (reprise engine list)');
  if (gpu === undefined)
    throw new UserError('--gpu: name the GPU to place it on, e.g. a100-sxm-80g (reprise engine list)');
  if (gpus === undefined) throw new UserError('--gpus: say how many GPUs there are, e.g. 8');
  if (slo === undefined)
    throw new UserError(
      '--slo: say what has to be met, e.g. "ttft=250ms,tpot=100ms"; "--slo list" shows published ones',
    );
  return {
    workload: {
      path: resolveWorkload(workload),
      ...readingOf(options),
      transforms: transformsOf({ ...options, rate: undefined, speed: 1 }),
    },
    systems: { model, gpu, disaggregated: options.system, collocated: options.collocated },
    cluster: { gpus, gpusPerNode: options.gpusPerNode, affinity: options.affinity },
    slo: resolveSlo(slo),
    at: readGoal(options.at),
    precision: parsePrecision(options.precision, [0.01, 100], '2%'),
    requestsPerGpu: options.requests,
    maxUnits: options.wholes,
    all: options.all,
    seed: options.seed,
    arrivals: readArrivals(options.arrivals),
  };
}

function readArrivals(given: string): Arrivals[] {
  return given.split(',').map((part) => {
    const found = ALL_ARRIVALS.find((each) => each === part.trim().toLowerCase());
    if (found === undefined)
      throw new UserError(
        `--arrivals: "${part.trim()}" is none of ${ALL_ARRIVALS.join(', ')}; write trace,poisson or one of them`,
      );
    return found;
  });
}

/** Unlike in a run, every request may have to meet the SLO: a rate at which all do can be searched. */
function readGoal(given: string): number {
  return ['1', '100%'].includes(given.replaceAll(' ', '')) ? 1 : parseGoal(given);
}
