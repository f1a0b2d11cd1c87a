import type { PdEndpoints } from '../engine.ts';
import { enter, cluster, type ClusterParts } from './cluster.ts';
import { PendingTransfers } from './pending-transfers.ts';
import type { Instance } from '../instance/instance.ts';
import type { Sequence } from '../instance/sequence.ts';

export interface PdEndpointsParts {
  readonly prefill: ClusterParts;
  readonly decode: ClusterParts;
  /** How long a prompt is held for whoever is to fetch it. */
  readonly holdUs: number;
  /** Has what `from` holds of `sequence` fetched to `to`, where it then decodes. */
  readonly send: (sequence: Sequence, from: Instance, to: Instance) => void;
}

/** The two sides of an engine whose prompts are computed apart, each to be asked by itself. */
export function pdEndpoints({ prefill, decode, holdUs, send }: PdEndpointsParts): PdEndpoints {
  const prompts = new PendingTransfers(prefill.clock, holdUs);
  const whole = cluster(decode);
  // Memory for the prompt alone, and refused at once where the other side could never have it.
  const promptOnly = { ...prefill, others: decode.entry };
  return {
    prefill: {
      ...cluster(prefill),
      submit: (request, listener) =>
        enter(prefill, request, listener, (sequence, instance) => {
          sequence.course = 'whole';
          instance.submit(sequence);
        }),
      hold(request, listener) {
        const held = prompts.open(request.id);
        enter(
          promptOnly,
          { ...request, maxTokens: 1, trueOutputTokens: 1 },
          {
            tokens: (timeUs, count) => listener.tokens(timeUs, count),
            reject: (status, message) => listener.reject(status, message),
            end: (timeUs, completion) => {
              prompts.keep(held);
              listener.end(timeUs, completion);
            },
          },
          (sequence, instance) => {
            sequence.course = 'held';
            held.at = { sequence, instance };
            instance.submit(sequence);
          },
        );
        return held;
      },
    },
    decode: {
      ...whole,
      fetch(key, request, listener) {
        const held = prompts.find(key);
        if (held === undefined || held.at === null) return whole.submit(request, listener);
        const { sequence: prompt, instance: from } = held.at;
        if (prompt.promptTokens !== request.inputTokens) {
          const [here, there] = [request.inputTokens, prompt.promptTokens];
          listener.reject(400, `The prompt has ${here} tokens, and the one that was computed for it has ${there}.`);
          return () => undefined;
        }
        return enter(
          decode,
          request,
          listener,
          (sequence, to) => {
            prompts.take(held);
            sequence.continueFrom(prompt);
            send(sequence, from, to);
          },
          // Its phases begin there.
          prompt.arrivalUs,
        );
      },
    },
  };
}
