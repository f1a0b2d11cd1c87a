import { formatShare } from '../../src/core/units.ts';
import type { ComparedBin, ComparedTimes } from '../data/comparison-data.ts';
import { beatsChance } from '../data/follows.ts';
import type { TimedLatency } from '../data/latency-timeline.ts';
import { METRIC_NAMES } from '../definitions.ts';
import { afterText, durationTexts } from '../format.ts';
import type { SIDES } from './comparison-ecdf-chart.ts';
import { durationS } from './time-panel.ts';

type Side = (typeof SIDES)[number];

/** The title goes by bins of at least so many requests of each side. */
const ENOUGH = 10;
/** The sides are apart in a bin when one is so many times the other, and so many times as far as in the median bin. */
const APART = 1.5;

/** In how many bins one side's p50 is lower, and where the two are further apart than mostly. */
export function comparedLatencyTitle(metric: TimedLatency, { bins }: ComparedTimes): string {
  const name = METRIC_NAMES[metric];
  const known = bins.flatMap((bin): KnownBin[] => {
    const [base, now] = [bin.base[metric], bin.new[metric]];
    if (Math.min(base.requests, now.requests) < ENOUGH) return [];
    if (!(base.p50_ms !== null && base.p50_ms > 0 && now.p50_ms !== null && now.p50_ms > 0)) return [];
    return [
      {
        from_s: bin.from_s,
        ms: [base.p50_ms, now.p50_ms],
        ln: Math.log(now.p50_ms / base.p50_ms),
        differs: bin.differs[metric],
      },
    ];
  });
  if (known.length === 0) return `${name} of both over time`;
  const [inNew, inBase] = [known.filter(({ ln }) => ln < 0).length, known.filter(({ ln }) => ln > 0).length];
  if (inNew === 0 && inBase === 0) return `${name} p50 is the same all the time`;
  const [most, side] = inNew > inBase ? [inNew, 'new'] : [inBase, 'base'];
  const where = most === known.length ? 'all the time' : `in ${most} of ${known.length} bins`;
  const lower = beatsChance(most, known.length) ? `lower in ${side} ${where}` : null;
  const parts = [lower, apartText(known, durationS(bins))].filter((part) => part !== null);
  return parts.length === 0 ? `${name} of both over time` : `${name} p50 is ${parts.join('; ')}`;
}

interface KnownBin {
  readonly from_s: number;
  /** p50 of base and of new. */
  readonly ms: readonly [number, number];
  /** ln(new / base). */
  readonly ln: number;
  readonly differs: boolean;
}

/** Null where the sides are as far apart as mostly, or where the runs do not show it. */
function apartText(known: readonly KnownBin[], endS: number): string | null {
  const lns = known.map(({ ln }) => ln).toSorted((a, b) => a - b);
  const middle = lns[Math.floor(lns.length / 2)] ?? 0;
  const furthest = known
    .filter(({ ln, differs }) => differs && Math.min(Math.abs(ln), Math.abs(ln - middle)) >= Math.log(APART))
    .reduce<KnownBin | null>((most, bin) => (Math.abs(bin.ln) > Math.abs(most?.ln ?? 0) ? bin : most), null);
  if (furthest === null) return null;
  const [base = '', now = ''] = durationTexts(furthest.ms);
  return `most apart ${afterText(furthest.from_s, endS)}: ${base} in base, ${now} in new`;
}

export function comparedAttainmentTitle({ bins }: ComparedTimes): string {
  const lowest = (side: Side): number =>
    bins.reduce((low, { [side]: { attainment } }) => Math.min(low, attainment ?? 1), 1);
  const [base, now] = [lowest('base'), lowest('new')];
  if (base === 1 && now === 1) return 'Attainment stays at 100 % in both';
  return base === now
    ? `Attainment is ${formatShare(base)} at its lowest in both`
    : `Attainment is ${formatShare(base)} at its lowest in base, ${formatShare(now)} in new`;
}

export function comparedFailuresTitle({ bins }: ComparedTimes): string {
  const shareOf = (side: Side): number => {
    const total = (of: (bin: ComparedBin) => number): number => bins.reduce((sum, bin) => sum + of(bin), 0);
    return total(({ [side]: each }) => each.failed) / total(({ [side]: each }) => each.requests);
  };
  const [base, now] = [shareOf('base'), shareOf('new')];
  if (base === 0) return `No request fails in base, ${formatShare(now)} in new`;
  return `${formatShare(base)} of requests fail in base, ${now === 0 ? 'none' : formatShare(now)} in new`;
}
