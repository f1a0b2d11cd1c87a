import { aiperf, aiperfUntimed } from './aiperf.ts';
import { aiperfDag } from './aiperf-dag.ts';
import { appliedCompute } from './applied-compute.ts';
import { atif } from './atif.ts';
import { azure2023 } from './azure-2023.ts';
import { azure2024 } from './azure-2024.ts';
import { azure2025 } from './azure-2025.ts';
import { bailian } from './bailian.ts';
import { baseten } from './baseten.ts';
import { bidaw } from './bidaw.ts';
import { burstGpt1, burstGpt2 } from './burstgpt.ts';
import { claudeCode } from './claude-code.ts';
import { lmsysChat, shareGpt, wildChat } from './conversations.ts';
import type { Format } from './format.ts';
import { mooncakeAgentic } from './mooncake-agentic.ts';
import { mooncakeAgentic2 } from './mooncake-agentic-2.ts';
import { mooncakeSessions, mooncakeUntimed } from './mooncake-sessions.ts';
import { langfuse } from './langfuse.ts';
import { liteLlm } from './litellm.ts';
import { mooncake, mooncakeLengths } from './mooncake.ts';
import { native } from './native.ts';
import { openAiBatch } from './openai-batch.ts';
import { otel } from './otel.ts';
import { plainCsv } from './plain-csv.ts';
import { ragPulse } from './ragpulse.ts';
import { aiperfInputs, chatMessages, prompts, sageMaker } from './prompt-files.ts';
import { rollouts } from './rollouts.ts';
import { guideLlm, vllmTimed } from './seconds-trace.ts';
import { serveGenConversations } from './servegen-conversations.ts';
import { sglangAgentic } from './sglang-agentic.ts';
import { splitwiseSim, vidur, vidurLengths } from './simulators.ts';
import { traceLabCsv } from './tracelab-csv.ts';
import { traceLab } from './tracelab.ts';
import { weka } from './weka.ts';

/**
 * Every format there is, in the order they are tried: one with more columns before one that has some of them, and 2024
 * before 2023, whose headers are the same. A new one is a line here.
 */
export const FORMATS: readonly Format[] = [
  native,
  weka,
  atif,
  appliedCompute,
  rollouts,
  sglangAgentic,
  serveGenConversations,
  bailian,
  traceLab,
  claudeCode,
  ragPulse,
  mooncakeAgentic2,
  mooncakeAgentic,
  aiperfDag,
  aiperf,
  aiperfUntimed,
  mooncakeSessions,
  mooncakeUntimed,
  otel,
  openAiBatch,
  sageMaker,
  aiperfInputs,
  liteLlm,
  langfuse,
  baseten,
  shareGpt,
  wildChat,
  lmsysChat,
  mooncake,
  mooncakeLengths,
  traceLabCsv,
  bidaw,
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
