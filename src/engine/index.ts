export { describeSystem, engineCatalogue, type EngineCatalogue, type SystemInfo } from './catalogue.ts';
export { createEngine, parseEngineSpec, type EngineSpec } from './spec.ts';
export { openIterationFile } from './instance/iteration-file.ts';
export { engineTarget } from './target.ts';
