import type { IterationWatch } from '../instance/iteration-log.ts';
import type { Shares } from './nexus-shares.ts';

export interface SemiPdShareOptions {
  /** Shares at the beginning, above 0 and at most 1; their sum may exceed 1. */
  readonly prefillShare: number;
  readonly decodeShare: number;
  /** Limits of the latencies in a window, microseconds. */
  readonly ttftLimitUs: number;
  readonly tpotLimitUs: number;
  readonly windowUs: number;
  /** From a decision until new processes run with the shares, and until the next decision. */
  readonly restartUs: number;
}

/** Shares that the controller may choose for prompts; decodes have the rest. */
const GRID = Array.from({ length: 17 }, (_, i) => (i + 2) / 20);

/**
 * semi-PD's controller, reconstructed from what is written about it (systems.md 1.7), because its equations are not
 * published: at the end of each window in which a latency was above its limit, both are predicted for every share and the
 * shares of the best prediction take effect when new processes have started. A time on a share is inversely proportional to
 * it; prompts are an M/M/1 queue of their mean service time. Where they would keep up on no share, the phase whose limit is
 * exceeded gets the most.
 */
export function semiPdShares(
  options: SemiPdShareOptions,
  now: () => number,
): Shares & { readonly watch: IterationWatch } {
  const { ttftLimitUs, tpotLimitUs, windowUs, restartUs } = options;
  let shares = { prefill: options.prefillShare, decode: options.decodeShare };
  let next: { readonly atUs: number; readonly shares: typeof shares } | null = null;
  let window = emptyWindow(0);

  const decide = (nowUs: number): void => {
    const { ttftsUs, prompts, prefillUs, decodeUs, decodes, fromUs } = window;
    window = emptyWindow(nowUs);
    if (next !== null || prompts === 0 || decodes === 0) return;
    const meanTtftUs = ttftsUs / prompts;
    const meanTpotUs = decodeUs / decodes;
    if (meanTtftUs <= ttftLimitUs && meanTpotUs <= tpotLimitUs) return;
    const arrivalsPerUs = prompts / (nowUs - fromUs);
    const ofLimit = (prefill: number): number => {
      const servedPerUs = prefill / shares.prefill / (prefillUs / prompts);
      const ttft = servedPerUs > arrivalsPerUs ? 1 / (servedPerUs - arrivalsPerUs) / ttftLimitUs : Infinity;
      const tpot = (meanTpotUs * (shares.decode / (1 - prefill))) / tpotLimitUs;
      return Math.max(ttft, tpot);
    };
    let best = (meanTtftUs > ttftLimitUs ? GRID.at(-1) : GRID[0]) ?? options.prefillShare;
    for (const share of GRID) if (ofLimit(share) < ofLimit(best)) best = share;
    next = { atUs: nowUs + restartUs, shares: { prefill: best, decode: 1 - best } };
  };

  const inForce = (): typeof shares => {
    const nowUs = now();
    if (next === null || nowUs < next.atUs) return shares;
    shares = next.shares;
    next = null;
    window = emptyWindow(nowUs);
    return shares;
  };

  return {
    prefill: () => inForce().prefill,
    decode: () => inForce().decode,
    watch: (_instance, slot, stageUs) => {
      const { nowUs } = slot;
      if (nowUs - window.fromUs >= windowUs) decide(nowUs);
      for (let i = 0; i < slot.size; i++) {
        const sequence = slot.batch[i];
        if (sequence === undefined) continue;
        if (slot.decodes[i] === true && sequence.generatedTokens === 1) {
          window.prompts++;
          window.ttftsUs += sequence.times.prefilledUs - sequence.arrivalUs;
        }
      }
      if (slot.work.decodes > 0) {
        window.decodes++;
        window.decodeUs += stageUs;
      } else window.prefillUs += stageUs;
    },
  };
}

/** Sums since `fromUs`. */
interface Window {
  readonly fromUs: number;
  ttftsUs: number;
  prompts: number;
  prefillUs: number;
  decodes: number;
  decodeUs: number;
}

function emptyWindow(fromUs: number): Window {
  return { fromUs, ttftsUs: 0, prompts: 0, prefillUs: 0, decodes: 0, decodeUs: 0 };
}
