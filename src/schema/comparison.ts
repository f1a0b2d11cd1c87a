import { z } from 'zod';
import { count, limitsMs, type DeepReadonly } from './parts.ts';
import { manifestSchema } from './manifest.ts';

const run = manifestSchema.shape;

export const JUDGED_NAMES = [
  'attainment',
  'ttft.p50',
  'ttft.p90',
  'ttft.p99',
  'tpot.p50',
  'tpot.p90',
  'tpot.p99',
  'e2e.p50',
  'throughput',
] as const;
export type JudgedName = (typeof JUDGED_NAMES)[number];

export const isMoreBetter = (name: JudgedName): boolean => name === 'attainment' || name === 'throughput';

export const VERDICTS = ['better', 'worse', 'same', 'undecided', 'provisional'] as const;
export type ChangeVerdict = (typeof VERDICTS)[number];

const percentRange = z.tuple([z.number(), z.number()]);

const metric = z
  .strictObject({
    name: z.enum(JUDGED_NAMES).describe('Latencies in ms, throughput in output tokens a second, attainment a share.'),
    more_is_better: z.boolean(),
    base: z
      .number()
      .nullable()
      .describe('Geometric mean over the runs; null: infinite, by requests that failed, or none.'),
    new: z.number().nullable(),
    base_runs: z.array(z.number().nullable()).describe('By run; null: infinite, or none.'),
    new_runs: z.array(z.number().nullable()),
    change: z.number().nullable().describe('new / base - 1; null: infinite on a side.'),
    ci95: percentRange.nullable().describe('Of the change; null: infinite on a side, or one run stands for a system.'),
    bounds95: percentRange
      .nullable()
      .describe(
        'One-sided: the change is above the first, and below the second, with a chance of 95 % each; gates use them.',
      ),
    p_value: z
      .number()
      .nullable()
      .describe('Of a change beyond the margin, by itself; null where nothing is known of how runs vary.'),
    p_adjusted: z.number().nullable().describe('The same with Holm over all judged metrics: it decides.'),
    verdict: z.enum(VERDICTS),
    why: z.string().nullable().describe('Where the verdict is not by the interval, in a sentence.'),
    smallest_effect: z
      .number()
      .nullable()
      .describe('The smallest change that these runs would have found in four of five comparisons.'),
    repeats_to_decide: count.nullable().describe('Runs of each system that would decide a change as it seems.'),
  })
  .describe('A judged figure.');
export type ComparedMetric = DeepReadonly<z.infer<typeof metric>>;

const side = z.strictObject({
  name: z.string().describe('What tells the two apart: the target, or the folder.'),
  target: run.target.pick({ spec: true, kind: true, model: true }),
  runs: z.array(
    z.strictObject({
      dir: z.string(),
      run_id: z.string(),
      started_at: z.string(),
      status: run.status,
      valid: z.boolean(),
      salt: z.string().nullable(),
    }),
  ),
});
export type ComparedSide = DeepReadonly<z.infer<typeof side>>;

const change = z
  .strictObject({
    request_id: z.string(),
    metric: z.enum(['ttft', 'tpot', 'e2e']),
    base_ms: z.number().nullable().describe('Null: the request failed.'),
    new_ms: z.number().nullable(),
  })
  .describe('A request whose latency changed most, in the first runs of both.');

export const comparisonSchema = z
  .strictObject({
    schema: z.literal(1),
    base: side,
    new: side,
    verdict: z
      .enum(VERDICTS)
      .describe('Worse if a judged metric is; better if one is and none is worse; undecided where a doubt blocks.'),
    provisional: z.boolean().describe('One run stands for a system: what it shows may be the noise between starts.'),
    order: z
      .enum(['paired', 'separate', 'exact', 'nights'])
      .describe(
        'Paired: A B B A or A B A B, a t test on differences. Separate: Welch. Exact: virtual runs without noise. Nights: one run against the level of earlier nights and their spread, by a t test; base is that level.',
      ),
    margin: z.number().describe('Changes up to this are the same.'),
    metrics: z.array(metric),
    doubts: z
      .array(z.strictObject({ code: z.string(), text: z.string(), blocks: z.boolean() }))
      .describe('What makes the two unlike besides the systems; one that blocks lets no gate pass.'),
    slo: z.strictObject({ text: z.string(), limits_ms: limitsMs }).nullable(),
    workload: z.strictObject({ name: z.string(), requests: count, plan_sha256: z.string() }),
    paired_requests: count.describe('Requests that both sides have.'),
    most_changed: z.array(change),
    versions: z.strictObject({ reprise: z.string() }),
  })
  .describe('Two systems compared, as `reprise compare --format json` prints it.');
export type Comparison = DeepReadonly<z.infer<typeof comparisonSchema>>;
