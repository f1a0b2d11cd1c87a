import type { Command } from './command.ts';

/** What `reprise --help` says of each command, in its order: none need be loaded for it. */
export const LISTED = {
  run: {
    usage: 'run [workload]',
    describe: 'Replay a trace; without arguments a bundled sample against the bundled engine',
  },
  rerun: {
    usage: 'rerun <dir> [workload]',
    describe:
      'Run again what a run directory holds, with other options where they are given, and without those of --no-NAME',
  },
  goodput: {
    usage: 'goodput [workload]',
    describe: 'The highest rate at which a trace still meets its SLO: a bracket, by runs that are cut when decided',
  },
  sweep: {
    usage: 'sweep [workload]',
    describe: 'How many requests meet the SLO, by target, rate and SLO scale: a grid of whole runs',
  },
  ab: {
    usage: 'ab [workload]',
    describe: 'Runs of two systems in the order A B B A, each pair with the same prompts, and which of them is better',
  },
  compare: {
    usage: 'compare [base] [new]',
    describe:
      'Two runs, or repeats of two systems, under the same load: better, worse, the same or undecided, a metric each',
  },
  nightly: {
    usage: 'nightly [workload]',
    describe:
      'Run, or find the goodput, compare with the accepted night by how nights spread, and add to the trend of a branch',
  },
  report: {
    usage: 'report [directories..]',
    describe: 'Rebuild summary and report from the records of runs, or of a sweep; mends a run that was killed',
  },
  trace: {
    usage: 'trace <action> <file> [out] [others..]',
    describe:
      'Traces: inspect, what is in a trace; convert, writes any format as another; merge, writes several traces as one, each from its own start; split, writes a file for each class, model, ...; synth, makes a trace: like one that you have, or of arrivals, lengths and sessions that you describe',
  },
  engine: {
    usage: 'engine [action]',
    describe: 'Serve the reference engine over HTTP: an LLM server in real time, without a GPU; or list what it can be',
  },
  place: {
    usage: 'place [workload]',
    describe:
      "Which instances carry most per GPU: prefill and decode apart (DistServe's placement search) and collocated, with Poisson arrivals and with the trace's own timing",
  },
  reproduce: {
    usage: 'reproduce [name..]',
    describe: 'Published experiments in virtual time, beside the published figures: whether ours have their shape',
  },
  probe: {
    usage: 'probe <url> [workload]',
    describe: 'What a server is, how fast its front end is, what the network adds, and whether a workload fits',
  },
  calibrate: {
    usage: 'calibrate',
    describe:
      'What this machine can measure: tokens/s, requests/s and streams that the client times within 1 ms, against a server of its own; later runs go by it',
  },
} as const satisfies Readonly<Record<string, Pick<Command, 'usage' | 'describe'>>>;
