import { readFileSync } from 'node:fs';
import { z } from 'zod';

const settings = z.looseObject({
  block_tokens: z.int(),
  /** Blocks that can be used: a server of vLLM has one more. */
  blocks: z.int(),
  token_budget: z.int(),
  max_seqs: z.int(),
  max_model_len: z.int(),
  prefix_caching: z.boolean().default(false),
  piece_tokens: z.int(),
  /** Of Sarathi-Serve's dynamic chunks. */
  chunks: z.object({ high: z.int(), low: z.int(), stages: z.int(), tokens: z.int() }).optional(),
});

const request = z
  .tuple([z.int(), z.int(), z.int()])
  .rest(z.union([z.int(), z.array(z.int()), z.null()]))
  .transform(([at, input, output, pieces, max]) => ({
    /** The iteration that may see it first, for it arrives while the one before runs. */
    at,
    input,
    output,
    pieces: Array.isArray(pieces) ? pieces : [],
    max: typeof max === 'number' ? max : output,
  }));

const row = z.tuple([
  z.int(),
  z.array(z.tuple([z.int(), z.int(), z.int()])),
  z.int(),
  z.array(z.int()),
  z.int(),
  z.int(),
]);

const line = z.object({
  case: z.string(),
  settings,
  requests: z.array(request),
  iterations: z.int(),
  rows: z.array(row),
  spans: z.array(z.tuple([z.int(), z.int()])),
  hits: z.record(z.string(), z.int()),
});

/** A run of a real scheduler: `../shared/oracles/schedulers/README.md` says what each part is. */
export type OracleCase = z.infer<typeof line>;
export type OracleSettings = z.infer<typeof settings>;
export type OracleRequest = z.infer<typeof request>;

/** An iteration: its number; `[request, tokens, past]` of each chunk; decodes; preempted; free blocks; waiting. */
export type Row = z.infer<typeof row>;

/** The cases of a file of such logs, a line each. */
export function readOracle(path: string): OracleCase[] {
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((text) => line.parse(JSON.parse(text)));
}
