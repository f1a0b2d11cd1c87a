import { gpuCount } from '../engine/index.ts';
import type { TargetSpec } from '../target/target-spec.ts';

/** The GPUs of a target, as the user says or else as it tells; null: not known. */
export function gpusOfTarget(spec: TargetSpec, given: number | null): number | null {
  return given ?? (spec.kind === 'engine' ? gpuCount(spec.engine) : null);
}
