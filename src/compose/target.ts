import { basename } from 'node:path';
import { CODECS } from '../../adapters/index.ts';
import type { Codec } from '../core/codec.ts';
import type { PromptMaker } from '../core/prompt-maker.ts';
import { promptMaker } from '../../workloads/index.ts';
import type { Clock } from '../core/clock.ts';
import { UserError } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import { suggestion } from '../core/nearest.ts';
import type { Plan, Source } from '../core/plan.ts';
import type { Planned, Target } from '../core/target.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { WallClock } from '../core/wall-clock.ts';
import { createEngine, engineTarget, engineWarnings, parseEngineSpec } from '../engine/index.ts';
import { HttpTarget } from '../replay/transport.ts';
import { warmUp } from '../replay/warm-up.ts';
import { checkEndpoint } from '../serving/detect.ts';
import { startEngine, type EngineProcess } from './engine-process.ts';
import { feedFromWorker, feedRequests } from './feed.ts';
import { openIterationFile } from './iteration-file.ts';
import { preparePrompts } from './prompts.ts';
import type { RunSpec } from './run-spec.ts';
import { askServer, knownEngine, referenceAdapter, type Tell } from './spoken.ts';
import { wordsOfFile, type WordSource } from './words.ts';

/** A target with the clock it lives on and the requests it will be sent. */
export interface Arena {
  readonly target: Target;
  readonly clock: Clock;
  /** The same clock, when it reads real time: only then has the client a health of its own to watch. */
  readonly wall: WallClock | null;
  readonly feed: AsyncIterable<readonly Planned[]>;
  /** Resolves with a sentence if the target ends by itself; never for one that is not ours. */
  readonly gone: Promise<string>;
  readonly facts: Manifest['target'];
  /** Null in virtual time, where there are no prompts. */
  readonly prompts: NonNullable<Manifest['prompts']> | null;
  close(): Promise<void>;
}

const NEVER = new Promise<never>(() => undefined);

/** Checks what can be checked of a target before anything else is done. */
export function checkTarget(spec: RunSpec): void {
  const system = referenceSystem(spec.target);
  if (system !== null) parseEngineSpec(system);
  else if (spec.clock === 'virtual')
    throw new UserError(
      `--clock virtual needs the reference engine, and ${spec.target} is a server in real time; use --target reference:...`,
    );
  else parseUrl(spec.target);
  if (system === null && spec.traceIterations !== null)
    throw new UserError(
      `--trace-iterations: ${spec.target} does not tell its iterations, only the reference engine does; leave it out or use --target reference:...`,
    );
  if (spec.clock === 'virtual' && spec.tokenizer !== null)
    throw new UserError(
      '--tokenizer: --clock virtual makes no prompts, its requests are lengths and prefix blocks; leave one of them out',
    );
  if (spec.adapter === 'auto') return;
  const adapters = ['auto', ...Object.keys(CODECS)];
  if (!adapters.includes(spec.adapter))
    throw new UserError(`--adapter: "${spec.adapter}" is not known${suggestion(spec.adapter, adapters)}`);
  checkEndpoint(spec.adapter, spec.endpoint);
}

/** Short name of a target, for directory names and records: the system, or the host. */
export function targetName(target: string): string {
  const system = referenceSystem(target);
  if (system !== null) return `reference-${parseEngineSpec(system).system}`;
  return parseUrl(target).host.replaceAll(/[^\w.-]/g, '_');
}

/** Starts or reaches the target and makes everything ready that is slow. `runDirectory` names the run in its calls. */
export async function openArena(spec: RunSpec, plan: Plan, runDirectory: string, tell: Tell): Promise<Arena> {
  const system = referenceSystem(spec.target);
  const words = await wordsOfFile(spec.tokenizer);
  if (system === null) return openServer(spec, parseUrl(spec.target), null, words, plan, runDirectory, tell);
  for (const text of engineWarnings(system)) tell.warn(text);
  if (spec.clock === 'virtual') return openVirtual(spec, plan.source, system);
  const engine = await startEngine(
    system,
    spec.traceIterations,
    referenceAdapter(spec) === 'sglang' ? 'sglang' : 'vllm',
  );
  try {
    return await openServer(spec, engine.url, engine, words, plan, runDirectory, tell);
  } catch (thrown) {
    await engine.close();
    throw thrown;
  }
}

