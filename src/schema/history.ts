import { z } from 'zod';
import { figureName, VERDICTS } from './comparison.ts';
import { goodputSchema } from './goodput.ts';
import { manifestSchema } from './manifest.ts';
import type { DeepReadonly } from './parts.ts';

const run = manifestSchema.shape;

const figure = z
  .strictObject({
    value: z
      .number()
      .nullable()
      .describe('Null: infinite, by requests that failed. A goodput of 0: every rate that was tried missed.'),
    range: z
      .tuple([z.number(), z.number()])
      .exactOptional()
      .describe('Of a goodput: the highest rate that met and the lowest that missed, or the 95 % interval of traffic.'),
    change: z
      .number()
      .nullable()
      .describe('From the accepted level, as a share of it; null: none, or infinite on a side.'),
    verdict: z.enum(VERDICTS).nullable().describe('Null: the night was not compared.'),
  })
  .describe('Latencies in ms, throughput in output tokens a second, attainment a share, goodput in requests a second.');
export type NightFigure = DeepReadonly<z.infer<typeof figure>>;

const search = goodputSchema.shape;
const measured = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('run') }),
    z.strictObject({
      kind: z.literal('goodput'),
      of: search.of,
      arrivals: search.arrivals,
      at: z.array(search.at).describe('The shares, the first that of `goodput`.'),
    }),
  ])
  .describe('What the figures of a night are of: all nights of a branch are of the same.');
/** What the figures of a night are of. */
export type Measurement = DeepReadonly<z.infer<typeof measured>>;

const alarm = z
  .strictObject({
    name: figureName,
    change: z.number().nullable().describe('Of the level, as a share of the one before; null: infinite on a side.'),
    better: z.boolean(),
    between: z.tuple([z.string(), z.string()]).describe('Run ids: the last night before the change, the first after.'),
  })
  .describe('A change of the level that this night raised.');
export type RaisedAlarm = DeepReadonly<z.infer<typeof alarm>>;

const seal = z
  .string()
  .optional()
  .describe('SHA-256 of the rest, as JSON without spaces; none: of an earlier version.');

export const nightSchema = z
  .strictObject({
    schema: z.literal(1),
    run_id: run.run_id,
    dir: z.string().describe('The run, or the search, from the folder of history.jsonl; it may be gone (`--expire`).'),
    started_at: run.started_at,
    branch: z.string(),
    commit: z.string().nullable(),
    target: run.target.shape.spec,
    versions: run.versions,
    measured: measured.default({ kind: 'run' }),
    valid: z.boolean().describe('False: the client fell behind, or it did not complete. It takes part in nothing.'),
    reasons: z.array(z.string()).describe('Why it is not valid.'),
    metrics: z.partialRecord(figureName, figure).describe('The judged figures that it has.'),
    baseline: z
      .string()
      .nullable()
      .describe('Run id of the accepted night that this one was compared with; null: none.'),
    verdict: z.enum(VERDICTS).nullable().describe('Null: not compared, or not valid.'),
    gates: z.array(
      z.strictObject({ text: z.string(), verdict: z.enum(['held', 'missed', 'undecided']), why: z.string() }),
    ),
    alarms: z.array(alarm),
    accepted: z.boolean().describe('Whether it became the accepted baseline at once, as the first valid night does.'),
    seal,
  })
  .describe('A night of `reprise nightly`: a line of history.jsonl.');
export type Night = DeepReadonly<Omit<z.infer<typeof nightSchema>, 'seal'>>;

export const acceptedSchema = z
  .strictObject({
    schema: z.literal(1),
    run_id: run.run_id.describe('The night that later ones of the branch are compared with.'),
    dir: z.string().describe('Its run, or search, from the folder of accepted.json.'),
    accepted_at: z.string().describe('ISO 8601 in UTC.'),
    seal,
  })
  .describe('The accepted baseline of a branch.');
export type Accepted = DeepReadonly<Omit<z.infer<typeof acceptedSchema>, 'seal'>>;
