import type { HostOverhead } from '../cost/host-overhead.ts';
import { COSTS, type CostName, type CostPreset } from '../cost/presets.ts';
import { isTable, TABLE_EXTENSION, tablePreset } from '../cost/table-preset.ts';
import { OURS, type Amount, type OptionReader } from './option-reader.ts';

/** The options of iteration times. */
export type CostOptions = {
  /** A name in `COSTS`, or a file of measured times. */
  readonly cost: string;
  /** SHA-256 of that file. */
  readonly cost_sha256?: string;
  readonly host_fixed_us: number;
  readonly host_per_sequence_us: number;
  /** As in `cost/noise.ts`. */
  readonly noise: number;
  readonly run_noise: number;
  readonly seed: number;
};

export function readCostOptions(given: OptionReader, host: HostOverhead & { readonly cost?: CostName }): CostOptions {
  const cost = given.nameOrFile('cost', COSTS, {
    fallback: host.cost ?? 'roofline',
    extension: TABLE_EXTENSION,
    about: 'how iterations are timed',
    source: OURS,
  });
  const file = isTable(cost)
    ? {
        cost_sha256: given.derived('cost_sha256', tablePreset(cost).sha256, {
          about: `sha256 of ${cost}`,
          source: 'the file',
        }),
      }
    : {};
  const { wholeEngine } = costPreset(cost);
  const hostOption = (fallback: number, about: string): Amount => ({
    max: 1e6,
    fallback: wholeEngine ? 0 : fallback,
    about: `CPU work, which the GPU waits for unless it is done ahead, microseconds ${about}`,
    source: wholeEngine ? 'in the times of this cost model; more is added to them' : 'an estimate for this system',
  });
  const noiseOption = (about: string): Amount => ({
    max: 1,
    fallback: 0,
    about,
    source: 'none, for exact repetition; 0.02 to 0.05 are plausible',
  });
  return {
    cost,
    ...file,
    host_fixed_us: given.amount('host_fixed_us', hostOption(host.hostFixedUs, 'an iteration')),
    host_per_sequence_us: given.amount(
      'host_per_sequence_us',
      hostOption(host.hostPerSequenceUs, 'for each sequence in an iteration'),
    ),
    noise: given.amount('noise', noiseOption('deviation of the logarithm of a factor on the time of each iteration')),
    run_noise: given.amount('run_noise', noiseOption('the same for one factor on all times of a run')),
    seed: given.integer('seed', { min: 0, max: 2 ** 32 - 1, fallback: 1, about: 'of the noise', source: OURS }),
  };
}

/** The preset of the option `cost`. Throws a UserError for a file that cannot be read. */
export function costPreset(cost: string): CostPreset {
  if (isTable(cost)) return tablePreset(cost);
  const preset = Object.entries(COSTS).find(([name]) => name === cost)?.[1];
  if (preset === undefined) throw new Error(`no cost model ${cost}`);
  return preset;
}
