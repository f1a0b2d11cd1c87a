import type { Codec, PromptMaker } from '../src/core/codec.ts';
import type { ApiEndpoint, CodecOptions, ServerCapabilities } from './codec-options.ts';
import { overReplicas } from './deployment.ts';
import { disaggregatedCodec } from './disaggregated.ts';
import { DISTSERVE_CAPABILITIES, distserveCodec } from './distserve.ts';
import { openAiCodec, vllmCodec } from './openai.ts';
import { sglangCodec } from './sglang.ts';

export { isUsualBody, reservedField, type BodyOptions } from './body-options.ts';
export { limitsOf } from './own-prompt.ts';
export {
  ALL_CAPABILITIES,
  API_ENDPOINTS,
  HANDOVERS,
  ROUTERS,
  type ApiEndpoint,
  type Capability,
  type CodecOptions,
  type Deployment,
  type Handover,
  type RouterName,
  type ServerCapabilities,
} from './codec-options.ts';

interface Adapter {
  readonly codec: (options: CodecOptions, prompts: PromptMaker) => Codec;
  /** The first is the default of --endpoint. */
  readonly endpoints: readonly [ApiEndpoint, ...ApiEndpoint[]];
  /** The most that its servers can; absent: every capability. */
  readonly capabilities?: ServerCapabilities;
  /** Its requests name no model: a server has one. */
  readonly namesNoModel?: true;
  /** Its answers tell when each token was made, so that they need not be streamed (`--no-stream`). */
  readonly tellsTokenTimes?: true;
}

/** Every dialect there is: adding one is a file and a line here. */
export const ADAPTERS: Readonly<Record<string, Adapter>> = {
  openai: { codec: openAiCodec, endpoints: ['completions', 'chat'] },
  vllm: { codec: vllmCodec, endpoints: ['completions', 'chat'] },
  sglang: { codec: sglangCodec, endpoints: ['generate', 'completions', 'chat'] },
  distserve: {
    codec: distserveCodec,
    endpoints: ['generate'],
    capabilities: DISTSERVE_CAPABILITIES,
    namesNoModel: true,
    tellsTokenTimes: true,
  },
};

/** The codec of a dialect in the list, over the replicas of a target where it has several. */
export function makeCodec(adapter: string, options: CodecOptions, prompts: PromptMaker): Codec {
  const { deployment } = options;
  if (deployment?.kind === 'disaggregated') return disaggregatedCodec(options, prompts, deployment);
  const known = ADAPTERS[adapter];
  if (known === undefined) throw new Error(`no adapter ${adapter}`);
  const codec = known.codec(options, prompts);
  return deployment === undefined ? codec : overReplicas(codec, deployment.router, deployment.endpoints);
}
