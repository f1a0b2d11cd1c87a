import type { Plan } from '../core/plan.ts';
import type { RunProgress } from '../run/run.ts';
import { countLine, progressLine } from './progress-line.ts';
import { drawLine, progressStream, type ProgressStream } from './terminal.ts';

const TTY_EVERY_MS = 250;
const PLAIN_EVERY_MS = 5000;
/** Of a terminal that does not tell. */
const USUAL_COLUMNS = 80;

const everyMs = ({ isTTY }: ProgressStream): number => (isTTY === true ? TTY_EVERY_MS : PLAIN_EVERY_MS);

/** Draws a line of a given width over the one before on a terminal; prints a plain one, of any width, elsewhere. */
function put(stream: ProgressStream, line: (width: number | null) => string): void {
  const { isTTY, columns = 0 } = stream;
  // A line in the last column would wrap on some terminals.
  drawLine(line(isTTY === true ? (columns === 0 ? USUAL_COLUMNS : columns) - 1 : null), stream);
}

function erase(stream: ProgressStream): void {
  if (stream.isTTY === true) drawLine('', stream);
}

/** Shows a live line on a terminal, a plain line every few seconds elsewhere; the returned function ends it. */
export function showProgress(
  plan: Plan,
  snapshot: () => RunProgress,
  stream: ProgressStream = progressStream(),
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
  const stream = progressStream();
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
  const stream = progressStream();
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
