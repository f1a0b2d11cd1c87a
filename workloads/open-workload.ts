import { basename } from 'node:path';
import { SILENT, type Log } from '../src/core/log.ts';
import type { PlanStats, SessionsPlan, Source, TransformSpec, WorkloadSpec } from '../src/core/plan.ts';
import { counted } from './counted.ts';
import { openSource } from './open-source.ts';
import { DisorderError, requireOrder } from './order.ts';
import { scanPlan, type ScanOptions } from './scan.ts';
import { sessionTransforms } from './sessions.ts';
import { applyTransforms, type TransformedSource } from './transforms/index.ts';

/** A workload that was read to its end once. */
export interface ScannedWorkload {
  /**
   * The same workload with everything resolved that had to be read for: the format, the size of prefix blocks, `sort`
   * where it is needed, `speed` in place of `rate`, the distance of rounded times. Whoever opens it opens the file once
   * each time it is read, with `sample-sessions` once more.
   */
  readonly spec: WorkloadSpec;
  /** The resolved workload, open; its `transforms` are those to show: `rate` as the user gave it. */
  readonly source: Source;
  readonly stats: PlanStats;
  /** Null: each request is due at its time in the trace. */
  readonly sessions: SessionsPlan | null;
  /** Rows that could not be read and are left out. */
  readonly badRows: number;
}

/** The source of a workload with its transforms. Throws a UserError that names what is wrong with the file or a transform. */
export async function openWorkload(spec: WorkloadSpec): Promise<Source> {
  const { source } = await transformed(await openSource(spec.path, spec), spec.transforms, null);
  return source;
}

/**
 * Opens a workload and reads it once to its end, twice where a transform has to be resolved. A file whose rows are not
 * in order of time is sorted first, which then stands among its transforms.
 */
export async function scanWorkload(
  spec: WorkloadSpec,
  seed: number,
  log: Log,
  options: ScanOptions = {},
): Promise<ScannedWorkload> {
  const file = await openSource(spec.path, spec);
  const { sessions: asked = {}, ...plain } = spec;
  const { first, last, plan: sessions } = sessionTransforms(file, asked, seed);
  const all = [...first, ...spec.transforms, ...last];
  const scan = async (transforms: readonly TransformSpec[]): Promise<TransformedSource & { stats: PlanStats }> => {
    const { source, resolved } = await transformed(file, transforms, log === SILENT ? null : log);
    return {
      source,
      resolved,
      stats: await scanPlan(
        counted(source, (text) => log.info(text)),
        seed,
        { ...options, speed: speedOf(resolved) },
      ),
    };
  };
  const { source, resolved, stats } = await scan(all)
    .catch((thrown: unknown) => {
      if (!(thrown instanceof DisorderError)) throw thrown;
      log.warn(`${thrown.message}; all rows are sorted by time first`);
      return scan([{ op: 'sort', args: {} }, ...all]);
    })
    // Only now is it known what of the file is not used; where no row could be read, the notes say why.
    .finally(() => {
      for (const note of file.notes()) log.warn(`${basename(spec.path)}: ${note}`);
    });
  const badRows = file.badRows();
  if (badRows > 0) log.warn(`${spec.path}: ${badRows} rows could not be read and are left out (--on-bad-row skip)`);
  const { format, blockTokens, map, starts } = file;
  return {
    spec: {
      ...plain,
      format,
      ...(blockTokens === undefined ? {} : { blockTokens }),
      ...(map === undefined ? {} : { map }),
      ...(starts === undefined ? {} : { starts }),
      transforms: resolved,
    },
    source,
    stats,
    sessions,
    badRows,
  };
}

/** How many times as fast as its file a workload runs. */
function speedOf(resolved: readonly TransformSpec[]): number {
  return resolved.reduce((speed, { op, args }) => (op === 'speed' ? speed * Number(args['factor']) : speed), 1);
}

/** A file's rows must be in order of time unless they are sorted first, or time counts from the starts of sessions. */
function transformed(file: Source, transforms: readonly TransformSpec[], log: Log | null): Promise<TransformedSource> {
  const needsOrder = transforms[0]?.op !== 'sort' && file.starts !== 'none';
  return applyTransforms(needsOrder ? requireOrder(file) : file, transforms, log);
}
