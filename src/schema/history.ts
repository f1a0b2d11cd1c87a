import { z } from 'zod';
import { JUDGED_NAMES, VERDICTS } from './comparison.ts';
import { manifestSchema } from './manifest.ts';
import type { DeepReadonly } from './parts.ts';

const run = manifestSchema.shape;

const figure = z
  .strictObject({
    value: z.number().nullable().describe('Null: infinite, by requests that failed.'),
    change: z
      .number()
      .nullable()
      .describe('From the accepted level, as a share of it; null: none, or infinite on a side.'),
    verdict: z.enum(VERDICTS).nullable().describe('Null: the night was not compared.'),
  })
  .describe('Latencies in ms, throughput in output tokens a second, attainment a share.');

const alarm = z
  .strictObject({
    name: z.enum(JUDGED_NAMES),
    change: z.number().nullable().describe('Of the level, as a share of the one before; null: infinite on a side.'),
    better: z.boolean(),
    between: z.tuple([z.string(), z.string()]).describe('Run ids: the last night before the change, the first after.'),
  })
  .describe('A change of the level that this night raised.');
export type RaisedAlarm = DeepReadonly<z.infer<typeof alarm>>;

export const nightSchema = z
  .strictObject({
    schema: z.literal(1),
    run_id: run.run_id,
    dir: z.string().describe('The run, from the folder of history.jsonl; it may be gone (`--expire`).'),
    started_at: run.started_at,
    branch: z.string(),
    commit: z.string().nullable(),
    target: run.target.shape.spec,
    versions: run.versions,
    valid: z
      .boolean()
      .describe('False: the client fell behind, or the run did not complete. It takes part in nothing.'),
    reasons: z.array(z.string()).describe('Why it is not valid.'),
    metrics: z.partialRecord(z.enum(JUDGED_NAMES), figure).describe('The judged figures that the run has.'),
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
  })
  .describe('A night of `reprise nightly`: a line of history.jsonl.');
export type Night = DeepReadonly<z.infer<typeof nightSchema>>;

export const acceptedSchema = z
  .strictObject({
    schema: z.literal(1),
    run_id: run.run_id.describe('The run that later nights of the branch are compared with.'),
    dir: z.string().describe('The run, from the folder of accepted.json.'),
    accepted_at: z.string().describe('ISO 8601 in UTC.'),
  })
  .describe('The accepted baseline of a branch.');
export type Accepted = DeepReadonly<z.infer<typeof acceptedSchema>>;
