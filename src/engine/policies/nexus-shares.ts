import type { Batch } from '../cost/batch.ts';
import type { SharedCostModel } from '../cost/cost-model.ts';
import type { ShareChoice } from '../hardware/device.ts';

export interface NexusShareOptions {
  /** How much longer than on the whole GPU a prefill may take while decodes are favoured (alpha), and a decode (beta). */
  readonly prefillSlack: number;
  readonly decodeSlack: number;
  /** `auto`: prompts are favoured while KV use is below `kvSwitch`, decodes above it. */
  readonly objective: 'auto' | 'prefill' | 'decode';
  /** Share of the KV memory in use where `auto` switches, and how far beyond it on either side. */
  readonly kvSwitch: number;
  readonly kvHysteresis: number;
  /** Least change of a share that is applied (delta), percent of the GPU. */
  readonly leastChange: number;
  /** Least share of a phase while both are busy, percent. */
  readonly smallest: number;
  /** Share of a phase while the other is idle, above 0 and at most 1. */
  readonly idleShare: number;
  /** Whether the time of a decode counts the bandwidth that the prompts beside it take. */
  readonly isContended: boolean;
}

/** The two phases of a GPU, and the share of it that each takes. */
export interface Shares {
  readonly prefill: ShareChoice;
  readonly decode: ShareChoice;
}

/**
 * Nexus' partition (section 4.2, Algorithm 1): before each batch, the share of the favoured phase grows as long as the
 * other one takes at most its slack longer than on the whole GPU, by the cost model alone. A change below `leastChange` is
 * not applied. A batch takes what is in force when it begins; the one under way beside it ends on its own share.
 *
 * `cost` is without noise; `kvUse`: share of the KV memory in use.
 */
export function nexusShares(options: NexusShareOptions, cost: SharedCostModel, kvUse: () => number): Shares {
  const { smallest, idleShare, leastChange, isContended } = options;
  /** In force, percent; the decodes have the rest. */
  let prefillPercent = 50;
  let isPrefillFirst = true;

  const decodeUs = (decode: Batch, percent: number, prefill: Batch): number => {
    const us = cost.timeUs(decode, percent / 100);
    return isContended ? us + contentionUs(cost, decode, prefill) : us;
  };
  const choose = (prefill: Batch, decode: Batch): void => {
    isPrefillFirst = favoursPrefill(options, kvUse(), isPrefillFirst);
    const most = 100 - smallest;
    const found = isPrefillFirst
      ? largestShare(prefillPercent, smallest, most, options.decodeSlack, (rest) => decodeUs(decode, rest, prefill))
      : 100 -
        largestShare(100 - prefillPercent, smallest, most, options.prefillSlack, (rest) =>
          cost.timeUs(prefill, rest / 100),
        );
    if (Math.abs(found - prefillPercent) >= leastChange) prefillPercent = found;
  };
  return {
    prefill: (batch, decode) => {
      if (decode === null) return idleShare;
      choose(batch, decode);
      return prefillPercent / 100;
    },
    decode: (batch, prefill) => {
      if (prefill === null) return idleShare;
      choose(prefill, batch);
      return 1 - prefillPercent / 100;
    },
  };
}

function favoursPrefill(
  { objective, kvSwitch, kvHysteresis }: NexusShareOptions,
  kvUse: number,
  isPrefillFirst: boolean,
): boolean {
  if (objective !== 'auto') return objective === 'prefill';
  return kvUse <= kvSwitch + (isPrefillFirst ? kvHysteresis : -kvHysteresis);
}

/**
 * The largest share of the favoured phase, percent from `least` to `most`, at which the other one, on the rest, takes at
 * most `slack` times as long as on the whole GPU; `least` where none is small enough. Searched from `from`, in steps of 1.
 */
function largestShare(
  from: number,
  least: number,
  most: number,
  slack: number,
  otherUs: (percent: number) => number,
): number {
  const limitUs = slack * otherUs(100);
  let share = Math.min(Math.max(from, least), most);
  while (share > least && otherUs(100 - share) > limitUs) share--;
  while (share < most && otherUs(100 - (share + 1)) <= limitUs) share++;
  return share;
}

/**
 * What decode attention takes longer for the bandwidth that a prefill beside it uses (section 4.1, reconstructed: the
 * equation is an image): of the time that the prefill attends, by the bytes of both attentions; of the rest, by those of
 * decode attention and of the prefill's weights.
 */
function contentionUs(cost: SharedCostModel, decode: Batch, prefill: Batch): number {
  const [ofDecode, ofPrefill] = [cost.demand(decode), cost.demand(prefill)];
  if (ofDecode.kvUs === 0) return 0;
  const attending = ofPrefill.attentionUs / cost.timeUs(prefill);
  const part = (otherUs: number): number => ofDecode.kvUs / (ofDecode.kvUs + otherUs);
  const left = attending * part(ofPrefill.kvUs) + (1 - attending) * part(ofPrefill.memoryUs - ofPrefill.kvUs);
  return ofDecode.kvUs * (1 / left - 1);
}
