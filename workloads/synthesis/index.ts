import { basename } from 'node:path';
import { UserError } from '../../src/core/errors.ts';
import type { Source, WorkloadSpec } from '../../src/core/plan.ts';
import type { JsonObject, Request } from '../../src/core/request.ts';
import { kebab } from '../../src/core/option-names.ts';
import { countText } from '../../src/core/words.ts';
import { inBatches } from '../formats/batches.ts';
import { openSource } from '../open-source.ts';
import { WRITERS } from '../writers/index.ts';
import { ARRIVAL_FORMS, parseArrivals } from './arrivals.ts';
import { DISTRIBUTION_FORMS, parseCounts, parseTimes } from './distributions.ts';
import { FigureCounter, fitQuality, writtenQualityText } from './fit-quality.ts';
import { asLongAs, fittedRequests, fitTrace } from './fit.ts';
import { independentLengths, lengthsOf } from './lengths.ts';
import { parsePrefixes, PREFIX_FORMS } from './prefixes.ts';
import { clientRequests, readClients, type ClientDraws } from './servegen.ts';
import { sessionRequests, type SessionShape } from './sessions.ts';
import { until, type Extent } from './until.ts';

/** How the parts of a trace are written that is made: `--arrivals`, and all that is drawn. */
export const SYNTH_FORMS = {
  arrivals: Object.values(ARRIVAL_FORMS),
  draws: Object.values(DISTRIBUTION_FORMS),
  prefixes: PREFIX_FORMS.groups,
};

/** Tokens of a prefix block where nothing says. */
const BLOCK_TOKENS = 16;

/** How requests are made of distributions, each as the option of its name has it. */
export interface SynthParts {
  readonly arrivals: string;
  readonly input?: string | undefined;
  readonly output?: string | undefined;
  /** A trace whose pairs of lengths are drawn, in place of `input` and `output`. */
  readonly lengths?: WorkloadSpec | undefined;
  readonly turns?: string | undefined;
  readonly think?: string | undefined;
  readonly branchChance?: number | undefined;
  readonly branchTurns?: string | undefined;
  readonly prefixes?: string | undefined;
  readonly blockTokens?: number | undefined;
}

/** A folder of ServeGen. */
interface ClientsSpec {
  readonly folder: string;
  /** Only so many clients, those with the most requests; null: all. */
  readonly top: number | null;
  readonly draws: ClientDraws;
}

/** What to make: what is like a trace, or what its parts say. */
export interface SynthSpec extends Extent {
  readonly seed: number;
  readonly make: { readonly fit: WorkloadSpec } | { readonly parts: SynthParts } | { readonly clients: ClientsSpec };
}

/** Requests that were made, and what to say of them. */
export interface Synthesis {
  readonly source: Source;
  /** For the header of a native trace. */
  readonly origin: JsonObject;
  readonly notes: readonly string[];
  /**
   * How like the trace that was fitted to they are, a figure a line; to be asked once they are written, to which file and in
   * which format. Null where no trace was.
   */
  readonly quality: ((file: string, format: string) => string) | null;
}

/**
 * Makes a trace: the same requests for the same spec, on every machine. Throws a UserError that names the option, or what
 * is wrong with a trace that is read for it.
 */
export function synthesize(spec: SynthSpec): Promise<Synthesis> {
  if ('clients' in spec.make) return Promise.resolve(ofClients(spec, spec.make.clients));
  return 'fit' in spec.make ? likeTrace(spec, spec.make.fit) : ofParts(spec, spec.make.parts);
}

async function likeTrace(spec: SynthSpec, trace: WorkloadSpec): Promise<Synthesis> {
  const { seed, requests } = spec;
  const file = await openSource(trace.path, trace);
  const fit = await fitTrace(file);
  const extent = { durationS: spec.durationS ?? (requests === null ? fit.durationS : null), requests };
  const quality = fitQuality(fit.requests, asLongAs(fit, seed), fit.blockTokens);
  const written = new FigureCounter(fit.blockTokens);
  return {
    source: sourceOf(() => counting(until(fittedRequests(fit, seed), extent), written), fit.blockTokens),
    origin: { ...originOf(spec), fit: { file: file.name, sha256: (await file.sha256?.()) ?? '' } },
    notes: [...file.notes(), ...fit.notes],
    quality: (out, format) => {
      const figures = written.figures();
      const hasBlocks = WRITERS.some(({ name, holds }) => name === format && holds.has('blocks'));
      const counted = hasBlocks ? figures : { ...figures, reuse: null };
      return writtenQualityText(quality, { trace: file.name, file: basename(out), counted });
    },
  };
}

/** The same requests, each counted as it is taken: they are written once. */
function* counting(requests: Iterable<Request>, counter: FigureCounter): Generator<Request> {
  for (const request of requests) {
    counter.add(request);
    yield request;
  }
}

