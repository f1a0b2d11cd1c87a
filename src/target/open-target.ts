import type { Plan, Source } from '../core/plan.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { createEngine, engineTarget, engineWarnings, parseEngineSpec } from '../engine/index.ts';
import { NEVER, type Arena } from './session.ts';
import { startEngine } from './engine-process.ts';
import { feedRequests } from './feed.ts';
import { openIterationFile } from '../engine/instance/iteration-file.ts';
import { openServer } from './server-session.ts';
import type { RunSpec } from '../run/run-spec.ts';
import { referenceAdapter, type Told } from './negotiate.ts';
import { engineFacts, parseUrl, referenceSystem } from './target-spec.ts';
import { wordsOfFile } from './vocabulary.ts';

/** Starts or reaches the target and makes everything ready that is slow. `runDirectory` names the run in its calls. */
export async function openArena(spec: RunSpec, plan: Plan, runDirectory: string, user: Told): Promise<Arena> {
  const system = referenceSystem(spec.target);
  const words = await wordsOfFile(spec.tokenizer);
  if (system === null) return openServer(spec, parseUrl(spec.target), null, words, plan, runDirectory, user);
  for (const text of engineWarnings(system)) user.warn(text);
  if (spec.clock === 'virtual') return openVirtual(spec, plan.source, system);
  const engine = await startEngine(
    system,
    spec.traceIterations,
    referenceAdapter(spec) === 'sglang' ? 'sglang' : 'vllm',
  );
  try {
    return await openServer(spec, engine.url, engine, words, plan, runDirectory, user);
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
    prepared: null,
    watch: null,
    close: async () => iterations?.close(),
  };
}
