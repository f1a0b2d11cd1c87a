import type { Sides } from '../engine.ts';
import { enter, fleet, type FleetParts } from './cluster.ts';
import { HeldPrompts } from './pending-transfers.ts';
import type { Instance } from '../instance/instance.ts';
import type { Sequence } from '../instance/sequence.ts';

export interface SidesParts {
  readonly prefill: FleetParts;
  readonly decode: FleetParts;
  /** How long a prompt is held for whoever is to fetch it. */
  readonly holdUs: number;
  /** Has what `from` holds of `sequence` fetched to `to`, where it then decodes. */
  readonly send: (sequence: Sequence, from: Instance, to: Instance) => void;
}

/** The two sides of an engine whose prompts are computed apart, each to be asked by itself. */
export function sides({ prefill, decode, holdUs, send }: SidesParts): Sides {
  const prompts = new HeldPrompts(prefill.clock, holdUs);
  const whole = fleet(decode);
  // Memory for the prompt alone, and refused at once where the other side could never have it.
  const promptOnly = { ...prefill, others: decode.entry };
  return {
    prefill: {
      ...fleet(prefill),
      submit: (submission, listener) =>
        enter(prefill, submission, listener, (sequence, instance) => {
          sequence.course = 'whole';
          instance.submit(sequence);
        }),
      hold(submission, listener) {
        const held = prompts.open(submission.id);
        enter(
          promptOnly,
          { ...submission, maxTokens: 1, stopAfter: 1 },
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
      fetch(key, submission, listener) {
        const held = prompts.find(key);
        if (held === undefined || held.at === null) return whole.submit(submission, listener);
        const { sequence: prompt, instance: from } = held.at;
        if (prompt.promptTokens !== submission.inputTokens) {
          const [here, there] = [submission.inputTokens, prompt.promptTokens];
          listener.reject(400, `The prompt has ${here} tokens, and the one that was computed for it has ${there}.`);
          return () => undefined;
        }
        return enter(
          decode,
          submission,
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
