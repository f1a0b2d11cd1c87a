import type { Clock } from '../../core/clock.ts';
import type { PdEndpoints } from '../engine.ts';
import { Instance } from '../instance/instance.ts';
import type { Cluster } from './cluster.ts';
import { PendingTransfers } from './pending-transfers.ts';

/**
 * The instances of a cluster that compute prompts and those that decode, each to be asked by itself. A prompt is held
 * for `holdUs` for the other side to fetch it.
 */
export function pdEndpoints(cluster: Cluster, clock: Clock, holdUs: number): PdEndpoints {
  const prompts = new PendingTransfers(clock, holdUs);
  const decode = cluster.engine('decode');
  return {
    prefill: {
      ...cluster.engine('prefill'),
      hold(request, listener) {
        const held = prompts.open(request.id);
        held.sequence = cluster.enter(
          { ...request, maxTokens: 1, trueOutputTokens: 1 },
          {
            tokens: (timeUs, count) => listener.tokens(timeUs, count),
            reject: (status, message) => listener.reject(status, message),
            end: (timeUs, completion) => {
              prompts.keep(held);
              listener.end(timeUs, completion);
            },
          },
          { stage: 'prefill', prefillMode: 'hold' },
        );
        return held;
      },
    },
    decode: {
      ...decode,
      fetch(key, request, listener) {
        const held = prompts.find(key);
        const prompt = held?.sequence;
        const from = prompt?.place;
        if (held === undefined || !prompt || !(from instanceof Instance)) return decode.submit(request, listener);
        if (prompt.promptTokens !== request.inputTokens) {
          const [here, there] = [request.inputTokens, prompt.promptTokens];
          listener.reject(400, `The prompt has ${here} tokens, and the one that was computed for it has ${there}.`);
          return () => undefined;
        }
        const sequence = cluster.enter(request, listener, {
          stage: 'decode',
          prefillMode: 'local',
          // Its phases begin there.
          arrivalUs: prompt.arrivalUs,
          goOn(one) {
            prompts.take(held);
            one.continueFrom(prompt);
            return { from, tokens: prompt.promptTokens };
          },
        });
        return () => sequence.cancel();
      },
    },
  };
}
