export { describeSystem, engineCatalogue, type EngineCatalogue, type SystemInfo } from './catalogue.ts';
export { createEngine, parseEngineSpec, type EngineSpec } from './spec.ts';
export type { Engine } from './engine.ts';
export { instanceLabels, ITERATION_TOKENS, loadFamilies, type Labels } from './load-metrics.ts';
export { openIterationFile } from './instance/iteration-file.ts';
export { engineTarget } from './target.ts';
export { usualKvCapacity } from './kv-capacity.ts';
export { gpuCount } from './gpu-count.ts';
