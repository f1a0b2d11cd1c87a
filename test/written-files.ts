import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { FILES, JSON_SCHEMAS } from '../scripts/json-schemas.ts';
import type { Manifest } from '../src/schema/manifest.ts';
import type { PlacementReport } from '../src/schema/placement.ts';
import type { ReproduceReport } from '../src/schema/reproduce.ts';
import type { Summary } from '../src/schema/summary.ts';

/** `run.json` of a run; throws where it is not what its schema says, or the JSON Schema that the package ships. */
export const readRunFile = (dir: string): Manifest => held('run.json', dir, FILES['run.json']);
/** The same of `summary.json`. */
export const readSummary = (dir: string): Summary => held('summary.json', dir, FILES['summary.json']);
/** The same of `place.json`. */
export const readPlacement = (dir: string): PlacementReport => held('place.json', dir, FILES['place.json']);

/** The same of `reproduce.json`. */
export const readReproduced = (dir: string): ReproduceReport => held('reproduce.json', dir, FILES['reproduce.json']);

/** The JSON Schema of a file as the package ships it, as a schema of zod. */
export function shippedSchema(name: string): z.ZodType {
  return z.fromJSONSchema(JSON.parse(readFileSync(join(JSON_SCHEMAS, name), 'utf8')));
}

function held<T>(name: string, dir: string, schema: z.ZodType<T>): T {
  const json: unknown = JSON.parse(readFileSync(join(dir, name), 'utf8'));
  shippedSchema(name).parse(json);
  return schema.parse(json);
}
