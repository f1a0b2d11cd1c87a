import type { PlanFacts } from '../core/plan.ts';
import { formatMs, withThousands } from '../core/units.ts';
import type { RunProgress } from '../compose/run-once.ts';

const TTY_EVERY_MS = 250;
const PLAIN_EVERY_MS = 5000;

/** A live line on a terminal, one plain line every few seconds elsewhere; the function it gives ends it. */
export function showProgress(facts: PlanFacts, look: () => RunProgress): () => void {
  const stream = process.stderr;
  let lastTokens = 0;
  let lastUs = 0;
  const draw = (): void => {
    const now = look();
    const nowUs = Math.max(0, now.nowUs);
    const rate = nowUs > lastUs ? ((now.tokens - lastTokens) * 1e6) / (nowUs - lastUs) : 0;
    [lastTokens, lastUs] = [now.tokens, nowUs];
    const line = progressLine(facts, now, rate);
    if (stream.isTTY) stream.write(`\r\u001B[2K${line.slice(0, (stream.columns ?? 80) - 1)}`);
    else stream.write(`${line}\n`);
  };
  const timer = setInterval(draw, stream.isTTY ? TTY_EVERY_MS : PLAIN_EVERY_MS);
  return () => {
    clearInterval(timer);
    if (stream.isTTY) stream.write('\r\u001B[2K');
  };
}

/** As `showProgress`, for work whose parts are counted and have no time. */
export function showCount(
  what: string,
  quiet: boolean,
): { readonly show: (done: number, of: number, best: string | null) => void; readonly end: () => void } {
  const stream = process.stderr;
  let shownMs = Date.now();
  return {
    show(done, of, best) {
      const nowMs = Date.now();
      if (quiet || nowMs - shownMs < (stream.isTTY ? TTY_EVERY_MS : PLAIN_EVERY_MS)) return;
      shownMs = nowMs;
      const line = `${bar(done / of)} ${done} of ${of} ${what}${best === null ? '' : `  best so far ${best}`}`;
      if (stream.isTTY) stream.write(`\r\u001B[2K${line.slice(0, (stream.columns ?? 80) - 1)}`);
      else stream.write(`${line}\n`);
    },
    end() {
      if (stream.isTTY && !quiet) stream.write('\r\u001B[2K');
    },
  };
}

function bar(share: number): string {
  const filled = Math.round(share * 20);
  return `${'━'.repeat(filled)}${'╌'.repeat(20 - filled)}`;
}

function progressLine(facts: PlanFacts, now: RunProgress, tokensPerS: number): string {
  const share = facts.lastDueUs === 0 ? 1 : Math.min(1, Math.max(0, now.nowUs) / facts.lastDueUs);
  const failed = now.failed === 0 ? '' : `, ${withThousands(now.failed)} failed`;
  const clock = `${seconds(now.nowUs)} of ${seconds(facts.lastDueUs)}`;
  const counts = `${withThousands(now.sent)} of ${withThousands(facts.requests)} sent, ${withThousands(now.inFlight)} in flight, ${withThousands(now.ok)} ok${failed}`;
  return `${bar(share)} ${clock}  ${counts}  ${withThousands(Math.round(tokensPerS))} tokens/s`;
}

function seconds(us: number): string {
  return us <= 0 ? '0 s' : us < 600e6 ? `${Math.round(us / 1e6)} s` : formatMs(us / 1000);
}
