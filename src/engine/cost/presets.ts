import { UserError } from '../../core/errors.ts';
import { GPUS, type GpuName } from '../hardware/gpus.ts';
import { LLMS, type LlmName } from '../models/llms.ts';
import type { SharedCostModel } from './cost-model.ts';
import { DISTSERVE_FITS, VLLM_FITS, type FitTable } from './polynomial-fits.ts';
import { addHostOverhead, type HostOverhead } from './host-overhead.ts';
import { polynomial } from './polynomial.ts';
import { roofline } from './roofline.ts';
import type { ShareCurve } from './share-curve.ts';

/** The model and hardware whose iterations are timed. */
export interface CostSetting extends HostOverhead {
  readonly model: LlmName;
  readonly gpu: GpuName;
  readonly tp: number;
  /** Pipeline stages; the time is that of one stage. */
  readonly pp: number;
  readonly mixedBatchPenalty: number;
  /** Speeds on a share of a GPU; default: Nexus' curves. */
  readonly shareCurve?: ShareCurve;
}

export interface CostPreset {
  readonly about: string;
  readonly source: string;
  /** Whether its times are of whole engines: then they include the host overhead of a system. */
  readonly wholeEngine: boolean;
  /** Throws a UserError if it has no figures for the setting. */
  create(setting: CostSetting): SharedCostModel;
}

/** The GPU on which DistServe's fits were measured. */
const FITTED_GPU: GpuName = 'a100-sxm-80g';

const FITS_SOURCE =
  'DistServe (OSDI 2024), LLMServe/DistServe 82831f1, simdistserve profile_data; overheads of its simulator';

/** Every cost model, by the value of `cost`. */
export const COSTS = {
  roofline: {
    about: 'arithmetic or memory bound by operator class, for every model and GPU; the host overhead of the system',
    source: 'cost/roofline.ts; efficiencies of hardware/gpus.ts, from Vidur (MLSys 2024)',
    wholeEngine: false,
    create: (setting) =>
      roofline({
        ...setting,
        gpu: GPUS[setting.gpu],
        llm: LLMS[setting.model],
        tensorParallel: setting.tp,
        stages: setting.pp,
      }),
  },
  distserve: {
    about: 'polynomials fitted to DistServe’s own engine, its overhead included',
    source: FITS_SOURCE,
    wholeEngine: true,
    create: (setting) => fitted('distserve', DISTSERVE_FITS, setting),
  },
  vllm: {
    about: 'polynomials fitted to the vLLM of 2023 that DistServe was compared with, overhead included',
    source: FITS_SOURCE,
    wholeEngine: true,
    create: (setting) => fitted('vllm', VLLM_FITS, setting),
  },
} as const satisfies Record<string, CostPreset>;

export type CostName = keyof typeof COSTS;

function fitted(name: string, table: FitTable, setting: CostSetting): SharedCostModel {
  const { model, gpu, tp, pp, mixedBatchPenalty, shareCurve } = setting;
  const fits = gpu === FITTED_GPU ? table[model]?.[tp] : undefined;
  if (fits !== undefined) return addHostOverhead(polynomial(fits, mixedBatchPenalty, pp, shareCurve), setting);
  const known = Object.entries(table).map(
    ([fittedModel, degrees]) => `${fittedModel} at tp=${Object.keys(degrees).join(', ')}`,
  );
  throw new UserError(
    `reference engine: cost=${name} has no coefficients for ${model} at tp=${tp} on ${gpu}; it has them on ` +
      `${FITTED_GPU} for ${known.join(' and ')}; anything else needs cost=roofline or cost=FILE.csv`,
  );
}
