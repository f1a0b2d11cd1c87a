import { exp, ln, wholePower } from './portable-math.ts';

/** The 97.5 % point of the normal distribution. */
const Z_975 = 1.959963984540054;
/** From so many degrees of freedom on, the expansion is as good as the integral. */
const EXPANSION_FROM = 16;
/** Panels of Simpson's rule, and halvings of the range of its end. */
const PANELS = 128;
const HALVINGS = 40;

/**
 * The 97.5 % point of Student's t with `df` degrees of freedom, at least 2 and not always whole: the half width of a
 * 95 % interval in standard errors. Right to six digits; the same bits on every machine.
 */
export function studentT975(df: number): number {
  return df < EXPANSION_FROM ? byIntegral(df) : byExpansion(df);
}

/** The chance that Student's t with `df` degrees of freedom, at least 1, is `t` or more. */
export function studentTTail(t: number, df: number): number {
  if (t < 0) return 1 - studentTTail(-t, df);
  const cosineSquared = df / (df + t * t);
  const beyond = cosineSquared / (1 + Math.sqrt(1 - cosineSquared));
  // The density is as narrow as df is large.
  const panels = PANELS + 8 * Math.ceil(df);
  return (0.5 * integral(Math.sqrt(Math.sqrt(beyond)), df, panels)) / integral(1, df, panels);
}

/** The value that Student's t with `df` degrees of freedom, at least 1, is under with this chance, from 0.5 on. */
export function studentTQuantile(chance: number, df: number): number {
  let [low, high] = [0, 1];
  while (studentTTail(high, df) > 1 - chance) high *= 2;
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (low + high) / 2;
    if (studentTTail(middle, df) > 1 - chance) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Cornish and Fisher's expansion in 1 / df (Abramowitz and Stegun, 26.7.5). */
function byExpansion(df: number): number {
  const z = Z_975;
  const z2 = z * z;
  const first = (z * (z2 + 1)) / 4;
  const second = (z * (5 * z2 * z2 + 16 * z2 + 3)) / 96;
  const third = (z * (((3 * z2 + 19) * z2 + 17) * z2 - 15)) / 384;
  const fourth = (z * ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945)) / 92160;
  return z + (first + (second + (third + fourth / df) / df) / df) / df;
}

/**
 * By t = sqrt(df) tan(angle) the density is that of cos(angle)^(df - 1); by sin(angle) = 1 - w^4 it is smooth at both
 * ends. w runs from 0, where t is infinite, to 1, where t is 0: the integral up to w is what lies beyond t.
 */
function byIntegral(df: number): number {
  const wanted = 0.05 * integral(1, df);
  let low = 0;
  let high = 1;
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (low + high) / 2;
    if (integral(middle, df) < wanted) low = middle;
    else high = middle;
  }
  const cosineSquared = wholePower(high, 4) * (2 - wholePower(high, 4));
  return Math.sqrt(df / cosineSquared - df);
}

/** The integral from 0 to `end` by Simpson's rule, but for a constant factor. */
function integral(end: number, df: number, panels: number = PANELS): number {
  const density = (w: number): number => exp((2 * df - 1) * ln(w) + ((df - 2) / 2) * ln(2 - wholePower(w, 4)));
  const width = end / panels;
  let total = density(end);
  for (let i = 1; i < panels; i++) total += (i % 2 === 0 ? 2 : 4) * density(i * width);
  return total * width;
}
