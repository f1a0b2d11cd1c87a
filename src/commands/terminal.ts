import { styleText } from 'node:util';
import { SILENT, type Log } from '../core/log.ts';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';

/** Whether text on this stream may carry colours: a terminal, and neither NO_COLOR nor --no-color. */
export function hasColor(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && stream.hasColors() && (process.env['NO_COLOR'] ?? '') === '';
}

/** Prints a UserError as one message; any other exception is printed as a fault of Reprise, with its stack. */
export function printError(thrown: unknown): ExitCode {
  const mark = hasColor(process.stderr) ? styleText('red', 'error:') : 'error:';
  if (thrown instanceof UserError) {
    process.stderr.write(`${mark} ${thrown.message}\n`);
    return thrown.exitCode;
  }
  const detail = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  process.stderr.write(
    `${mark} this is a fault in reprise, not in what you asked for; please report it with this text:\n${detail}\n`,
  );
  return EXIT.fault;
}

/** Prints beside the results, on stderr. */
const TERMINAL_LOG: Log = {
  info: (text) => void process.stderr.write(`${text}\n`),
  warn: printWarning,
};

/** `--quiet` keeps the warnings alone. */
export function terminalLog(quiet: boolean): Log {
  return quiet ? { ...SILENT, warn: TERMINAL_LOG.warn } : TERMINAL_LOG;
}

/** Says each line once: what is the same of every run of a command, such as what is odd in the trace. */
export function once(say: (line: string) => void): (line: string) => void {
  const said = new Set<string>();
  return (line) => {
    if (!said.has(line)) say(line);
    said.add(line);
  };
}

export function printWarning(text: string): void {
  const mark = hasColor(process.stderr) ? styleText('yellow', 'warning:') : 'warning:';
  process.stderr.write(`${mark} ${text}\n`);
}

/** A gate beside the results; on stderr where stdout is for machines. */
export function printGate(text: string, isJson: boolean): void {
  (isJson ? process.stderr : process.stdout).write(`${text}\n`);
}

/** The reader of stdout may close it early (`| head`): the command goes on, and its files are written. */
export function outliveReaders(): void {
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.exitCode = printError(new UserError(`stdout: ${error.message}`));
  });
}
