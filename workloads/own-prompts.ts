import type { OwnPrompts, PlanStats } from '../src/core/plan.ts';
import type { Request } from '../src/core/request.ts';

/** So many models are named. */
const MOST_MODELS = 100;

/** Counts the prompts that a trace itself has, and the models that it names. */
export class OwnPromptCounter {
  readonly #counts = { texts: 0, ids: 0, messages: 0, chatBodies: 0, promptBodies: 0, estimated: 0 };
  readonly #models = new Set<string>();

  add({ prompt, payload, model, isEstimated }: Request): void {
    if (isEstimated === true) this.#counts.estimated++;
    if (model !== undefined && this.#models.size < MOST_MODELS) this.#models.add(model);
    if (payload !== undefined) this.#counts['messages' in payload ? 'chatBodies' : 'promptBodies']++;
    else if (prompt !== undefined) this.#counts[prompt.kind === 'text' ? 'texts' : prompt.kind]++;
  }

  found(): Pick<PlanStats, 'ownPrompts' | 'models'> {
    const ownPrompts: OwnPrompts = { ...this.#counts };
    return {
      ...(Object.values(ownPrompts).some((count) => count > 0) ? { ownPrompts } : {}),
      ...(this.#models.size === 0 ? {} : { models: [...this.#models] }),
    };
  }
}
