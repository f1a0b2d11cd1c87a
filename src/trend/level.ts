/** Where the logarithms of a figure lie from night to night, and how far they spread. */
export interface Level {
  readonly centre: number;
  /** Of one night; 0 where all are equal. */
  readonly spread: number;
}

/** The median absolute deviation of a normal distribution, as its standard deviation. */
const MAD_TO_SD = 1.4826;
/** Of few nights the robust deviation is a little too small, which would raise alarms. */
const WIDER = 1.1;

/**
 * Median and robust spread of some nights, which a few odd nights do not move (`statistics.md`, "Trend over nights").
 * Where most nights are equal to the bit, such as an attainment of 1, the spread is the ordinary deviation.
 */
export function levelOf(values: readonly number[]): Level {
  const centre = medianOf(values);
  const robust = WIDER * MAD_TO_SD * medianOf(values.map((value) => apart(value, centre)));
  return { centre, spread: robust > 0 ? robust : ordinarySpread(values) };
}

/** How many spreads a value lies from the centre; infinite where nights do not spread, and the value is another. */
export function standardised(value: number, { centre, spread }: Level): number {
  if (value === centre) return 0;
  const sign = value > centre ? 1 : -1;
  // An infinite spread is that of nights of which most failed: a finite one among them tells nothing.
  return spread === 0 ? sign * Infinity : spread === Infinity ? 0 : sign * (apart(value, centre) / spread);
}

/** The middle value; of an even number the mean of both. Zero where there is none. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = 0, high = 0] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  return low === high ? low : (low + high) / 2;
}

/** Infinite values are equal to each other. */
function apart(a: number, b: number): number {
  return a === b ? 0 : Math.abs(a - b);
}

function ordinarySpread(values: readonly number[]): number {
  const finite = values.filter(Number.isFinite);
  if (finite.length < 2) return 0;
  const mean = finite.reduce((sum, value) => sum + value, 0) / finite.length;
  // Rounding would leave equal values a spread.
  if (finite.every((value) => value === finite[0])) return 0;
  return Math.sqrt(finite.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (finite.length - 1));
}
