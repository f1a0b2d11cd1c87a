import { formatShare } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import type { ServerBin, ServerTimeline } from '../data/server-timeline.ts';
import { amountText } from '../format.ts';
import { COLOURS } from './theme.ts';
import { amountCell, percentCell, type TimeChart } from './time-chart.ts';
import { kvUsageTitle, prefixHitsTitle, serverLoadTitle } from './time-findings.ts';

/** Two scrapes are the ends of a run. */
const LEAST_SCRAPES = 3;

const OF_SERVER = {
  n: ({ scrapes }: ServerTimeline): string => `${countText(scrapes, 'scrape')} of the server's metrics`,
  of: ({ scrapes }: ServerTimeline) => ({ n: scrapes, noun: 'scrape', least: LEAST_SCRAPES }),
  nothing: 'the server told nothing',
};
const KV_USAGE = 'KV cache in use';
const PREFIX_HITS = 'prefix cache hit rate';

/** What the server's metrics say, each only where they say it. */
export const SERVER_CHARTS: readonly TimeChart<ServerBin, ServerTimeline>[] = [
  {
    ...OF_SERVER,
    id: 'server-load',
    name: 'requests in the server',
    yTitle: 'requests in the server',
    series: [
      { name: 'running', mark: 'area', color: COLOURS.first, value: (bin) => bin.running, text: amountText },
      { name: 'waiting', mark: 'line', color: COLOURS.second, value: (bin) => bin.waiting, text: amountText },
    ],
    title: serverLoadTitle,
    label: (over) => `Requests running and waiting in the server ${over}, as it says`,
    note: () => 'means of the scrapes in a bin',
    columns: {
      'running (requests)': (bin) => amountCell(bin.running),
      'waiting (requests)': (bin) => amountCell(bin.waiting),
    },
    isShown: ({ bins }) => bins.some(({ running, waiting }) => running !== null || waiting !== null),
  },
  {
    // At 100 %, requests wait or are preempted.
    ...OF_SERVER,
    id: 'server-kv',
    name: 'KV cache',
    yTitle: KV_USAGE,
    isShare: true,
    series: [{ name: KV_USAGE, mark: 'area', color: COLOURS.first, value: (bin) => bin.kv_usage, text: formatShare }],
    title: kvUsageTitle,
    label: (over) => `Share of the KV cache in use, of the fullest engine, ${over}, as the server says`,
    note: () => 'the fullest engine, means of the scrapes in a bin',
    columns: { [`${KV_USAGE} (%)`]: (bin) => percentCell(bin.kv_usage) },
    isShown: ({ bins }) => bins.some(({ kv_usage }) => kv_usage !== null),
  },
  {
    // There is no line where no prompt token was looked for.
    ...OF_SERVER,
    id: 'server-prefix',
    name: 'prefix cache hits',
    yTitle: PREFIX_HITS,
    isShare: true,
    series: [
      {
        name: PREFIX_HITS,
        mark: 'line',
        color: COLOURS.first,
        value: (bin) => bin.prefix_hit_rate,
        text: formatShare,
      },
    ],
    title: prefixHitsTitle,
    label: (over) =>
      `Share of the prompt tokens found in the prefix cache, of those looked for, ${over}, as the server says`,
    note: () => 'prompt tokens found, of those looked for',
    columns: { [`${PREFIX_HITS} (%)`]: (bin) => percentCell(bin.prefix_hit_rate) },
    // Where no prompt of the workload begins like another, a cache without a hit is no news.
    isShown: ({ bins }, { workload }) =>
      bins.some(({ prefix_hit_rate }) => prefix_hit_rate !== null) &&
      (workload.prefix_reuse !== null || bins.some(({ prefix_hit_rate }) => (prefix_hit_rate ?? 0) > 0)),
  },
];
