import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Engine } from '../engine.ts';
import type { EngineSpec } from '../spec.ts';
import type { ServerMetrics } from './metrics.ts';

export type Handler = (req: IncomingMessage, res: ServerResponse) => void;
export type Route = readonly [method: string, handler: Handler];
/** By path. */
export type Routes = Readonly<Record<string, Route>>;

/** What a dialect's own pages tell of. */
export interface ServerParts {
  readonly engine: Engine;
  readonly spec: EngineSpec;
  readonly modelName: string;
  readonly metrics: ServerMetrics;
}

/** Says what it is in the place where others put their version. */
export const VERSION = 'reprise reference engine';
