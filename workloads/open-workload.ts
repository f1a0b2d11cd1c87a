import type { PlanStats, Source, WorkloadSpec } from '../src/core/plan.ts';
import { counted } from './counted.ts';
import { openSource } from './open-source.ts';
import { DisorderError, requireOrder } from './order.ts';
import { scanPlan } from './scan.ts';
import { applyTransform } from './transforms/index.ts';

/** What is told of a workload while it is read. */
export interface WorkloadHooks {
  /** A row that could not be read is left out; told again each time the file is read. */
  readonly onSkipped: (row: { readonly line: number }) => void;
  /** What a transform did to the load beyond what was asked for. */
  readonly say: (text: string) => void;
}

export interface SurveyHooks {
  readonly warn: (text: string) => void;
  /** How far a long trace has been read. */
  readonly tell?: (text: string) => void;
}

const SILENT: WorkloadHooks = { onSkipped: () => undefined, say: () => undefined };

/** The source of a spec with its transforms. Throws a UserError that names what is wrong with the file or a transform. */
export async function openWorkload(spec: WorkloadSpec, { onSkipped, say }: WorkloadHooks = SILENT): Promise<Source> {
  const { path, onBadRow, blockTokens } = spec;
  const file = await openSource(path, { onBadRow, onSkipped, ...(blockTokens === undefined ? {} : { blockTokens }) });
  const isSorted = spec.transforms[0]?.op === 'sort';
  return spec.transforms.reduce(
    (source, note) => applyTransform(source, note, say),
    isSorted ? file : requireOrder(file),
  );
}

/**
 * Opens a workload and reads it once to its end. A file whose rows are not in order of time is sorted first, which
 * then stands among its transforms; `spec` comes back with it.
 */
export async function scanWorkload(
  spec: WorkloadSpec,
  seed: number,
  { warn, tell = () => undefined }: SurveyHooks,
): Promise<{ spec: WorkloadSpec; source: Source; stats: PlanStats; badRows: number }> {
  try {
    const badLines = new Set<number>();
    const source = await openWorkload(spec, { onSkipped: ({ line }) => badLines.add(line), say: warn });
    const stats = await scanPlan(counted(source, tell), seed);
    const badRows = badLines.size;
    if (badRows > 0) warn(`${spec.path}: ${badRows} rows could not be read and are left out (--on-bad-row skip)`);
    return { spec, source, stats, badRows };
  } catch (thrown) {
    if (!(thrown instanceof DisorderError)) throw thrown;
    warn(`${thrown.message}; all rows are sorted by time first`);
    return scanWorkload({ ...spec, transforms: [{ op: 'sort', args: {} }, ...spec.transforms] }, seed, {
      warn,
      tell,
    });
  }
}
