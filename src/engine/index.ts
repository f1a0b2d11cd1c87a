export { describeSystem, engineCatalogue, type EngineCatalogue, type SystemInfo } from './catalogue.ts';
export type { Cancel, Completion, Engine, Listener, Load, Submission } from './engine.ts';
export { createEngine, parseEngineSpec, type EngineSpec } from './spec.ts';
export { logIterations, type IterationEntry } from './iteration-log.ts';
export { engineTarget } from './target.ts';
export { serveEngine, type EngineServer, type ServeOptions } from './server/server.ts';
