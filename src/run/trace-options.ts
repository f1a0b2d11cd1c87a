import { resolve } from 'node:path';
import { z } from 'zod';
import { expected, text, wholeNumber } from '../core/option-fields.ts';
import { INPUT_IS, type WorkloadSpec } from '../core/plan.ts';

/** Options that say how a trace file is read, for every command that reads one. */
export const TRACE_FIELDS = {
  /** Name of its format. */
  traceFormat: text.optional(),
  /** `arrival=startTime:iso,input=usage.prompt_tokens,...`. */
  map: text.optional(),
  blockTokens: wholeNumber.optional(),
  /** What the input tokens of a log count. */
  inputIs: z.enum(INPUT_IS, expected(INPUT_IS.join(' or '))).optional(),
  onBadRow: z.enum(['fail', 'skip'], expected('fail or skip')).default('fail'),
};

/** The same for texts without token counts, of commands that measure nothing: the tokenizer of a run is its target's too. */
export const TEXT_FIELDS = {
  /** A `tokenizer.json`, or a model's folder. */
  tokenizer: text.optional(),
};

export type TraceOptions = z.output<z.ZodObject<typeof TRACE_FIELDS>>;

/** How the file of a workload is read. */
export function readingOf({
  traceFormat,
  map,
  blockTokens,
  inputIs,
  tokenizer,
  onBadRow,
}: TraceOptions & { readonly tokenizer?: string | undefined }): Omit<WorkloadSpec, 'path' | 'transforms'> {
  return {
    onBadRow,
    ...(traceFormat === undefined ? {} : { traceFormat }),
    ...(map === undefined ? {} : { map }),
    ...(blockTokens === undefined ? {} : { blockTokens }),
    ...(inputIs === undefined ? {} : { inputIs }),
    ...(tokenizer === undefined ? {} : { tokenizer: resolve(tokenizer) }),
  };
}
