// Writes the JSON Schemas that the package ships, `src/schema/json`, from the zod schemas beside them. Options: none.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { certificateSchema } from '../src/schema/certificate.ts';
import { comparisonSchema } from '../src/schema/comparison.ts';
import { goodputSchema, goodputsSchema } from '../src/schema/goodput.ts';
import { acceptedSchema, nightSchema } from '../src/schema/history.ts';
import { manifestSchema } from '../src/schema/manifest.ts';
import { quantiles } from '../src/schema/parts.ts';
import { goodput, group, phaseGoodput, placement, placementAnswer, placementSchema } from '../src/schema/placement.ts';
import { probeSchema } from '../src/schema/probe.ts';
import { reproduceSchema } from '../src/schema/reproduce.ts';
import { sweepSchema } from '../src/schema/sweep.ts';
import { lengthStats } from '../src/schema/delivered.ts';
import { latencyStats } from '../src/schema/latency.ts';
import { bucketQuantile, serverLatency } from '../src/schema/server-latency.ts';
import { summarySchema } from '../src/schema/summary.ts';

export const JSON_SCHEMAS = join(import.meta.dirname, '..', 'src', 'schema', 'json');

/** Zod schema of each JSON file that Reprise writes. */
export const FILES = {
  'run.json': manifestSchema,
  'summary.json': summarySchema,
  'place.json': placementSchema,
  'goodput.json': goodputSchema,
  'goodputs.json': goodputsSchema,
  'sweep.json': sweepSchema,
  'accepted.json': acceptedSchema,
  // A line of history.jsonl.
  'night.json': nightSchema,
  'comparison.json': comparisonSchema,
  'probe.json': probeSchema,
  'reproduce.json': reproduceSchema,
  'certificate.json': certificateSchema,
};

/** Schemas that occur more than once in a file: each stands in `$defs` by its name. */
const DEFINITIONS = {
  BucketQuantile: bucketQuantile,
  Goodput: goodput,
  Group: group,
  LatencyStats: latencyStats,
  LengthStats: lengthStats,
  PhaseGoodput: phaseGoodput,
  Placement: placement,
  PlacementAnswer: placementAnswer,
  Quantiles: quantiles,
  ServerLatency: serverLatency,
};

/** The text of each JSON Schema by the name of its file, which is that of the file it describes. */
export function jsonSchemas(): ReadonlyMap<string, string> {
  for (const [id, schema] of Object.entries(DEFINITIONS))
    z.globalRegistry.add(schema, { ...z.globalRegistry.get(schema), id });
  return new Map(
    Object.entries(FILES).map(([name, schema]) => {
      const version = schema.shape.schema.value;
      // Of the input: what a default stands in for may be absent, as it is in files of older versions.
      const { $schema, description, ...rest } = z.toJSONSchema(schema, { io: 'input', override: withoutSafeMaximum });
      const [$id, title] = [`urn:reprise:${name}:${version}`, `${name} of Reprise, version ${version}`];
      return [name, `${JSON.stringify({ $schema, $id, title, description, ...rest }, null, 2)}\n`];
    }),
  );
}

/** Every integer of zod ends where doubles do; a reader learns nothing from that. */
function withoutSafeMaximum({ jsonSchema }: { readonly jsonSchema: { maximum?: number } }): void {
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
}

if (import.meta.main) {
  mkdirSync(JSON_SCHEMAS, { recursive: true });
  for (const [name, text] of jsonSchemas()) writeFileSync(join(JSON_SCHEMAS, name), text);
}
