import { formatShare, threeFigures } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import type { ServerBin, ServerTimeline } from '../data/server-timeline.ts';
import { amountText } from '../format.ts';
import { COLOURS } from './theme.ts';
import { amountCell, percentCell, type TimeChart } from './time-chart.ts';
import {
  iterationTokensTitle,
  kvUsageTitle,
  preemptionsTitle,
  prefixHitsTitle,
  serverLoadTitle,
} from './time-findings.ts';

/** Two scrapes are the ends of a run. */
const LEAST_SCRAPES = 3;

const nounOf = ({ clock }: ServerTimeline): string => (clock === 'virtual' ? 'sample' : 'scrape');

const OF_SERVER = {
  n: (line: ServerTimeline): string =>
    `${countText(line.scrapes, nounOf(line))} of the ${line.clock === 'virtual' ? 'engine' : "server's metrics"}`,
  of: (line: ServerTimeline) => ({ n: line.scrapes, noun: nounOf(line), least: LEAST_SCRAPES }),
  nothing: 'the engine told nothing',
};
const KV_USAGE = 'KV cache in use';
const ITERATION_TOKENS = 'tokens an iteration';
const preemptionsText = (perS: number): string => `${threeFigures(perS)} preemptions/s`;
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
    label: (over) => `Requests running and waiting in the server ${over}, as the engine says`,
    note: (line) => `means of the ${nounOf(line)}s in a bin`,
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
    label: (over) => `Share of the KV cache in use, of the fullest engine, ${over}, as the engine says`,
    note: (line) => `the fullest engine, means of the ${nounOf(line)}s in a bin`,
    columns: { [`${KV_USAGE} (%)`]: (bin) => percentCell(bin.kv_usage) },
    isShown: ({ bins }) => bins.some(({ kv_usage }) => kv_usage !== null),
  },
  {
    // Requests that lost their memory to others, and were computed again.
    ...OF_SERVER,
    id: 'server-preemptions',
    name: 'preemptions',
    yTitle: 'preemptions/s',
    series: [
      {
        name: 'preemptions',
        mark: 'bar',
        color: COLOURS.bad,
        value: ({ preemptions_per_s }) => (preemptions_per_s === 0 ? null : preemptions_per_s),
        text: preemptionsText,
      },
    ],
    title: preemptionsTitle,
    label: (over) => `Preemptions per second ${over}, as the engine says`,
    note: () => 'requests that lost their KV memory to others and were computed again',
    columns: { 'preemptions (1/s)': (bin) => amountCell(bin.preemptions_per_s) },
    nothing: 'no preemption',
    isShown: ({ preemptions }) => preemptions > 0,
  },
  {
    // Where the batch is full of prompts, the gaps of all who decode are long.
    ...OF_SERVER,
    id: 'server-batch',
    name: 'tokens an iteration',
    yTitle: ITERATION_TOKENS,
    series: [
      {
        name: ITERATION_TOKENS,
        mark: 'area',
        color: COLOURS.first,
        value: (bin) => bin.iteration_tokens,
        text: (value) => `${amountText(value)} ${ITERATION_TOKENS}`,
      },
    ],
    title: iterationTokensTitle,
    label: (over) => `Tokens that an iteration of the engine computes, prompt and output, ${over}, as the engine says`,
    note: () => 'prompt and output tokens that an iteration computes, means over a bin',
    columns: { [ITERATION_TOKENS]: (bin) => amountCell(bin.iteration_tokens) },
    nothing: 'no iteration',
    isShown: ({ bins }) => bins.some(({ iteration_tokens }) => iteration_tokens !== null),
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
      `Share of the prompt tokens found in the prefix cache, of those looked for, ${over}, as the engine says`,
    note: () => 'prompt tokens found, of those looked for',
    columns: { [`${PREFIX_HITS} (%)`]: (bin) => percentCell(bin.prefix_hit_rate) },
    // Where no prompt of the workload begins like another, a cache without a hit is no news.
    isShown: ({ bins }, { workload }) =>
      bins.some(({ prefix_hit_rate }) => prefix_hit_rate !== null) &&
      (workload.prefix_reuse !== null || bins.some(({ prefix_hit_rate }) => (prefix_hit_rate ?? 0) > 0)),
  },
];
