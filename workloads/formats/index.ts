import { azure2023 } from './azure-2023.ts';
import { azure2024 } from './azure-2024.ts';
import { azure2025 } from './azure-2025.ts';
import { burstGpt1, burstGpt2 } from './burstgpt.ts';
import { lmsysChat, shareGpt, wildChat } from './conversations.ts';
import type { Format } from './format.ts';
import { langfuse } from './langfuse.ts';
import { liteLlm } from './litellm.ts';
import { mooncake, mooncakeLengths } from './mooncake.ts';
import { native } from './native.ts';
import { openAiBatch } from './openai-batch.ts';
import { otel } from './otel.ts';
import { plainCsv } from './plain-csv.ts';
import { aiperfInputs, chatMessages, prompts, sageMaker } from './prompt-files.ts';
import { guideLlm, vllmTimed } from './seconds-trace.ts';
import { splitwiseSim, vidur, vidurLengths } from './simulators.ts';

/**
 * Every format there is, in the order they are tried: one with more columns before one that has some of them, and 2024
 * before 2023, whose headers are the same. A new one is a line here.
 */
export const FORMATS: readonly Format[] = [
  native,
  otel,
  openAiBatch,
  sageMaker,
  aiperfInputs,
  liteLlm,
  langfuse,
  shareGpt,
  wildChat,
  lmsysChat,
  mooncake,
  mooncakeLengths,
  azure2025,
  azure2024,
  azure2023,
  burstGpt2,
  burstGpt1,
  splitwiseSim,
  vidur,
  vidurLengths,
  plainCsv,
  guideLlm,
  vllmTimed,
  chatMessages,
  prompts,
];
