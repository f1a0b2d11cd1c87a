export { inspectTrace } from './inspect.ts';
export { inspectionText } from './inspection-text.ts';
export { openSource } from './open-source.ts';
export { DisorderError, requireOrder } from './order.ts';
export { promptMaker, type PromptSpec } from './prompts/index.ts';
export { resolveWorkload, SAMPLES } from './samples/index.ts';
export { resolveSlo, SLO_PROFILES } from './slos/index.ts';
export { surveyPlan } from './survey.ts';
export { applyTransform } from './transforms/index.ts';