function openVirtual({ traceIterations }: RunSpec, source: Source, system: string): Arena {
  const clock = new VirtualClock();
  const iterations = traceIterations === null ? null : openIterationFile(traceIterations);
  const engine = createEngine(parseEngineSpec(system), { clock, onIteration: iterations?.onIteration });
  return {
    target: engineTarget(engine, clock, source.blockTokens ?? null),
    clock,
    wall: null,
    feed: feedRequests(source),
    gone: NEVER,
    facts: { spec: `reference:${system}`, kind: 'reference', adapter: 'none', model: null, facts: engineFacts(system) },
    prompts: null,
    close: async () => iterations?.close(),
  };
}

async function openServer(
  spec: RunSpec,
  url: URL,
  engine: EngineProcess | null,
  words: WordSource | null,
  plan: Plan,
  runDirectory: string,
  tell: Tell,
): Promise<Arena> {
  const access = { url, headers: spec.headers, insecure: spec.insecure };
  const runId = basename(runDirectory).replaceAll(/[^\w.-]/g, '_');
  const spoken = engine === null ? await askServer(spec, access, plan, runId, tell) : await knownEngine(spec, access);
  const { abilities, endpoint, model } = spoken;
  const codecOptions = { endpoint, model, runId, ...(abilities === null ? {} : { abilities }) };
  const makeCodec = (prompts: PromptMaker): Codec => {
    const made = CODECS[spoken.adapter]?.(codecOptions, prompts);
    if (made === undefined) throw new Error(`no adapter ${spoken.adapter}`);
    return made;
  };
  const prompts = await preparePrompts(plan, spec.tokenizer, words, access, model, makeCodec, tell.warn);
  const codec = makeCodec(promptMaker(prompts.spec));
  const clock = new WallClock();
  const target = new HttpTarget(codec, clock, access);
  const { ready, feed } = feedFromWorker({
    workload: spec.workload,
    adapter: spoken.adapter,
    codec: codecOptions,
    prompts: prompts.spec,
  });
  const close = async (): Promise<void> => {
    await target.close();
    await engine?.close();
  };
  try {
    await Promise.all([target.open(expectedConcurrency(plan)), ready, warmUp(codec)]);
  } catch (thrown) {
    await feed[Symbol.asyncIterator]().return?.();
    await target.close();
    throw thrown;
  }
  const system = referenceSystem(spec.target);
  return {
    target,
    clock,
    wall: clock,
    feed,
    gone: engine === null ? NEVER : engine.gone.then((how) => `the reference engine is gone: ${how}`),
    facts: {
      spec: spec.target,
      kind: engine === null ? 'url' : 'reference',
      adapter: codec.name,
      model,
      facts: system === null ? spoken.facts : engineFacts(system),
    },
    prompts: prompts.facts,
    close,
  };
}

/** What follows `reference:`; null for a URL. */
function referenceSystem(target: string): string | null {
  const match = /^reference(?::(.*))?$/.exec(target);
  return match === null ? null : (match[1] ?? '');
}

function engineFacts(system: string): Manifest['target']['facts'] {
  const spec = parseEngineSpec(system);
  return { system: spec.system, ...spec.options };
}

/**
 * Connections to open ahead: rate times a generous time in system (2 s and 50 ms a token), doubled for bursts. If a
 * server is slower, more are opened while it runs.
 */
function expectedConcurrency({ facts }: Plan): number {
  const ratePerS = facts.requests / Math.max(1, facts.lastDueUs / 1e6);
  const timeInSystemS = 2 + (0.05 * facts.outputTokens) / facts.requests;
  return Math.min(facts.requests, 4096, Math.ceil(2 * ratePerS * timeInSystemS) + 8);
}

function parseUrl(text: string): URL {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text))
    throw new UserError(
      `--target: "${text}" is neither a URL (http://127.0.0.1:8000) nor reference[:SYSTEM[,key=value...]]`,
    );
  const url = new URL(text);
  if (url.username !== '' || url.password !== '')
    throw new UserError(
      `--target: a URL with a password would end up in files and logs; pass it by --api-key-env or --header instead`,
    );
  return url;
}
