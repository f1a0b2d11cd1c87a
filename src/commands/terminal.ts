import { styleText } from 'node:util';
import { SILENT, type Log } from '../core/log.ts';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { CUT } from '../core/key-hider.ts';
import { visibleLine, visibleLines } from '../core/visible-text.ts';

/*
 * The one way to the terminal. What a text from outside would do to it (move the cursor, hide, turn the direction) is shown
 * instead; of all sequences only the colours of our own reports pass, and only where the terminal has colours.
 */

/** Of a message: the cell of a trace or the name of a file may be as long as it likes. */
const LONGEST_LINE = 4000;
/** Moves to the start of the line and erases it. */
const ERASE = '\r\u001B[2K';
// oxlint-disable-next-line no-control-regex -- The sequences that `reports/text` and `styleText` write.
const OUR_COLOURS = /(\u001B\[(?:0|1|2|22|31|32|33|39)m)/;

/** Whether results may carry colours: on a terminal, with neither NO_COLOR nor --no-color. */
export function hasColor(): boolean {
  return hasColorOn(process.stdout);
}

function hasColorOn(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && stream.hasColors() && (process.env['NO_COLOR'] ?? '') === '';
}

/** Columns of the terminal of results; undefined where it is none. */
export function columns(): number | undefined {
  return process.stdout.columns;
}

/** Prints a result, its line ends included, on stdout. */
export function print(text: string): void {
  write(process.stdout, text);
}

/** Prints lines beside the results, on stderr. */
export function tell(text: string): void {
  write(process.stderr, `${boundedLines(text)}\n`);
}

function write(stream: NodeJS.WriteStream, text: string): void {
  if (!hasColorOn(stream)) stream.write(visibleLines(text));
  else
    stream.write(
      text
        .split(OUR_COLOURS)
        .map((part, i) => (i % 2 === 1 ? part : visibleLines(part)))
        .join(''),
    );
}

function boundedLines(text: string): string {
  const half = LONGEST_LINE / 2;
  return text
    .split('\n')
    .map((line) => (line.length <= LONGEST_LINE ? line : line.slice(0, half) + CUT + line.slice(-half)))
    .join('\n')
    .toWellFormed();
}

/** Where progress is drawn: a terminal, whose width may change meanwhile, or a file or pipe. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Draws a line over the one before on a terminal, the empty one to erase it; elsewhere it prints a line. */
export function drawLine(line: string, stream: ProgressStream): void {
  const shown = visibleLine(line);
  stream.write(stream.isTTY === true ? ERASE + shown : `${shown}\n`);
}

/** The stream of progress. */
export function progressStream(): ProgressStream {
  return process.stderr;
}

/** Prints a UserError as one message; any other exception is printed as a fault of Reprise, with its stack. */
export function printError(thrown: unknown): ExitCode {
  const mark = hasColorOn(process.stderr) ? styleText('red', 'error:') : 'error:';
  if (thrown instanceof UserError) {
    tell(`${mark} ${thrown.message}`);
    return thrown.exitCode;
  }
  const detail = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  tell(`${mark} this is a fault in reprise, not in what you asked for; please report it with this text:\n${detail}`);
  return EXIT.fault;
}

/** Prints beside the results, on stderr. */
const TERMINAL_LOG: Log = { info: tell, warn: printWarning };

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
  const mark = hasColorOn(process.stderr) ? styleText('yellow', 'warning:') : 'warning:';
  tell(`${mark} ${text}`);
}

/** A gate beside the results; on stderr where stdout is for machines. */
export function printGate(text: string, isJson: boolean): void {
  (isJson ? tell : printLine)(text);
}

/** Prints a line of the result. */
export function printLine(text: string): void {
  print(`${text}\n`);
}

/** The reader of stdout may close it early (`| head`): the command goes on, and its files are written. */
export function outliveReaders(): void {
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.exitCode = printError(new UserError(`stdout: ${error.message}`));
  });
}
