/** Receives the lines that inform the user beside the result, each without a newline at its end. */
export interface Log {
  /** A finding, a decision or a step that is done. */
  info(text: string): void;
  /** A warning that the user should read before trusting the result. */
  warn(text: string): void;
}

export const SILENT: Log = { info: () => undefined, warn: () => undefined };
