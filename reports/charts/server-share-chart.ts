import { formatShare } from '../../src/core/units.ts';
import type { ServerBin, ServerTimeline } from '../data/server-timeline.ts';
import { afterWords, countWords, secondsWords } from '../format.ts';
import type { Chart } from './chart.ts';
import { COLOURS, SHARE_LABEL } from './theme.ts';
import { binWords, timePanel } from './time-panel.ts';

export interface ServerShare {
  readonly id: string;
  readonly yTitle: string;
  /** Of what, in words. */
  readonly about: string;
  readonly mark: 'area' | 'line';
  readonly value: (bin: ServerBin) => number | null;
  readonly titleOf: (known: readonly { readonly share: number; readonly from_s: number }[]) => string;
}

/** Nothing to see, and nothing to tell apart in words. */
const SMALL = 0.001;

/** KV memory in use: at 1, requests wait or are thrown out. */
export const KV_USAGE: ServerShare = {
  id: 'server-kv',
  yTitle: 'KV cache in use',
  about: 'KV cache in use, of the fullest engine',
  mark: 'area',
  value: (bin) => bin.kv_usage,
  titleOf: (known) => {
    const most = known.reduce((peak, bin) => (bin.share > peak.share ? bin : peak), { share: 0, from_s: 0 });
    if (most.share < SMALL) return `KV cache use stays under ${formatShare(SMALL)}`;
    return `KV cache use peaks at ${formatShare(most.share)} ${afterWords(most.from_s)}`;
  },
};

/** Where nothing was looked for there is no line. */
export const PREFIX_HITS: ServerShare = {
  id: 'server-prefix',
  yTitle: 'prefix cache hit rate',
  about: 'prompt tokens found in the prefix cache, of those looked for',
  mark: 'line',
  value: (bin) => bin.prefix_hit_rate,
  titleOf: (known) => {
    const [low, high] = [Math.min(...known.map(({ share }) => share)), Math.max(...known.map(({ share }) => share))];
    if (high === 0) return 'Nothing was found in the prefix cache';
    return formatShare(low) === formatShare(high)
      ? `Prefix cache hits stay at ${formatShare(low)}`
      : `Prefix cache hits run from ${formatShare(low)} to ${formatShare(high)}`;
  },
};

/** A share that the server tells, over time. */
export function serverShareChart(
  server: ServerTimeline,
  { id, yTitle, about, mark, value, titleOf }: ServerShare,
): Chart {
  const { bins, scrapes } = server;
  const title = titleOf(
    bins.flatMap((bin) => {
      const share = value(bin);
      return share === null ? [] : [{ share, from_s: bin.from_s }];
    }),
  );
  return {
    id,
    title,
    label: `Share of the ${about}, over ${secondsWords(bins.at(-1)?.to_s ?? 0)}, as the server says. ${title}.`,
    note: `n = ${countWords(scrapes, 'scrape')} of the server's metrics; ${about}; ${binWords(server)}.`,
    spec: timePanel(server, {
      height: 110,
      yTitle,
      yDomain: [0, 1],
      yLabel: SHARE_LABEL,
      series: [{ name: yTitle, mark, color: COLOURS.first, value, words: formatShare }],
      nothing: 'the server told nothing',
    }),
    table: {
      columns: ['from (s)', `${yTitle} (%)`],
      rows: bins.map((bin) => {
        const share = value(bin);
        return [String(bin.from_s), share === null ? '-' : (share * 100).toFixed(1)];
      }),
    },
  };
}
