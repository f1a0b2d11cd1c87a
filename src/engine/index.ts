export { describeSystem, engineCatalogue, type EngineCatalogue, type SystemInfo } from './catalogue.ts';
export { createEngine, engineWarnings, parseEngineSpec } from './spec.ts';
export { logIterations } from './instance/iteration-log.ts';
export { engineTarget } from './target.ts';
export { DIALECT_NAMES } from './server/dialects.ts';
export { serveEngine, type EngineServer } from './server/server.ts';
