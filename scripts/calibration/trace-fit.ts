/**
 * How like a trace what `trace synth --fit` makes of it is, as the mean over seeds from 1 on, beside the bounds of
 * `workloads/synthesis/fit-quality.ts`.
 *
 *     node scripts/calibration/trace-fit.ts [SEEDS] [TRACE]
 */
import { join } from 'node:path';
import { openSource } from '../../workloads/index.ts';
import { fitQualityText } from '../../workloads/synthesis/fit-quality.ts';
import { fitTrace } from '../../workloads/synthesis/fit.ts';
import { meanFitQuality } from './trace-fit-mean.ts';

const AZURE = join(import.meta.dirname, '..', '..', '..', 'shared', 'traces', 'AzureLLMInferenceTrace_conv.csv');
const seeds = Number(process.argv[2] ?? 10);
const path = process.argv[3] ?? AZURE;
const fit = await fitTrace(await openSource(path, { onBadRow: 'fail' }));
console.log(
  `${path}: bins of ${fit.rate.binS} s, mean of ${seeds} seeds${fit.notes.map((note) => `; ${note}`).join('')}`,
);
console.log(fitQualityText(meanFitQuality(fit, seeds), ['trace', 'made']));
