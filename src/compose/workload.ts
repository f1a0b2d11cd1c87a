import type { Source } from '../core/plan.ts';
import { applyTransform, openSource } from '../../workloads/index.ts';
import type { WorkloadSpec } from './run-spec.ts';

/** The source of a spec with its transforms. Throws a UserError that names what is wrong with the file or a transform. */
export async function openWorkload(spec: WorkloadSpec): Promise<Source> {
  const file: Source = await openSource(spec.path, { onBadRow: spec.onBadRow });
  return spec.transforms.reduce(applyTransform, file);
}
