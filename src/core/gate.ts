import { EXIT, UserError, type ExitCode } from './errors.ts';

/** Undecided: the result leaves it open, and neither pass nor failure can be said. */
export type GateVerdict = 'held' | 'missed' | 'undecided';

/** The parts of a condition on a result, such as `goodput>=4rps`. */
export interface Condition {
  readonly text: string;
  readonly name: string;
  readonly operator: string;
  /** A number from 0, as it was written. */
  readonly value: string;
  /** What stands behind it: `%`, `rps`, `ms`; empty where there is nothing. */
  readonly unit: string;
}

/** Reads the parts of a gate, without its blanks. Throws a UserError where it has not all; `examples`: what may be written. */
export function readCondition(text: string, examples: string): Condition {
  const match = /^\s*([\w.]+)\s*(>=|>|<=|<|=+)\s*(\d+(?:\.\d+)?|\.\d+)\s*(%|[\wµ]*)\s*$/.exec(text);
  if (match === null) throw new UserError(`--gate: "${text}" is not a condition; write e.g. ${examples}`);
  const [, name = '', operator = '', value = '', unit = ''] = match;
  return { text: `${name}${operator}${value}${unit}`, name, operator, value, unit };
}

const GLYPHS: Readonly<Record<GateVerdict, string>> = { held: '✓', missed: '✗', undecided: '≈' };

/** `✗ gate goodput>=4rps missed: 3.2 to 3.4 requests/s`. */
export function gateText({ text }: { readonly text: string }, verdict: GateVerdict, why: string): string {
  return `${GLYPHS[verdict]} gate ${text} ${verdict}: ${why}`;
}

/** The exit code of several gates: a failed one before one that cannot be decided. */
export function gateExit(verdicts: readonly GateVerdict[]): ExitCode {
  if (verdicts.includes('missed')) return EXIT.gateFailed;
  return verdicts.includes('undecided') ? EXIT.undecided : EXIT.ok;
}
