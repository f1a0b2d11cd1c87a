import type { Plan } from '../core/plan.ts';
import type { RunProgress } from '../run/run.ts';
import { countLine, progressLine } from './progress-line.ts';

const TTY_EVERY_MS = 250;
const PLAIN_EVERY_MS = 5000;
/** Moves to the start of the line and erases it. */
const ERASE = '\r\u001B[2K';
/** Of a terminal that does not tell. */
const USUAL_COLUMNS = 80;

/** Where progress is shown: a terminal, whose width may change meanwhile, or a file or pipe. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const everyMs = ({ isTTY }: ProgressStream): number => (isTTY === true ? TTY_EVERY_MS : PLAIN_EVERY_MS);

/** Draws a line of a given width over the one before on a terminal; prints a plain one, of any width, elsewhere. */
function put(stream: ProgressStream, line: (width: number | null) => string): void {
  const { isTTY, columns = 0 } = stream;
  // A line in the last column would wrap on some terminals.
  if (isTTY === true) stream.write(`${ERASE}${line((columns === 0 ? USUAL_COLUMNS : columns) - 1)}`);
  else stream.write(`${line(null)}\n`);
}

function erase(stream: ProgressStream): void {
  if (stream.isTTY === true) stream.write(ERASE);
}

/** Shows a live line on a terminal, a plain line every few seconds elsewhere; the returned function ends it. */
export function showProgress(
  plan: Plan,
  snapshot: () => RunProgress,
  stream: ProgressStream = process.stderr,
): () => void {
  let lastTokens = 0;
  let lastUs = 0;
  const draw = (): void => {
    const now = snapshot();
    const nowUs = Math.max(0, now.nowUs);
    const rate = nowUs > lastUs ? ((now.tokens - lastTokens) * 1e6) / (nowUs - lastUs) : 0;
    [lastTokens, lastUs] = [now.tokens, nowUs];
    put(stream, (width) => progressLine(plan, now, rate, width));
  };
  const timer = setInterval(draw, everyMs(stream));
  return () => {
    clearInterval(timer);
    erase(stream);
  };
}

/** As `showProgress`, for work that is counted in parts. `more`: what else is known of it. */
export function showCount(
  what: string,
  quiet: boolean,
): { readonly show: (done: number, of: number, more: string | null) => void; readonly end: () => void } {
  const stream: ProgressStream = process.stderr;
  let shownMs = Date.now();
  return {
    show(done, of, more) {
      const nowMs = Date.now();
      if (quiet || nowMs - shownMs < everyMs(stream)) return;
      shownMs = nowMs;
      put(stream, (width) => countLine(what, done, of, more, width));
    },
    end() {
      if (!quiet) erase(stream);
    },
  };
}

/** As `showProgress`, for work in steps that have names; a step is shown when it begins. */
export function showSteps(quiet: boolean): { readonly step: (what: string) => void; readonly end: () => void } {
  const stream: ProgressStream = process.stderr;
  let shownMs = Number.NEGATIVE_INFINITY;
  return {
    step(what) {
      const nowMs = Date.now();
      if (quiet || (stream.isTTY !== true && nowMs - shownMs < PLAIN_EVERY_MS)) return;
      shownMs = nowMs;
      put(stream, (width) => what.slice(0, width ?? what.length));
    },
    end() {
      if (!quiet) erase(stream);
    },
  };
}
