import { WHOLE } from '../core/shard.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { createEngine, engineTarget, openIterationFile } from '../engine/index.ts';
import { contextFault } from './context-length.ts';
import { monitorEngine } from './engine-monitor.ts';
import { feedFromSource } from './feed.ts';
import { LiveSessions } from './live-sessions.ts';
import { scheduleOf } from './schedule.ts';
import { NEVER_GONE, type Client, type TargetSession } from './session.ts';
import type { EngineTarget, TargetConfig } from './target-spec.ts';

/** The reference engine in virtual time: every run gets a new, empty engine on a clock of its own. */
export function openVirtualSession({ traceIterations }: TargetConfig, spec: EngineTarget): TargetSession {
  const iterations = traceIterations === null ? null : openIterationFile(traceIterations);
  const { name, text, engine: engineSpec } = spec;
  return {
    name,
    facts: { spec: text, kind: 'reference', adapter: 'none', model: null, facts: engineFacts(spec) },
    started: null,
    gone: NEVER_GONE,
    // The engine rejects such a request by itself, as a server would.
    check: () => undefined,
    async attach(plan, { log }) {
      const { source, stats } = plan;
      const blockTokens = source.blockTokens ?? null;
      const { thinks = false, history = 'trace' } = plan.sessions ?? {};
      const live = history === 'live' ? new LiveSessions(null, blockTokens) : null;
      const clock = new VirtualClock();
      const engine = createEngine(engineSpec, { clock, onIteration: iterations?.onIteration });
      const tooLong = thinks ? contextFault(plan, engine.maxModelLen, "that of the engine's model") : null;
      if (tooLong !== null)
        log.warn(`${tooLong}: the engine refuses such requests, and what follows one in its session is not sent`);
      const feed = feedFromSource(source, WHOLE, () => [], { thinks, live });
      const client: Client = {
        target: engineTarget(engine, clock, blockTokens),
        clock,
        wall: null,
        schedule: scheduleOf(plan.sessions, feed),
        close: async () => undefined,
      };
      return {
        clients: { here: client },
        prompts: null,
        prepared: null,
        monitor: monitorEngine(engine, clock, stats.lastDueUs),
      };
    },
    reach: async () => undefined,
    // The next run gets an engine of its own.
    settle: async () => undefined,
    keepLog: () => undefined,
    close: async () => iterations?.close(),
  };
}

/** The system and its options, for the manifest. */
export function engineFacts({ engine }: EngineTarget): TargetSession['facts']['facts'] {
  return { system: engine.system, ...engine.options };
}
