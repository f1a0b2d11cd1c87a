import { randomStream, uniform } from '../../core/random.ts';
import { withDecision } from '../cluster/kv-admission.ts';
import type { RouterName } from '../cluster/routers.ts';
import { vllmV1 } from '../policies/vllm-v1.ts';
import { costModel, readRoles, type RoleDeployment } from './deployment.ts';
import { disaggregated, readRouters, type RoleParts } from './disaggregated.ts';
import { kvTransfer, readKvLink } from './kv-link.ts';
import { OURS, type OptionReader } from './option-reader.ts';
import { blockMemory, readPrefixCaching } from './prefix-caching.ts';
import { LOGS, type System } from './system.ts';
import { policyOptions, readVllmV1Limits, VLLM_V1_HOST } from './vllm-v1.ts';
import { aheadOf, readVersion, versionMemory, VLLM_VERSIONS } from './vllm-versions.ts';

/**
 * vLLM's disaggregated prefill: prefill and decode instances of vLLM v1, a proxy in front and a KV connector between.
 */
export const vllmPd: System = {
  cites:
    'vLLM v1 with a KV connector: vllm/v1/core/sched/scheduler.py; the proxy of ' +
    'tests/v1/kv_connector/nixl_integration: the prompt is sent with max_tokens=1 to an instance whose answer is thrown ' +
    'away, then to one that gets its KV memory and computes the last token of it again',
  equals:
    'vLLM 0.32, async=on and off: each side schedules as vllm-v1; who decodes in which step of the decode side, four ' +
    `small runs of its scheduler with a KV connector that takes no time${LOGS}. Not compared: version=0.10`,
  options: (given) => read(given).options,
  engine(given, context) {
    const { role, own } = read(given);
    const [prefill, decode] = [role('prefill'), role('decode')];
    const roleParts = (one: RoleDeployment, router: RouterName): RoleParts => ({
      count: one.count,
      stages: one.pp,
      router,
      memory: () => blockMemory({ ...one, ...own }, VLLM_VERSIONS[own.version].freesToHead),
      cost: (instance) => costModel(one, instance),
      // Where prompts are computed, no request that waits holds memory.
      policy: () => vllmV1({ ...policyOptions(own, one.pp), holdersFirst: true }),
      ahead: aheadOf(own, one.pp),
    });
    const random = randomStream(prefill.seed, 'lost transfers');
    return disaggregated(context, {
      maxModelLen: prefill.max_model_len,
      prefill: roleParts(prefill, own['prefill.router']),
      decode: roleParts(decode, own['decode.router']),
      transfers: {
        ...kvTransfer(own, prefill, decode),
        admission: withDecision({ tokenBudget: own.token_budget, maxSeqs: own.max_seqs }),
        isScheduled: true,
        isLost: () => own.lost_transfers > 0 && uniform(random) < own.lost_transfers,
      },
      repeatsFirstToken: true,
      holdUs: own.hold_s * 1e6,
    });
  },
};

function read(given: OptionReader) {
  const version = readVersion(given);
  const defaults = { ...VLLM_V1_HOST, memory: versionMemory(version) };
  const { shared, options, role } = readRoles(given, defaults, ['prefill', 'decode']);
  const own = {
    ...version,
    ...readRouters(given, { prefill: 'round-robin', decode: 'round-robin' }, 'vLLM, toy_proxy_server.py'),
    ...readPrefixCaching(given),
    ...readVllmV1Limits(given, version, shared.gpu),
    ...readKvLink(given),
    lost_transfers: given.amount('lost_transfers', {
      max: 1,
      fallback: 0,
      about: 'share of the transfers that fail, whereupon the prompt is computed where it was to decode',
      source: `${OURS}; vLLM, kv_load_failure_policy=recompute`,
    }),
    hold_s: given.integer('hold_s', {
      min: 1,
      max: 86_400,
      fallback: 480,
      about: 'seconds that a prompt is held to be fetched, where the two sides have ports of their own',
      source: 'vLLM, VLLM_NIXL_ABORT_REQUEST_TIMEOUT',
    }),
  };
  return { options: { ...options, ...own }, role, own };
}
