/**
 * `Math.exp`, `Math.log` and `Math.pow` differ between machines; these functions are built from + - * / in a fixed
 * order and give the same bits everywhere. Relative error about 1e-15.
 */

/** ln 2 in two parts (fdlibm's): a whole number below 2 ** 21 times the first is exact. */
const LN2_HIGH = 0.69314718036912381649;
const LN2_LOW = 1.90821492927058770002e-10;

/** e to the power `x`. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x > 709.79) return Infinity;
  if (x < -745.14) return 0;
  const halvings = Math.floor(x / Math.LN2 + 0.5);
  const rest = x - halvings * LN2_HIGH - halvings * LN2_LOW;
  // Taylor's series by Horner's scheme: |rest| is at most ln(2) / 2, so that the 15th term is below 2 ** -60.
  let sum = 1;
  for (let i = 14; i >= 1; i--) sum = 1 + (sum * rest) / i;
  // Two steps: the power of two may not be a double where the product is.
  const half = Math.floor(halvings / 2);
  return sum * twoToThe(half) * twoToThe(halvings - half);
}

/** Natural logarithm. */
export function ln(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : Number.NaN;
  if (x === Infinity) return x;
  let mantissa = x;
  let exponent = 0;
  for (; mantissa > Math.SQRT2; exponent++) mantissa /= 2;
  for (; mantissa < Math.SQRT1_2; exponent--) mantissa *= 2;
  // ln m = 2 artanh((m - 1) / (m + 1)), whose argument is at most 0.172.
  const t = (mantissa - 1) / (mantissa + 1);
  let sum = 0;
  for (let i = 23; i >= 1; i -= 2) sum = sum * t * t + 1 / i;
  return exponent * LN2_HIGH + (exponent * LN2_LOW + 2 * t * sum);
}

/** `base` to a whole power from 0, by repeated squaring: relative error about 1e-16 times the power. */
export function wholePower(base: number, power: number): number {
  let result = 1;
  let square = base;
  for (let left = power; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}

/** Sine of an angle in turns: 0.25 gives 1. */
export function sineOfTurns(turns: number): number {
  const rest = turns - Math.floor(turns + 0.5);
  // Beyond a quarter of a turn it comes back: then |angle| is at most pi / 2, and the 13th term below 2 ** -60.
  const folded = Math.abs(rest) <= 0.25 ? rest : Math.sign(rest) * 0.5 - rest;
  const angle = 2 * Math.PI * folded;
  let sum = 1;
  for (let i = 12; i >= 1; i--) sum = 1 - (sum * angle * angle) / (2 * i * (2 * i + 1));
  return angle * sum;
}

function twoToThe(power: number): number {
  return power < 0 ? 1 / wholePower(2, -power) : wholePower(2, power);
}
