export { describeSystem, engineCatalogue, type EngineCatalogue, type SystemInfo } from './catalogue.ts';
export type { Cancel, Completion, Engine, Listener, Load, Submission } from './engine.ts';
export { createEngine, engineWarnings, parseEngineSpec, type EngineSpec } from './spec.ts';
export { engineTarget } from './target.ts';
export { serveEngine, type EngineServer, type ServeOptions } from './server/server.ts';
