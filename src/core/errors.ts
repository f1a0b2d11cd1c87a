/** Exit codes of the command line (`contract.md`, "Exit codes"). */
export const EXIT = {
  ok: 0,
  gateFailed: 1,
  usage: 2,
  unreachable: 3,
  undecided: 4,
  /** A fault of Reprise, not of the user's input. */
  fault: 70,
  sigint: 130,
  sigterm: 143,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/**
 * An error that the user can mend: its message names what was found, where, and the way out, and is printed without a
 * stack trace. A failed request is never an error: it is a record with an outcome.
 */
export class UserError extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, options: { exitCode?: ExitCode; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'UserError';
    this.exitCode = options.exitCode ?? EXIT.usage;
  }
}

/** The message of a thrown value of any type, for messages that wrap it. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
