import { didYouMean } from './did-you-mean.ts';
import { EXIT, UserError, type ExitCode } from './errors.ts';

/** What a gate may ask for, each at least so much. */
const GATE_METRICS = ['attainment', 'goodput'] as const;
export type GateMetric = (typeof GATE_METRICS)[number];

/** A condition on a result, such as `goodput>=4rps`: the least that is wanted, a share or requests a second. */
export interface Gate {
  readonly text: string;
  readonly metric: GateMetric;
  readonly least: number;
}

/** Undecided: the result leaves it open, and neither pass nor failure can be said. */
export type GateVerdict = 'held' | 'missed' | 'undecided';

/** Reads `attainment>=0.9`, `attainment>=90%` or `goodput>=4rps`. Throws a UserError for any other text. */
export function parseGate(text: string, allowed: readonly GateMetric[]): Gate {
  const match = /^\s*([\w.]+)\s*(>=|>|<=|<|=+)\s*(\d+(?:\.\d+)?|\.\d+)\s*(%|\w*)\s*$/.exec(text);
  const examples = allowed.map((metric) => EXAMPLES[metric]).join(' or ');
  if (match === null) throw new UserError(`--gate: "${text}" is not a condition; write e.g. ${examples}`);
  const [, name = '', operator, value = '', unit = ''] = match;
  const metric = allowed.find((each) => each === name);
  if (metric === undefined)
    throw new UserError(
      `--gate: "${name}" is not judged here; write e.g. ${examples}${didYouMean(name, [...allowed])}`,
    );
  if (operator !== '>=') throw new UserError(`--gate: "${text}": ${metric} is gated by >=, e.g. ${EXAMPLES[metric]}`);
  const least = Number(value) / (unit === '%' ? 100 : 1);
  const isRight =
    metric === 'goodput' ? unit === 'rps' && least > 0 : (unit === '%' || unit === '') && least > 0 && least <= 1;
  if (!isRight) throw new UserError(`--gate: "${text}": expected ${EXPECTED[metric]}, e.g. ${EXAMPLES[metric]}`);
  return { text: text.trim(), metric, least };
}

const EXAMPLES: Readonly<Record<GateMetric, string>> = { attainment: '"attainment>=0.9"', goodput: '"goodput>=4rps"' };
const EXPECTED: Readonly<Record<GateMetric, string>> = {
  attainment: 'a share above 0, at most 1 or 100%',
  goodput: 'requests a second, above 0',
};

const GLYPHS: Readonly<Record<GateVerdict, string>> = { held: '✓', missed: '✗', undecided: '≈' };

/** `✗ gate goodput>=4rps missed: 3.2 to 3.4 requests/s`. */
export function gateText({ text }: Pick<Gate, 'text'>, verdict: GateVerdict, why: string): string {
  return `${GLYPHS[verdict]} gate ${text} ${verdict}: ${why}`;
}

/**
 * By what is known of a value: it is at least `low`, and at most `high` (a goodput: under `high`, a rate that missed); null
 * where an end is not known.
 */
export function judgeGate({ metric, least }: Gate, low: number | null, high: number | null): GateVerdict {
  if (low !== null && low >= least) return 'held';
  const isUnder = high !== null && (metric === 'goodput' ? high <= least : high < least);
  return isUnder ? 'missed' : 'undecided';
}

/** The exit code of several gates: a failed one before one that cannot be decided. */
export function gateExit(verdicts: readonly GateVerdict[]): ExitCode {
  if (verdicts.includes('missed')) return EXIT.gateFailed;
  return verdicts.includes('undecided') ? EXIT.undecided : EXIT.ok;
}
