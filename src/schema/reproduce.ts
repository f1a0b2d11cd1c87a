import { z } from 'zod';
import { count, type DeepReadonly } from './parts.ts';

const gamma = z
  .number()
  .nullable()
  .describe('mixed_batch_penalty of the systems whose batches hold both phases; null: it plays no part here.');
const range = z.tuple([z.number(), z.number()]);

const point = z.strictObject({
  series: z.string().describe('`name` of a system, or of what is published.'),
  x: z.number().nullable().describe('Null where the panel has no axis: a bar.'),
  y: z.number(),
  seed: z.int().nullable().describe('Of the arrivals and lengths; null: published.'),
});
export type ReproducePoint = DeepReadonly<z.infer<typeof point>>;

const panel = z
  .strictObject({
    figure: z.string().describe('Which figure of the simulations it shows; units stand in its name.'),
    title: z.string(),
    unit: z.string().describe('Of y, as words.'),
    scale: z.enum(['linear', 'log']).describe('Of y.'),
    gamma,
    points: z.array(point),
    published: z.array(point),
  })
  .describe('Ours and what is published on the same axes.');
export type ReproducePanel = DeepReadonly<z.infer<typeof panel>>;

const check = z
  .strictObject({
    claim: z.string().describe('The shape that is published, as a sentence.'),
    gamma,
    verdict: z.enum(['holds', 'does-not-hold', 'not-comparable']),
    seen: z.string().describe('What was seen, or why nothing can be said.'),
  })
  .describe('Whether ours has the shape of what is published.');
export type ReproduceCheck = DeepReadonly<z.infer<typeof check>>;

const distance = z
  .strictObject({
    what: z.string(),
    gamma,
    published: range.describe('A range; one number twice where one is given.'),
    ours: range.nullable().describe('From the least to the most over the points that are compared; null: not known.'),
    why: z.string().nullable().describe('Why ours is not known.'),
  })
  .describe('How far ours is from a published number: stated, and held to nothing.');
export type ReproduceDistance = DeepReadonly<z.infer<typeof distance>>;

const system = z.strictObject({
  name: z.string(),
  spec: z.string().describe('As `--target reference:SPEC`, mixed_batch_penalty apart.'),
  gpus: count,
});

const part = z.strictObject({
  id: z.string(),
  title: z.string(),
  workload: z.strictObject({
    name: z.string(),
    how: z.string().describe('Where its lengths come from.'),
    requests: count.describe('Of each simulation.'),
    seeds: z.array(z.int()),
    mean_input_tokens: z.number(),
    mean_output_tokens: z.number(),
  }),
  limits_s: z
    .strictObject({ ttft: z.number().nullable(), tpot: z.number().nullable() })
    .nullable()
    .describe('Limits in seconds by which attainment and goodput are judged; null: none.'),
  systems: z.array(system),
  x: z
    .strictObject({ title: z.string(), scale: z.enum(['linear', 'log']) })
    .nullable()
    .describe('The axis of its panels; null: bars.'),
  panels: z.array(panel),
  checks: z.array(check),
  distances: z.array(distance),
});
export type ReproducePart = DeepReadonly<z.infer<typeof part>>;

const experiment = z.strictObject({
  name: z.string(),
  title: z.string(),
  source: z.string(),
  published: z.string().describe('What the publication says, as far as it is compared.'),
  reconstructed: z.array(z.string()).describe('What it does not give, and what stands in its place.'),
  left_out: z.array(z.string()).describe('What of it is not repeated, and why.'),
  parts: z.array(part),
});
export type ReproducedExperiment = DeepReadonly<z.infer<typeof experiment>>;

export const reproduceSchema = z
  .strictObject({
    schema: z.literal(1),
    versions: z.strictObject({ reprise: z.string() }),
    simulations: count,
    experiments: z.array(experiment),
    cannot: z
      .array(z.strictObject({ what: z.string(), why: z.string() }))
      .describe('Published experiments that are not repeated at all.'),
  })
  .describe('Published experiments run again in virtual time, beside what is published.');
export type ReproduceReport = DeepReadonly<z.infer<typeof reproduceSchema>>;
