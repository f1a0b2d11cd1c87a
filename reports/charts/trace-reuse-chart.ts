import type { PrefixStatistics, TraceInspection } from '../../src/core/trace-inspection.ts';
import { formatShare, plainPercent, withThousands } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import { aboutText, areSessionsOneByOne, shareHeld, type CacheReading } from '../trace-words.ts';
import type { Chart, Layers, Position } from './chart.ts';
import { logTicks } from './log-axis.ts';
import { COLOURS, SHARE_LABEL } from './theme.ts';

const HEIGHT = 240;
/** Share of all hits that is called nearly all. */
const NEARLY = 0.9;
const MOST_EMPTY = 0.002;

/** Hits of an LRU prefix cache by its size; null of a trace whose prompts share no beginning. */
export function traceReuseChart(found: TraceInspection, reading: CacheReading | null): Chart | null {
  const { prefix } = found;
  if (prefix === null || prefix.max_hit_ratio === 0) return null;
  const { max_hit_ratio: limit, block_tokens: blockTokens, sampled } = prefix;
  // Where no cache has a hit yet there is nothing to see.
  const from = Math.max(0, prefix.lru.findIndex(({ hit_ratio }) => hit_ratio > MOST_EMPTY * limit) - 1);
  const lru = prefix.lru.slice(from);
  const unit = blockTokens ?? 1;
  const points = lru.map(({ blocks, hit_ratio }) => ({
    size: blocks * unit,
    hit_ratio,
    text: `a cache of ${sizeText(blocks, blockTokens)}: ${formatShare(hit_ratio)} of the blocks`,
  }));
  const isOneByOne = areSessionsOneByOne(found);
  const title = titleOf(prefix, isOneByOne);
  const read = blockTokens === null || reading === null ? null : reading;
  const held = read === null ? null : shareHeld(prefix, read.tokens);
  return {
    id: 'reuse',
    title,
    label: `Share of the blocks of prompts that an LRU prefix cache holds, by its size. ${title}.`,
    note:
      `n = ${countText(prefix.blocks, 'block')}, ${withThousands(prefix.distinct_blocks)} of them distinct, ${isOneByOne ? 'one session after another, as the trace does not say when they start: N at a time need about N times the cache' : 'in the order of the trace'}; hits are a prompt's leading blocks. ` +
      `Line across: a cache without limit, ${formatShare(limit)}.` +
      (read === null || held === null
        ? ''
        : ` Dotted: ${aboutText(read.tokens)} tokens, which the KV cache of ${read.name} holds, and ${formatShare(held)} of the blocks with it.`) +
      (sampled < 1 ? ` By a sample of ${plainPercent(sampled)} % of the blocks.` : ''),
    spec: { width: 'container', height: HEIGHT, layer: layersOf(points, { limit, blockTokens, read }) },
    table: {
      columns: ['cache (blocks)', ...(blockTokens === null ? [] : ['cache (tokens)']), 'hits (% of blocks)'],
      rows: lru.map(({ blocks, hit_ratio }) => [
        withThousands(blocks),
        ...(blockTokens === null ? [] : [withThousands(blocks * blockTokens)]),
        (hit_ratio * 100).toFixed(2),
      ]),
    },
  };
}

function titleOf({ lru, max_hit_ratio: limit, block_tokens }: PrefixStatistics, isOneByOne: boolean): string {
  const enough = lru.find(({ hit_ratio }) => hit_ratio >= NEARLY * limit);
  if (enough === undefined) return `A cache without limit holds ${formatShare(limit)} of the blocks`;
  const cache = `${isOneByOne ? 'Of one session after another, a' : 'A'} cache of ${sizeText(enough.blocks, block_tokens)}`;
  return `${cache} gets ${formatShare(enough.hit_ratio / limit)} of the hits that are possible, ${formatShare(enough.hit_ratio)} of the blocks`;
}

function sizeText(blocks: number, blockTokens: number | null): string {
  return blockTokens === null ? countText(blocks, 'block') : `${aboutText(blocks * blockTokens)} tokens`;
}

interface Drawn {
  readonly limit: number;
  readonly blockTokens: number | null;
  readonly read: CacheReading | null;
}

function layersOf(
  points: readonly { readonly size: number; readonly hit_ratio: number; readonly text: string }[],
  { limit, blockTokens, read }: Drawn,
): Layers {
  const sizes = [...points.map(({ size }) => size), ...(read === null ? [] : [read.tokens])];
  const domain: [number, number] = [Math.min(...sizes), Math.max(...sizes) * 1.05];
  const x: Position = {
    field: 'size',
    type: 'quantitative',
    scale: { type: 'log', domain, nice: false },
    axis: {
      title: `cache (${blockTokens === null ? 'blocks' : 'tokens'}, log scale)`,
      values: logTicks(domain),
      format: '~s',
    },
  };
  const y: Position = {
    field: 'hit_ratio',
    type: 'quantitative',
    scale: { domain: [0, limit * 1.15], nice: false },
    axis: { title: 'hits, of all blocks', labelExpr: SHARE_LABEL, tickCount: 5 },
  };
  return [
    {
      data: { values: [{ hit_ratio: limit }] },
      mark: { type: 'rule', strokeWidth: 1, color: COLOURS.muted },
      encoding: { y },
    },
    {
      data: { values: [{ hit_ratio: limit, text: 'without limit' }] },
      mark: { type: 'text', align: 'left', baseline: 'bottom', dx: 4, dy: -3, color: COLOURS.muted },
      encoding: { x: { value: 0 }, y, text: { field: 'text', type: 'nominal' } },
    },
    ...(read === null
      ? []
      : ([
          {
            data: { values: [{ size: read.tokens }] },
            mark: { type: 'rule', strokeWidth: 1.5, strokeDash: [2, 3], color: COLOURS.ink },
            encoding: { x },
          },
        ] satisfies Layers)),
    {
      data: { values: [...points] },
      mark: { type: 'line', strokeWidth: 2, color: COLOURS.first },
      encoding: { x, y },
    },
    {
      data: { values: [...points] },
      mark: { type: 'point', filled: true, size: 36, opacity: 1, color: COLOURS.first },
      encoding: { x, y, tooltip: { field: 'text', type: 'nominal' } },
    },
  ];
}
