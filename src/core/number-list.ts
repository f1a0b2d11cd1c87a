import { UserError } from './errors.ts';
import { wholePower } from './portable-math.ts';

/** Most numbers that a list may have. */
const MOST = 200;
/** Figures to which they are kept: numbers that differ by less are one. */
const FIGURES = 6;

const FORMS = 'FROM..TO/STEP (0.5..4/0.5), FROM..TOxFACTOR (1..16x2) or a list (1,2,4)';

/**
 * Reads numbers above 0 as a user lists them: `0.5..4/0.5` by a step, `1..16x2` by a factor, or `1,2,4`. A range has both
 * of its ends, whatever its step. In ascending order, each once, to six figures. `usualStep`: of a range without one;
 * null: it needs one. Throws a UserError that names the wrong part.
 */
export function parseNumbers(text: string, option: string, usualStep: number | null = null): number[] {
  const range = /^([^.]*(?:\.[^.]+)?)\.\.(.*?)(?:([/x×])(.*))?$/.exec(text.trim());
  const numbers = range === null ? listOf(text, option) : rangeOf(range, { text, option, usualStep });
  return [...new Set(numbers.map((each) => Number(each.toPrecision(FIGURES))))].toSorted((a, b) => a - b);
}

function listOf(text: string, option: string): number[] {
  const numbers = text.split(',').map((part) => numberOf(part, option));
  refuseMany(numbers.length, text, option);
  return numbers;
}

interface Given {
  readonly text: string;
  readonly option: string;
  readonly usualStep: number | null;
}

function rangeOf([, first = '', last = '', mark, by = '']: RegExpExecArray, given: Given): number[] {
  const { text, option, usualStep } = given;
  const [from, to] = [numberOf(first, option), numberOf(last, option)];
  if (to < from) throw new UserError(`${option}: "${text}" ends below its start; write ${to}..${from}`);
  if (mark === undefined && usualStep === null)
    throw new UserError(`${option}: "${text}" has no step; write e.g. ${text}/0.5, or ${text}x2 for a factor`);
  const isFactor = mark !== undefined && mark !== '/';
  const step = mark === undefined ? (usualStep ?? 1) : numberOf(by, option);
  if (isFactor && step <= 1) throw new UserError(`${option}: the factor of "${text}" is ${step}; it has to be above 1`);
  // Products of a power rather than sums of rounded steps. The last one may miss the end by rounding: then it is the end.
  const nth = (i: number): number => (isFactor ? from * wholePower(step, i) : from + step * i);
  const numbers: number[] = [];
  for (let i = 0; nth(i) < to * (1 - 1e-9); i++) {
    refuseMany(i + 2, text, option);
    numbers.push(nth(i));
  }
  return [...numbers, to];
}

function refuseMany(count: number, text: string, option: string): void {
  if (count > MOST) throw new UserError(`${option}: "${text}" is more than ${MOST} numbers; take a larger step`);
}

function numberOf(part: string, option: string): number {
  const trimmed = part.trim();
  const number = /^(?:\d+(?:\.\d*)?|\.\d+)$/.test(trimmed) ? Number(trimmed) : Number.NaN;
  if (number > 0 && Number.isFinite(number)) return number;
  const what = trimmed === '' ? 'a number is missing' : `"${trimmed}" is not a number above 0`;
  throw new UserError(`${option}: ${what}; write ${FORMS}`);
}
