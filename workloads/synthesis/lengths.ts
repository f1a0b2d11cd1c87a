import { UserError } from '../../src/core/errors.ts';
import type { Source } from '../../src/core/plan.ts';
import { uniform, type Random } from '../../src/core/random.ts';
import { parseCounts } from './distributions.ts';

/** Draws the input and output tokens of a request together. */
export type Lengths = (random: Random) => readonly [input: number, output: number];

/** Two distributions (`distributions.ts`), which know nothing of each other. */
export function independentLengths(input: string, output: string): Lengths {
  const [drawInput, drawOutput] = [parseCounts(input, '--input'), parseCounts(output, '--output')];
  return (random) => [drawInput(random), drawOutput(random)];
}

/** Both lengths of a row of a trace, any as likely, so that long prompts have the answers that they have there. */
export async function lengthsOf(source: Source): Promise<Lengths> {
  const pairs: [number, number][] = [];
  for await (const batch of source.open())
    for (const { inputTokens, outputTokens } of batch) pairs.push([inputTokens, outputTokens]);
  if (pairs.length === 0) throw new UserError(`--lengths: ${source.name} has no request`);
  return (random) => pairs[Math.floor(uniform(random) * pairs.length)] ?? [1, 1];
}
