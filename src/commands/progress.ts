import type { Plan } from '../core/plan.ts';
import { formatMs, withThousands } from '../core/units.ts';
import type { RunProgress } from '../run/run.ts';

const TTY_EVERY_MS = 250;
const PLAIN_EVERY_MS = 5000;
/** Moves to the start of the line and erases it. */
const ERASE = '\r\u001B[2K';
const everyMs = (): number => (process.stderr.isTTY ? TTY_EVERY_MS : PLAIN_EVERY_MS);

/** Replaces the previous line on a terminal, prints below it elsewhere. */
function put(line: string): void {
  const { isTTY, columns = 80 } = process.stderr;
  process.stderr.write(isTTY ? `${ERASE}${line.slice(0, columns - 1)}` : `${line}\n`);
}

function erase(): void {
  if (process.stderr.isTTY) process.stderr.write(ERASE);
}

/** Shows a live line on a terminal, a plain line every few seconds elsewhere; the returned function ends it. */
export function showProgress(plan: Plan, snapshot: () => RunProgress): () => void {
  let lastTokens = 0;
  let lastUs = 0;
  const draw = (): void => {
    const now = snapshot();
    const nowUs = Math.max(0, now.nowUs);
    const rate = nowUs > lastUs ? ((now.tokens - lastTokens) * 1e6) / (nowUs - lastUs) : 0;
    [lastTokens, lastUs] = [now.tokens, nowUs];
    put(progressLine(plan, now, rate));
  };
  const timer = setInterval(draw, everyMs());
  return () => {
    clearInterval(timer);
    erase();
  };
}

/** As `showProgress`, for work that is counted in parts and has no time. */
export function showCount(
  what: string,
  quiet: boolean,
): { readonly show: (done: number, of: number, best: string | null) => void; readonly end: () => void } {
  let shownMs = Date.now();
  return {
    show(done, of, best) {
      const nowMs = Date.now();
      if (quiet || nowMs - shownMs < everyMs()) return;
      shownMs = nowMs;
      put(`${bar(done / of)} ${done} of ${of} ${what}${best === null ? '' : `  best so far ${best}`}`);
    },
    end() {
      if (!quiet) erase();
    },
  };
}

function bar(share: number): string {
  const filled = Math.round(share * 20);
  return `${'━'.repeat(filled)}${'╌'.repeat(20 - filled)}`;
}

function progressLine({ stats, endUs }: Plan, now: RunProgress, tokensPerS: number): string {
  const { requests } = stats;
  // Where responses decide when requests are due, only the number of due requests shows the progress.
  const share = endUs === null ? now.due / requests : endUs === 0 ? 1 : Math.max(0, now.nowUs) / endUs;
  const failed = now.failed === 0 ? '' : `, ${withThousands(now.failed)} failed`;
  const clock = endUs === null ? seconds(now.nowUs) : `${seconds(now.nowUs)} of ${seconds(endUs)}`;
  const counts = `${withThousands(now.sent)} of ${withThousands(requests)} sent, ${withThousands(now.inFlight)} in flight, ${withThousands(now.ok)} ok${failed}`;
  return `${bar(Math.min(1, share))} ${clock}  ${counts}  ${withThousands(Math.round(tokensPerS))} tokens/s`;
}

function seconds(us: number): string {
  return us <= 0 ? '0 s' : us < 600e6 ? `${Math.round(us / 1e6)} s` : formatMs(us / 1000);
}
