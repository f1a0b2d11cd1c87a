import type { Clock } from '../core/clock.ts';
import type { ResponseInfo, ScheduledRequest, Sink, Target } from '../core/target.ts';
import type { Cancel, Completion, Engine, Listener } from './engine.ts';
import type { PromptContent } from './instance/prompt-content.ts';

/**
 * An engine as a target in the same process: without HTTP, so that virtual time can be used. `blockTokens`: tokens of
 * the requests' prefix blocks, where they have any.
 */
export function engineTarget(engine: Engine, clock: Clock, blockTokens: number | null): Target {
  const cancels = new Map<number, Cancel>();
  return {
    send(scheduled, sink) {
      sink.sent(scheduled.index, clock.now(), null);
      const { id, inputTokens, outputTokens } = scheduled.request;
      const content = contentOf(scheduled, blockTokens);
      const exchange = new Exchange(scheduled, sink, clock, cancels);
      const cancel = engine.submit(
        { id, inputTokens, content, maxTokens: outputTokens, trueOutputTokens: outputTokens },
        exchange,
      );
      if (!exchange.ended) cancels.set(scheduled.index, cancel);
    },
    cancel(index) {
      cancels.get(index)?.();
      cancels.delete(index);
      return { ...NO_RESPONSE, countSource: 'token_ids' };
    },
  };
}

/** What is known of a prompt: the trace's blocks, and behind them the turns of its session where answers are the run's. */
function contentOf({ request, turns }: ScheduledRequest, blockTokens: number | null): PromptContent | null {
  const { blocks, inputTokens, outputTokens } = request;
  const pieces = blockTokens === null ? undefined : blocks;
  if (turns === undefined) return pieces === undefined ? null : { pieces, pieceTokens: blockTokens ?? 1 };
  return {
    pieces: pieces ?? [],
    pieceTokens: blockTokens ?? 1,
    session: { turns, endTokens: inputTokens + outputTokens },
  };
}

class Exchange implements Listener {
  ended = false;
  readonly #index: number;
  readonly #sink: Sink;
  readonly #clock: Clock;
  readonly #cancels: Map<number, Cancel>;

  constructor(scheduled: ScheduledRequest, sink: Sink, clock: Clock, cancels: Map<number, Cancel>) {
    this.#index = scheduled.index;
    this.#sink = sink;
    this.#clock = clock;
    this.#cancels = cancels;
  }

  tokens(timeUs: number, count: number): void {
    this.#sink.tokens(this.#index, timeUs, count);
  }

  end(timeUs: number, completion: Completion): void {
    this.#close();
    this.#sink.end(this.#index, timeUs, responseOf(completion));
  }

  reject(status: number, message: string): void {
    this.#close();
    this.#sink.fail(this.#index, this.#clock.now(), 'rejected', message, { ...NO_RESPONSE, httpStatus: status });
  }

  #close(): void {
    this.ended = true;
    this.#cancels.delete(this.#index);
  }
}

const NO_RESPONSE: ResponseInfo = {
  httpStatus: null,
  finishReason: null,
  inputTokens: null,
  cachedTokens: null,
  outputTokens: null,
  reasoningTokens: null,
  countSource: null,
  phases: null,
};

function responseOf(completion: Completion): ResponseInfo {
  return {
    ...NO_RESPONSE,
    httpStatus: 200,
    finishReason: completion.finishReason,
    inputTokens: completion.inputTokens,
    cachedTokens: completion.cachedTokens,
    outputTokens: completion.outputTokens,
    countSource: 'token_ids',
    phases: completion.phases,
  };
}
