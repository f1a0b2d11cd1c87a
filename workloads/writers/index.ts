import { aiperfWriter } from './aiperf.ts';
import { azureWriter } from './azure.ts';
import { mooncakeWriter } from './mooncake.ts';
import { nativeWriter } from './native.ts';
import { vllmTimedWriter } from './vllm-timed.ts';
import type { TraceWriter } from './writer.ts';

/** Every format that traces can be written in: adding one is a file and a line here. */
export const WRITERS: readonly TraceWriter[] = [
  nativeWriter,
  mooncakeWriter,
  azureWriter,
  aiperfWriter,
  vllmTimedWriter,
];