async function ofParts(spec: SynthSpec, parts: SynthParts): Promise<Synthesis> {
  if (spec.durationS === null && spec.requests === null)
    throw new UserError('reprise trace synth: nothing says how much to make; give --duration or --requests');
  const arrivals = parseArrivals(parts.arrivals);
  const shape = await shapeOf(parts);
  const { seed } = spec;
  // Sessions that begin in the time go on to their end.
  const begun = (): Iterable<number> => within(arrivals(seed), spec.durationS ?? Number.POSITIVE_INFINITY);
  const extent = { durationS: null, requests: spec.requests };
  const hasBlocks = shape.turns !== null || shape.prefixes !== null;
  return {
    source: sourceOf(
      () => until(sessionRequests(begun(), shape, seed), extent),
      hasBlocks ? shape.blockTokens : undefined,
    ),
    origin: {
      ...originOf(spec),
      ...saidOf(parts),
    },
    notes: [],
    quality: null,
  };
}

function ofClients(spec: SynthSpec, { folder, top, draws }: ClientsSpec): Synthesis {
  const found = readClients(folder, top);
  const { requests, seed } = spec;
  const extent = { durationS: spec.durationS ?? (requests === null ? found.endS : null), requests };
  return {
    source: sourceOf(() => until(clientRequests(found, draws, seed), extent), undefined),
    origin: { ...originOf(spec), clients: folder, 'clients-lengths': draws, count: found.clients.length },
    notes: [
      ...(found.silent === 0
        ? []
        : [`${countText(found.silent, 'client')} of ${folder} never send: they are left out`]),
      ...(found.others.count === 0
        ? []
        : [
            `--top-clients ${found.clients.length} leaves out ${countText(found.others.count, 'client')} with ${(100 * found.others.share).toFixed(1)} % of all requests`,
          ]),
      ...(found.hasMedia
        ? [
            'images, audio and video have their tokens in the prompt, and are not sent: the folder has no content of them',
          ]
        : []),
    ],
    quality: null,
  };
}

async function shapeOf(parts: SynthParts): Promise<SessionShape> {
  const { input, output, turns, think, branchChance, branchTurns, prefixes, blockTokens } = parts;
  if (turns === undefined && (think ?? branchChance ?? branchTurns) !== undefined)
    throw new UserError('--think, --branch-chance, --branch-turns: there are no sessions; give --turns too');
  if (branchTurns !== undefined && branchChance === undefined)
    throw new UserError('--branch-turns: there are no branches; give --branch-chance too');
  return {
    lengths:
      parts.lengths === undefined
        ? independentLengths(needed(input, '--input'), needed(output, '--output'))
        : await pairsOf(parts.lengths, input ?? output),
    turns: turns === undefined ? null : parseCounts(turns, '--turns'),
    think: think === undefined ? () => 0 : parseTimes(think, '--think'),
    branches:
      branchChance === undefined
        ? null
        : { chance: branchChance, turns: parseCounts(branchTurns ?? '1', '--branch-turns') },
    prefixes: prefixes === undefined ? null : parsePrefixes(prefixes),
    blockTokens: blockTokens ?? BLOCK_TOKENS,
  };
}

async function pairsOf(trace: WorkloadSpec, other: string | undefined): ReturnType<typeof lengthsOf> {
  if (other !== undefined) throw new UserError('--lengths: its rows have both lengths; leave --input and --output out');
  return lengthsOf(await openSource(trace.path, trace));
}

/** The parts as they were given. */
function saidOf(parts: SynthParts): JsonObject {
  const { arrivals, input, output, lengths, turns, think, branchChance, branchTurns, prefixes } = parts;
  const all = { arrivals, input, output, lengths: lengths?.path, turns, think, branchChance, branchTurns, prefixes };
  const said: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(all)) if (value !== undefined) said[kebab(name)] = value;
  return said;
}

function needed(text: string | undefined, option: string): string {
  if (text !== undefined) return text;
  throw new UserError(
    `${option}: is missing; write e.g. ${option} ${DISTRIBUTION_FORMS.lognormal.replaceAll(/[[\]]/g, '')}, or draw pairs of a trace by --lengths FILE`,
  );
}

function* within(times: Iterable<number>, endS: number): Generator<number> {
  for (const atS of times) {
    if (atS >= endS) return;
    yield atS;
  }
}

function originOf({ seed, durationS, requests }: SynthSpec): JsonObject {
  return {
    format: 'synth',
    seed,
    ...(durationS === null ? {} : { duration_s: durationS }),
    ...(requests === null ? {} : { requests }),
  };
}

function sourceOf(requests: () => Iterable<Request>, blockTokens: number | undefined): Source {
  return {
    name: 'trace synth',
    format: 'synth',
    path: '',
    transforms: [],
    ...(blockTokens === undefined ? {} : { blockTokens }),
    open: () => inBatches(requests()),
  };
}
