export { saveStdin } from './containers/stdin.ts';
export { convertTrace, writeTrace, type Conversion } from './convert.ts';
export { counted } from './counted.ts';
export { inspectTrace } from './inspect.ts';
export { inspectionText } from './inspection-text.ts';
export { mergeTraces } from './merge-files.ts';
export { openSource } from './open-source.ts';
export { WRITERS } from './writers/index.ts';
export { openWorkload, scanWorkload, type ScannedWorkload } from './open-workload.ts';
export { DisorderError, requireOrder } from './order.ts';
export {
  answered,
  COMMON_WORDS,
  findAlphabet,
  livePrompts,
  liveRequest,
  liveTurn,
  PLAIN_ALPHABET,
  promptMaker,
  readTokenizer,
  sessionTurns,
  type Alphabet,
  type AnsweredTurn,
  type LivePrompts,
  type LiveTurn,
  type PromptSpec,
  type TextSpec,
} from './prompts/index.ts';
export { resolveWorkload, SAMPLES } from './samples/index.ts';
export { partsOf } from './split.ts';
export { BusiestWindow } from './busiest-window.ts';
export { scanPlan, type ScanOptions } from './scan.ts';
export { historyOf } from './sessions.ts';
export { CLIENT_DRAWS } from './synthesis/servegen.ts';
export { SYNTH_FORMS, synthesize, type SynthSpec } from './synthesis/index.ts';
export { applyTransforms } from './transforms/index.ts';
export { beginningsOf, freshBlocks, type Beginnings } from './transforms/fresh-blocks.ts';
export { COPY_BLOCKS, COPY_TIMES } from './transforms/copies.ts';
export { DECLUMP } from './transforms/declump.ts';
export { isSentAsItIs } from './transforms/live.ts';
export { RATE_BY } from './transforms/rate.ts';
export { trafficPosition } from './transforms/traffic.ts';
