import { ROUTERS, type RouterName } from '../cluster/routers.ts';
import { OURS, type OptionReader } from './option-reader.ts';

/** Number of instances, and their router. */
export type Replicas = { readonly instances: number; readonly router: RouterName };

export function readReplicas(given: OptionReader): Replicas {
  return {
    instances: given.integer('instances', {
      min: 1,
      max: 4096,
      fallback: 1,
      about: 'copies of the model, each on tp x pp GPUs',
      source: OURS,
    }),
    router: given.name('router', ROUTERS, {
      fallback: 'round-robin',
      about: 'who picks the instance of a request',
      source: OURS,
    }),
  };
}
