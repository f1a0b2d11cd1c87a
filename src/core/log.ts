/** Where a user hears of what happens beside the result: a line each, without a newline at its end. */
export interface Log {
  /** What was found, decided or done. */
  info(text: string): void;
  /** What a user should know before trusting the result. */
  warn(text: string): void;
}

export const SILENT: Log = { info: () => undefined, warn: () => undefined };
