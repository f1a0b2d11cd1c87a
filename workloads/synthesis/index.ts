import type { Source, WorkloadSpec } from '../../src/core/plan.ts';
import type { JsonObject, Request } from '../../src/core/request.ts';
import { inBatches } from '../formats/batches.ts';
import { openSource } from '../open-source.ts';
import { fitQuality, fitQualityText } from './fit-quality.ts';
import { asLongAs, fittedRequests, fitTrace } from './fit.ts';
import { until, type Extent } from './until.ts';

/** What to make. */
export interface SynthSpec extends Extent {
  readonly seed: number;
  /** The trace to be like. */
  readonly fit: WorkloadSpec;
}

/** Requests that were made, and what to say of them. */
export interface Synthesis {
  readonly source: Source;
  /** For the header of a native trace. */
  readonly origin: JsonObject;
  readonly notes: readonly string[];
  /** How like the trace that was fitted to they are, a figure a line. */
  readonly quality: string | null;
}

/**
 * Makes a trace: the same requests for the same spec, on every machine. Throws a UserError that names the option, or what
 * is wrong with the trace that is to be fitted.
 */
export async function synthesize(spec: SynthSpec): Promise<Synthesis> {
  const { seed, requests } = spec;
  const file = await openSource(spec.fit.path, spec.fit);
  const fit = await fitTrace(file);
  const extent = { durationS: spec.durationS ?? (requests === null ? fit.durationS : null), requests };
  const quality = fitQuality(fit.requests, asLongAs(fit, seed), fit.blockTokens);
  return {
    source: sourceOf(() => until(fittedRequests(fit, seed), extent), fit.blockTokens),
    origin: { ...originOf(spec), fit: { file: file.name, sha256: (await file.sha256?.()) ?? '' } },
    notes: [...file.notes(), ...fit.notes],
    quality: fitQualityText(quality, [file.name, 'made']),
  };
}

function originOf({ seed, durationS, requests }: SynthSpec): JsonObject {
  return {
    format: 'synth',
    seed,
    ...(durationS === null ? {} : { duration_s: durationS }),
    ...(requests === null ? {} : { requests }),
  };
}

function sourceOf(requests: () => Iterable<Request>, blockTokens: number | undefined): Source {
  return {
    name: 'trace synth',
    format: 'synth',
    path: '',
    transforms: [],
    ...(blockTokens === undefined ? {} : { blockTokens }),
    open: () => inBatches(requests()),
  };
}
