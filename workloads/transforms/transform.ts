import type { Source, TransformSpec } from '../../src/core/plan.ts';

export type Args = TransformSpec['args'];

/** What a transform gives in place of the source's own: its stream, which can be opened again, and what else changes. */
type Changed = Pick<Source, 'open'> & Partial<Source>;

/** Takes a finding of a reading to its end, for the line that says what the transform did: `3 requests lost ...`. */
export type Say = (finding: string) => void;

/** Who is told what a transform does. */
export interface TransformLog {
  /** Null where nobody is told. */
  readonly say: Say | null;
  /** Of what a user should know before trusting the result; not part of that line. */
  warn(text: string): void;
}

/** Changes the requests of a source; checks its arguments at once. */
export type Transform = (source: Source, args: Args, log: TransformLog) => Changed;

/**
 * A transform whose effect depends on all requests of its source, such as their mean rate: reads them first and gives
 * the transforms that have this effect without reading ahead.
 */
export type ResolvingTransform = (source: Source, args: Args, log: TransformLog) => Promise<readonly TransformSpec[]>;

export const UNHEARD: TransformLog = { say: null, warn: () => undefined };

/** Figures of a load that a transform changes. */
export interface Changes {
  readonly arrivals: boolean;
  readonly reuse: boolean;
  readonly lengths: boolean;
}

/** A transform, and what it does to a load. */
export interface TransformKind {
  /** Absent: it resolves to others. */
  readonly apply?: Transform;
  readonly resolve?: ResolvingTransform;
  /** Absent: no option asks for it, and no line says what it did. */
  readonly changes?: Changes | ((args: Args) => Changes);
  /** It moves requests in the time of the trace: it means nothing where sessions have no starts. */
  readonly needsStarts?: true;
}

/** A numeric argument of a transform; a missing one, or one of another kind, is a fault of the caller. */
export function numberArg(op: string, args: Args, name: string): number {
  const value = args[name];
  if (typeof value === 'number') return value;
  throw new Error(`transform ${op}: ${name} is ${String(value)}, expected a number`);
}

/** One of the given texts, the first where the argument is absent; another is a fault of the caller. */
export function choiceArg<T extends string>(op: string, args: Args, name: string, choices: readonly [T, ...T[]]): T {
  const value = args[name] ?? choices[0];
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw new Error(`transform ${op}: ${name} is ${value}, expected ${choices.join(' or ')}`);
}
