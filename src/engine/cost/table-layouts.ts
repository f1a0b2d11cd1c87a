import { z } from 'zod';
import type { SurfacePoint } from './surface.ts';

/** A row of measurements; null: the file does not say, and any will do. */
export interface TableRow {
  readonly line: number;
  readonly model: string | null;
  readonly gpu: string | null;
  readonly tp: number | null;
  readonly prefill: SurfacePoint | null;
  readonly decode: SurfacePoint | null;
}

/** Columns that a file is known by, and what its rows say. Further columns are ignored. */
export interface Layout {
  readonly name: string;
  readonly columns: readonly string[];
  readonly row: z.ZodType<Omit<TableRow, 'line'>>;
}

/** Names that others use for models and GPUs that have a name here. */
const NAMES: Readonly<Record<string, string>> = {
  'llama2-70b': 'llama-2-70b',
  'a100-80gb': 'a100-sxm-80g',
  'h100-80gb': 'h100-sxm',
};

const name = z.string().transform((text) => NAMES[text] ?? text);
const count = z
  .string()
  .regex(/^0*[1-9]\d{0,11}$/, { error: 'expected a whole number from 1' })
  .transform(Number);
const ms = z
  .string()
  .regex(/^\d+(\.\d*)?(e[+-]?\d+)?$/i, { error: 'expected milliseconds, e.g. 12.5' })
  .transform(Number)
  .refine((value) => value > 0 && value < 1e9, { error: 'expected milliseconds above 0 and below 1e9' });
const empty = z.literal('').transform(() => null);

const plain = z
  .object({
    phase: z.enum(['prefill', 'decode'], { error: 'expected prefill or decode' }),
    sequences: count,
    total_tokens: count,
    time_ms: ms,
    model: z.union([empty, name]).default(null),
    gpu: z.union([empty, name]).default(null),
    tp: z.union([empty, count], { error: 'expected a whole number from 1, or nothing' }).default(null),
  })
  .refine(({ sequences, total_tokens }) => total_tokens >= sequences, {
    path: ['total_tokens'],
    error: 'expected the tokens of all sequences together, so at least one for each of them',
  })
  .transform(({ phase, sequences, total_tokens, time_ms, model, gpu, tp }) => {
    const point = { tokens: total_tokens, sequences, ms: time_ms };
    return { model, gpu, tp, prefill: phase === 'prefill' ? point : null, decode: phase === 'decode' ? point : null };
  });

/**
 * `batch_size` prompts of `prompt_size` tokens, then `token_size` tokens for each: `prompt_time` is that of the
 * prefill, `token_time` the mean of the decodes, whose contexts grew from the prompt to the whole and were half way on
 * average.
 */
const splitwise = z
  .object({
    model: name,
    hardware: name,
    tensor_parallel: count,
    prompt_size: count,
    batch_size: count,
    token_size: count,
    prompt_time: ms,
    token_time: ms,
  })
  .transform((row) => ({
    model: row.model,
    gpu: row.hardware,
    tp: row.tensor_parallel,
    prefill: { tokens: row.batch_size * row.prompt_size, sequences: row.batch_size, ms: row.prompt_time },
    decode: {
      tokens: row.batch_size * (row.prompt_size + row.token_size / 2),
      sequences: row.batch_size,
      ms: row.token_time,
    },
  }));

export const LAYOUTS: readonly Layout[] = [
  { name: 'one phase a row', columns: ['phase', 'sequences', 'total_tokens', 'time_ms'], row: plain },
  { name: 'Splitwise’s perf_model.csv', columns: Object.keys(splitwise.in.shape), row: splitwise },
];
