import { UserError } from '../../core/errors.ts';
import { splitOutliers, type Outlier } from './outliers.ts';
import type { SurfacePoint } from './surface.ts';
import type { TableFile } from './table-file.ts';
import type { TableRow } from './table-layouts.ts';

/** The measurements of one setting: for each measured point the median of its rows. */
export interface Measurements {
  readonly prefill: readonly SurfacePoint[];
  readonly decode: readonly SurfacePoint[];
  /** A sentence per point that is left out. */
  readonly outliers: readonly string[];
}

interface Setting {
  readonly model: string;
  readonly gpu: string;
  readonly tp: number;
}

interface Point extends SurfacePoint {
  readonly rows: readonly TableRow[];
}

type Phase = 'prefill' | 'decode';

/** Throws a UserError that lists the settings of the table if it has too few points for this one. */
export function measurementsOf(file: TableFile, setting: Setting): Measurements {
  const { model, gpu, tp } = setting;
  const rows = file.rows.filter(
    (row) => (row.model ?? model) === model && (row.gpu ?? gpu) === gpu && (row.tp ?? tp) === tp,
  );
  if (rows.length === 0) throw lacks(file, setting, 'no measured times');
  const prefill = splitOutliers(medians(rows, 'prefill'));
  // A row that measured both phases counts for neither if one of its times is an outlier.
  const excludedRows = new Set(prefill.outliers.flatMap(({ point }) => point.rows));
  const decode = splitOutliers(
    medians(
      rows.filter((row) => !excludedRows.has(row)),
      'decode',
    ),
  );
  if (new Set(prefill.kept.map(({ tokens }) => tokens)).size < 2)
    throw lacks(file, setting, 'fewer than two sizes of prefill');
  if (decode.kept.length === 0) throw lacks(file, setting, 'no decodes');
  const textsOf = (phase: Phase) => (outlier: Outlier<Point>) => outlierText(file.path, phase, outlier);
  return {
    prefill: prefill.kept,
    decode: decode.kept,
    outliers: [...prefill.outliers.map(textsOf('prefill')), ...decode.outliers.map(textsOf('decode'))],
  };
}

function medians(rows: readonly TableRow[], phase: Phase): Point[] {
  const measured = rows.flatMap((row) => {
    const point = row[phase];
    return point === null ? [] : [{ row, point }];
  });
  const groups = Map.groupBy(measured, ({ point }) => `${point.tokens} ${point.sequences}`);
  return [...groups.values()].flatMap((group) => {
    const first = group[0];
    if (first === undefined) return [];
    return [{ ...first.point, ms: median(group.map(({ point }) => point.ms)), rows: group.map(({ row }) => row) }];
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >>> 1;
  const high = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? 0) + high) / 2;
}

function outlierText(path: string, phase: Phase, { point, against }: Outlier<Point>): string {
  const size = ({ tokens, sequences }: Point): string => `${tokens} tokens in a batch of ${sequences}`;
  return (
    `${path}:${point.rows[0]?.line}: ${phase} of ${size(point)} is left out as an outlier: ${point.ms.toFixed(1)} ms ` +
    `(median of ${point.rows.length}), where ${size(against)} took ${against.ms.toFixed(1)} ms`
  );
}

function lacks(file: TableFile, { model, gpu, tp }: Setting, what: string): UserError {
  const has = new Set(
    file.rows.map((row) => `${row.model ?? 'any model'} at tp=${row.tp ?? 'any'} on ${row.gpu ?? 'any GPU'}`),
  );
  return new UserError(
    `reference engine: cost=${file.path} has ${what} for ${model} at tp=${tp} on ${gpu}; it has ` +
      `${[...has].join(', ')}; anything else needs cost=roofline or another file`,
  );
}
