import { basename } from 'node:path';
import { makeCodec } from '../../adapters/index.ts';
import type { Codec, PromptMaker } from '../core/codec.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { Plan, Source } from '../core/plan.ts';
import type { Request } from '../core/request.ts';
import { WallClock } from '../core/wall-clock.ts';
import { HttpTarget, type ServerAccess } from '../replay/transport.ts';
import { jitWarmUp } from '../replay/jit-warm-up.ts';
import { metricsPage } from '../serving/scrape.ts';
import { promptMaker } from '../../workloads/index.ts';
import { NEVER, type Arena } from './session.ts';
import type { EngineProcess } from './engine-process.ts';
import { feedFromWorker } from './feed.ts';
import { prepareServer } from '../serving/prepare-server.ts';
import { preparePrompts } from './prompts.ts';
import type { RunSpec } from '../run/run-spec.ts';
import { monitorMetrics, type MetricsMonitor } from '../serving/metrics-monitor.ts';
import { askServer, knownEngine, type Told } from './negotiate.ts';
import { engineFacts, referenceSystem } from './target-spec.ts';
import type { WordSource } from './vocabulary.ts';

/** Asks the server at `url` what it is, and makes ready all that a replay against it needs; `engine`: it is ours. */
export async function openServer(
  spec: RunSpec,
  url: URL,
  engine: EngineProcess | null,
  words: WordSource | null,
  plan: Plan,
  runDirectory: string,
  user: Told,
): Promise<Arena> {
  const log = { info: user.tell, warn: user.warn };
  const access: ServerAccess = { url, headers: spec.headers, insecure: spec.insecure };
  const runId = basename(runDirectory).replaceAll(/[^\w.-]/g, '_');
  const spoken = engine === null ? await askServer(spec, access, plan, runId, user) : await knownEngine(spec, access);
  const { capabilities, endpoint, model } = spoken;
  const codecOptions = { endpoint, model, runId, ...(capabilities === null ? {} : { capabilities }) };
  const speaking = (prompts: PromptMaker): Codec => makeCodec(spoken.adapter, codecOptions, prompts);
  const prompts = await preparePrompts(plan, spec.tokenizer, words, access, model, speaking, user.warn);
  const codec = speaking(promptMaker(prompts.spec));
  const clock = new WallClock();
  const target = new HttpTarget(codec, clock, [access]);
  const { ready, feed, stop } = feedFromWorker({
    workload: spec.workload,
    adapter: spoken.adapter,
    codec: codecOptions,
    prompts: prompts.spec,
  });
  const close = async (): Promise<void> => {
    await stop();
    await target.close();
    await engine?.close();
  };
  let prepared: Manifest['prepared'];
  let watch: MetricsMonitor | null;
  try {
    await Promise.all([target.open(expectedConcurrency(plan)), ready, jitWarmUp(codec)]);
    prepared = await prepareServer(spec, await firstRequests(plan.source, spec.warmupRequests), codec, access, log);
    watch = await monitorMetrics([metricsPage(access)], log);
  } catch (thrown) {
    await close();
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
    prepared,
    watch,
    close,
  };
}

/**
 * Connections to open ahead: rate times a generous time in system (2 s and 50 ms a token), doubled for bursts. If a
 * server is slower, more are opened while it runs.
 */
function expectedConcurrency({ stats }: Plan): number {
  const ratePerS = stats.requests / Math.max(1, stats.lastDueUs / 1e6);
  const timeInSystemS = 2 + (0.05 * stats.outputTokens) / stats.requests;
  return Math.min(stats.requests, 4096, Math.ceil(2 * ratePerS * timeInSystemS) + 8);
}

/** The first requests of a source, at most `count`. */
async function firstRequests(source: Source, count: number): Promise<Request[]> {
  const first: Request[] = [];
  if (count === 0) return first;
  for await (const batch of source.open()) {
    first.push(...batch.slice(0, count - first.length));
    if (first.length === count) break;
  }
  return first;
}
