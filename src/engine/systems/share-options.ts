import { DECAY_FORMS, NEXUS_CURVE, type ShareCurve } from '../cost/share-curve.ts';
import type { OptionReader } from './option-reader.ts';

const FORMS = Object.fromEntries(DECAY_FORMS.map((form) => [form, {}]));
const FITTED = 'reconstructed: fitted to the curves of Nexus, section 3.2; its constants are not published';

/** The speeds of a GPU on a share of its processors. */
export type ShareCurveOptions = {
  readonly saturation: number;
  readonly decay: number;
  readonly decay_form: string;
  readonly bandwidth_saturation: number;
  readonly bandwidth_exponent: number;
};

export function readShareCurve(given: OptionReader): ShareCurveOptions {
  return {
    saturation: given.fraction('saturation', {
      above: 0,
      max: 1,
      fallback: NEXUS_CURVE.saturation,
      about: 'share of the processors up to which arithmetic grows with it (R_sat)',
      source: FITTED,
    }),
    decay: given.amount('decay', {
      max: 100,
      fallback: NEXUS_CURVE.decay,
      about: 'how much faster arithmetic is beyond saturation, for a whole GPU more (lambda)',
      source: FITTED,
    }),
    decay_form: given.name('decay_form', FORMS, {
      fallback: NEXUS_CURVE.form,
      about: 'times are shorter by 1 + decay (share - saturation), or by its exponential',
      source: 'reconstructed: the equation is an image in Nexus, section 4.1',
    }),
    bandwidth_saturation: given.fraction('bandwidth_saturation', {
      above: 0,
      max: 1,
      fallback: NEXUS_CURVE.bandwidthSaturation,
      about: 'share of the processors that has the whole memory bandwidth',
      source: FITTED,
    }),
    bandwidth_exponent: given.amount('bandwidth_exponent', {
      max: 4,
      fallback: NEXUS_CURVE.bandwidthExponent,
      about: 'below it the bandwidth is (share / bandwidth_saturation) to this power',
      source: FITTED,
    }),
  };
}

export function shareCurveOf(options: ShareCurveOptions): ShareCurve {
  const form = DECAY_FORMS.find((one) => one === options.decay_form) ?? NEXUS_CURVE.form;
  return {
    saturation: options.saturation,
    decay: options.decay,
    form,
    bandwidthSaturation: options.bandwidth_saturation,
    bandwidthExponent: options.bandwidth_exponent,
  };
}

/** A share of a GPU, percent. */
export function readPercent(
  given: OptionReader,
  key: string,
  text: { readonly fallback: number; readonly about: string; readonly source: string },
): number {
  return given.integer(key, { min: 1, max: 100, ...text });
}
