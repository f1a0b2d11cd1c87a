import type { Clock } from '../../core/clock.ts';
import type { Cancel, EngineRequest, Listener, PdEndpoints } from '../engine.ts';
import { Instance } from '../instance/instance.ts';
import type { Cluster, Entry } from './cluster.ts';
import { PendingTransfers, type PendingTransfer } from './pending-transfers.ts';
import { Rooms } from './rooms.ts';

const TO_DECODE: Entry = { stage: 'decode', prefillMode: 'local' };

/**
 * The instances of a cluster that compute prompts and those that decode, each to be asked by itself. A prompt is held
 * for `holdUs` for the other side to fetch it.
 */
export function pdEndpoints(cluster: Cluster, clock: Clock, holdUs: number): PdEndpoints {
  const prompts = new PendingTransfers(clock, holdUs);
  const decode = cluster.engine('decode');

  function hold(request: EngineRequest, listener: Listener): PendingTransfer {
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
  }

  /** Its phases begin at `firstUs`, or when the prompt came to its pool. */
  function fetch(key: string, request: EngineRequest, listener: Listener, firstUs = Number.POSITIVE_INFINITY): Cancel {
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
      ...TO_DECODE,
      arrivalUs: Math.min(prompt.arrivalUs, firstUs),
      goOn(one) {
        prompts.take(held);
        one.continueFrom(prompt);
        return { from, tokens: prompt.promptTokens };
      },
    });
    return () => sequence.cancel();
  }

  const rooms = new Rooms({
    clock,
    timeoutUs: holdUs,
    hold,
    fetch: ({ key }, ...request) => fetch(key, ...request),
    decodeRefusal: (request) => cluster.refusal(request, TO_DECODE),
  });
  return {
    prefill: {
      ...cluster.engine('prefill'),
      hold,
      holdInRoom: (room, request, listener) => rooms.prefill(room, request, listener),
    },
    decode: {
      ...decode,
      load() {
        const load = decode.load();
        return { ...load, waiting: load.waiting + rooms.waiting() };
      },
      fetch,
      fetchFromRoom: (room, request, listener) => rooms.decode(room, request, listener),
    },
  };
}
