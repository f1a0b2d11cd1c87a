import { extname } from 'node:path';
import type { GoodputQuery, GoodputResult, SimulationConfig } from './goodput/simulated.ts';
import { openThreads, type Threads } from './threads.ts';

export type Pool = Threads<GoodputQuery, GoodputResult>;

/** Worker threads that simulate. When `stop` aborts, they end at once and `ask` rejects with its reason. */
export function openPool(config: SimulationConfig, workers: number, stop: AbortSignal): Pool {
  const file = new URL(`./simulation-worker${extname(import.meta.filename)}`, import.meta.url);
  return openThreads(file, config, workers, stop);
}
