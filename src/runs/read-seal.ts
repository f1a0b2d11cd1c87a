import { z } from 'zod';
import { MOST_JSON_BYTES, readTextWithin } from '../core/read-within.ts';
import { sealProblem } from './seal.ts';

/** What is looked at in a `run.json` to know which files are those of the run. */
const sealSchema = z.looseObject({
  status: z.string(),
  paced: z.boolean().optional(),
  workload: z.looseObject({ requests: z.number(), path: z.string() }),
  files: z.record(z.string(), z.string()).optional(),
  damage: z.array(z.string()).optional(),
  seal: z.string().optional(),
});
export type Seal = z.infer<typeof sealSchema>;

/** `problem`: what is wrong with the `run.json` itself. */
export type FoundSeal = Seal & { readonly problem: string | null };

/** Null without a `run.json`, or with one that cannot be read. */
export function readSeal(file: string): FoundSeal | null {
  try {
    const json: unknown = JSON.parse(readTextWithin(file, MOST_JSON_BYTES));
    const found = sealSchema.parse(json);
    return { ...found, problem: sealProblem(file, json) };
  } catch {
    return null;
  }
}
