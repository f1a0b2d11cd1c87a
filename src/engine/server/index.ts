export { DIALECT_NAMES, type DialectName as EngineDialect } from './dialects.ts';
export { serveEngine, type EngineServer } from './server.ts';
