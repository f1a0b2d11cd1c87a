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

export type TraceOptions = z.output<z.ZodObject<typeof TRACE_FIELDS>>;

/** How the file of a workload is read. */
export function readingOf({
  traceFormat,
  map,
  blockTokens,
  inputIs,
  onBadRow,
}: TraceOptions): Pick<WorkloadSpec, 'traceFormat' | 'map' | 'blockTokens' | 'inputIs' | 'onBadRow'> {
  return {
    onBadRow,
    ...(traceFormat === undefined ? {} : { traceFormat }),
    ...(map === undefined ? {} : { map }),
    ...(blockTokens === undefined ? {} : { blockTokens }),
    ...(inputIs === undefined ? {} : { inputIs }),
  };
}
