import { UserError } from '../../core/errors.ts';
import { addHostOverhead } from './host-overhead.ts';
import { measurementsOf } from './measurements.ts';
import type { CostPreset, CostSetting } from './presets.ts';
import { surfaceThrough } from './surface.ts';
import { readTableFile } from './table-file.ts';
import { LAYOUTS } from './table-layouts.ts';
import { table } from './table.ts';

/** Distinguishes a file of measured times from the names of cost models. */
export const TABLE_EXTENSION = '.csv';

/** `cost=FILE.csv`, as the catalogue shows it. */
export const TABLE = {
  about: `measured times, lines between them, their host overhead included; columns ${LAYOUTS.map(
    ({ name, columns }) => `${columns.join(', ')} (${name})`,
  ).join(' or ')}`,
  source: 'yours; its sha256 stands in the manifest',
} as const;

export function isTable(cost: string): boolean {
  return cost.endsWith(TABLE_EXTENSION);
}

export interface TablePreset extends CostPreset {
  readonly sha256: string;
  /** A sentence per point of the table that is left out for a setting. */
  outliers(setting: CostSetting): readonly string[];
}

/** Times of a file. Throws a UserError if it cannot be read. */
export function tablePreset(path: string): TablePreset {
  const file = readTableFile(path);
  return {
    ...TABLE,
    wholeEngine: true,
    sha256: file.sha256,
    create: (setting) => {
      if (setting.pp > 1)
        throw new UserError(
          `reference engine: cost=${path} holds times of whole models, not of pipeline stages; with pp=${setting.pp} take cost=roofline`,
        );
      const { prefill, decode } = measurementsOf(file, setting);
      const cost = table(
        surfaceThrough(prefill),
        surfaceThrough(decode),
        setting.mixedBatchPenalty,
        setting.shareCurve,
      );
      return addHostOverhead(cost, setting);
    },
    outliers: (setting) => measurementsOf(file, setting).outliers,
  };
}
