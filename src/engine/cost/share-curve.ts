import { exp, ln } from '../../core/portable-math.ts';

/**
 * How fast a GPU is on a share of its processors (SMs), against all of them. Arithmetic grows with the share up to
 * `saturation`, and beyond it less and less: by `decay`. Memory bandwidth is whole from `bandwidthSaturation` on: a part
 * of the processors keeps it busy.
 */
export interface ShareCurve {
  /** Share up to which twice the processors do twice the arithmetic. */
  readonly saturation: number;
  /** Gain beyond it, per whole GPU: a time is shorter by `1 + decay (share - saturation)`, or by its exponential. */
  readonly decay: number;
  readonly form: DecayForm;
  /** Share from which the bandwidth is whole. */
  readonly bandwidthSaturation: number;
  /** Below it the bandwidth is `(share / bandwidthSaturation) ** bandwidthExponent`. */
  readonly bandwidthExponent: number;
}

/** The two candidates for the form that Nexus' paper shows as an image. */
export const DECAY_FORMS = ['reciprocal', 'exponential'] as const;
type DecayForm = (typeof DECAY_FORMS)[number];

/**
 * Fitted to the curves of Nexus' section 3.2 (Llama 3.1 8B on L20): a prefill is 25 % shorter on 40 than on 30 % of the
 * processors, and 10 % on 80 than on 70 %; a decode 10 % on 40 than on 30 %, and under 3 % for each tenth beyond half.
 * The paper does not give its own constants.
 */
export const NEXUS_CURVE: ShareCurve = {
  saturation: 0.4,
  decay: 5 / 3,
  form: 'reciprocal',
  bandwidthSaturation: 0.5,
  bandwidthExponent: 0.375,
};

/** Speeds on a share, as parts of the whole GPU's: 1 for a share of 1, never falling with the share. */
export interface ShareSpeeds {
  readonly arithmetic: number;
  readonly bandwidth: number;
}

const WHOLE: ShareSpeeds = { arithmetic: 1, bandwidth: 1 };

/**
 * The speeds on a share above 0 and at most 1; those of the last share are kept, because shares change rarely. `reached`:
 * part of the GPU's peak arithmetic at a speed of 1, so that no curve has processors compute above their own peak; 0 where
 * that is not known.
 */
export function speedsBy(curve: ShareCurve, reached = 0): (share: number) => ShareSpeeds {
  const whole = arithmeticOn(curve, 1);
  let lastShare = 1;
  let last = WHOLE;
  return (share) => {
    if (share === lastShare) return last;
    lastShare = share;
    const arithmetic = Math.min(arithmeticOn(curve, share) / whole, reached === 0 ? 1 : share / reached);
    last = share === 1 ? WHOLE : { arithmetic, bandwidth: bandwidthOn(curve, share) };
    return last;
  };
}

function arithmeticOn({ saturation, decay, form }: ShareCurve, share: number): number {
  if (share <= saturation) return share;
  const gain = decay * (share - saturation);
  return saturation * (form === 'reciprocal' ? 1 + gain : exp(gain));
}

function bandwidthOn({ bandwidthSaturation, bandwidthExponent }: ShareCurve, share: number): number {
  if (share >= bandwidthSaturation) return 1;
  return exp(bandwidthExponent * ln(share / bandwidthSaturation));
}
