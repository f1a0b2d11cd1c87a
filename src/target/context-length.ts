import { UserError } from '../core/errors.ts';
import type { Plan } from '../core/plan.ts';
import { withThousands } from '../core/units.ts';

/** Throws a UserError, before any request is sent, if a request of the plan is longer than the model's context. */
export function checkContextLength(plan: Plan, contextTokens: number | null, model: string): void {
  const fault = contextFault(plan, contextTokens, `the context of ${model}`);
  if (fault !== null) throw new UserError(fault);
}

/** The longest request of a plan that is longer than `context`, and the way out; null where all fit. */
export function contextFault({ source, stats }: Plan, contextTokens: number | null, context: string): string | null {
  const { longest, maxInputTokens, maxOutputTokens } = stats;
  const { id, traceRow, inputTokens, outputTokens } = longest;
  const total = inputTokens + outputTokens;
  // An estimate is no reason to refuse: the server says which requests are too long.
  const isEstimated = (stats.ownPrompts?.estimated ?? 0) > 0;
  if (contextTokens === null || total <= contextTokens || isEstimated) return null;
  return `${source.name}:${traceRow}: request ${id} has ${withThousands(inputTokens)} input and ${withThousands(outputTokens)} output tokens, ${withThousands(total)} in all, and ${context} is ${withThousands(contextTokens)} tokens; ${wayOut(contextTokens, maxInputTokens, maxOutputTokens)}`;
}

/** The options that cut the trace so that every request fits. */
function wayOut(contextTokens: number, maxInputTokens: number, maxOutputTokens: number): string {
  if (contextTokens > 2 * maxOutputTokens)
    return `cut the prompts with --clip-input ${contextTokens - maxOutputTokens}`;
  if (contextTokens > 2 * maxInputTokens) return `cut the answers with --clip-output ${contextTokens - maxInputTokens}`;
  const half = Math.floor(contextTokens / 2);
  return `cut both with --clip-input ${contextTokens - half} --clip-output ${half}`;
}
