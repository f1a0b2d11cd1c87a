export { DIALECT_NAMES } from './dialects.ts';
export { serveEngine, type EngineServer } from './server.ts';
