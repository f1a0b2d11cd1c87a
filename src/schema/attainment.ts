import { z } from 'zod';
import { SLO_METRICS } from '../core/slo.ts';
import { classLimitsMs, count, itlShares, limitsMs, type DeepReadonly } from './parts.ts';

const attainment = z.strictObject({
  joint: z.number().describe('Share of scheduled requests that are ok and meet every limit.'),
  ttft: z.number().nullable().describe('Share that meets this limit alone; null where there is no such limit.'),
  tpot: z.number().nullable().describe('Share that meets this limit alone; null where there is no such limit.'),
  e2e: z.number().nullable().describe('Share that meets this limit alone; null where there is no such limit.'),
  ...itlShares,
  ci95: z
    .tuple([z.number(), z.number()])
    .nullable()
    .describe(
      '95 % interval of joint, for load like these requests; null where they span less than ten stays or all failed.',
    ),
  n_eff: count
    .nullable()
    .describe('Independent requests that would give as narrow an interval; null without an interval.'),
  sufficient: z
    .boolean()
    .describe('Whether the span holds at least 20 stays and 15 swings of the arrivals; information, decides nothing.'),
  overloaded: z
    .boolean()
    .describe('Requests stay too long for an interval, and the backlog still grew when the last one was due: a miss.'),
});
export type Attainment = DeepReadonly<z.infer<typeof attainment>>;

const binding = z
  .enum(SLO_METRICS)
  .nullable()
  .describe(
    'The limit that most answered requests miss; null if none is missed, or more requests failed than miss it.',
  );

/** How many requests meet the limits of an SLO times a scale. */
export const scaledAttainment = {
  attainment: attainment.shape.joint,
  ttft: attainment.shape.ttft,
  tpot: attainment.shape.tpot,
  e2e: attainment.shape.e2e,
  ...itlShares,
  ci95: attainment.shape.ci95,
  overloaded: attainment.shape.overloaded,
  binding,
};

const sloScale = z.strictObject({
  scale: z.number().describe('Every limit is so many times that of the SLO.'),
  ...scaledAttainment,
});
export type SloScale = DeepReadonly<z.infer<typeof sloScale>>;

const smallestScale = z.strictObject({
  scale: z
    .number()
    .nullable()
    .describe(
      'At this scale, as at every larger one, `at` of the requests meet the limits, and at no smaller one: exact, from the latencies of each. Null: at none, because too many failed or have no known latency.',
    ),
  attainment: attainment.shape.joint
    .nullable()
    .describe('Share that meets the limits at this scale; null where scale is.'),
  ci95: attainment.shape.ci95,
  ci95_scale: z
    .tuple([z.number().nullable(), z.number().nullable()])
    .describe(
      'The smallest scales at which as many meet the limits as the two ends of ci95 say; null where none does.',
    ),
});
export type SmallestScale = DeepReadonly<z.infer<typeof smallestScale>>;

const classAttainment = z.strictObject({
  class: z.string().nullable().describe('Null: requests of all classes without limits of their own.'),
  limits_ms: classLimitsMs,
  requests: count,
  attainment,
  binding,
});
export type ClassAttainment = DeepReadonly<z.infer<typeof classAttainment>>;

export const slo = z.strictObject({
  limits_ms: limitsMs,
  at: z.number().describe('Share of requests that should meet the limits.'),
  attainment,
  binding,
  not_judged: count
    .exactOptional()
    .describe('Requests of classes that the SLO has no limits for: in no share. Absent: none.'),
  by_class: z
    .array(classAttainment)
    .exactOptional()
    .describe('Each class by its own limits, where the SLO has limits by class, in its order.'),
  binding_class: z
    .string()
    .nullable()
    .exactOptional()
    .describe(
      'Where by_class is: the class that most requests which missed are of; null: none of those with limits of their own.',
    ),
  scales: z
    .array(sloScale)
    .exactOptional()
    .describe('The same requests judged by the limits times each scale, in ascending order (--slo-scales).'),
  smallest_scale: smallestScale
    .exactOptional()
    .describe('The smallest scale of all, tried or not, that is met. Absent: no scales were asked for.'),
});
