import { serveWorker } from '../core/worker.ts';
import { simulatedGoodput, type GoodputQuery, type GoodputResult, type SimulationConfig } from './goodput/simulated.ts';

/** The thread's side of `openPool`. */
serveWorker<SimulationConfig, GoodputQuery, GoodputResult>((config) => (query) => simulatedGoodput(query, config));
