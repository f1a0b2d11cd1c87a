import type { TopLevelSpec } from 'vega-lite';
import { formatShare, withThousands } from '../../src/core/units.ts';
import { MISS_KINDS, type MissKind } from '../data/miss.ts';
import { type MissBin, missedIn } from '../data/misses.ts';
import type { Table } from './chart.ts';
import { KIND_COLOURS, KIND_NAMES } from './miss-kinds.ts';
import { SHARE_LABEL } from './theme.ts';

export interface StackedBars {
  /** Bins with their names on the axis; a space in a name breaks the line. */
  readonly bins: readonly (MissBin & { readonly name: string })[];
  readonly xTitle: string;
  /** Names of the bins that the axis labels; without it as many as have room. */
  readonly named?: readonly string[];
  /** Height of the bars: misses as a share of the bin's requests, or their number. */
  readonly as: 'share' | 'count';
}

const HEIGHT = 130;
/** With more bars there is no room for every name. */
const NAMES = 10;

/** Missed requests as zero-based bars, one kind of miss over another in a fixed order. */
export function stackedBars({ bins, xTitle, named, as }: StackedBars): TopLevelSpec {
  const kinds = kindsIn(bins);
  const values = bins.flatMap((bin) =>
    kinds.map((kind) => ({
      name: bin.name,
      kind: KIND_NAMES[kind],
      order: kinds.indexOf(kind),
      value: as === 'count' ? bin.missed[kind] : bin.requests === 0 ? 0 : bin.missed[kind] / bin.requests,
      text: textOf(bin, xTitle),
    })),
  );
  return {
    width: 'container',
    height: HEIGHT,
    data: { values },
    mark: { type: 'bar' },
    encoding: {
      x: {
        field: 'name',
        type: 'ordinal',
        sort: null,
        scale: { paddingInner: bins.length > NAMES ? 0.1 : 0.25, paddingOuter: 0.1 },
        axis: {
          title: xTitle,
          labelAngle: 0,
          labelExpr: "split(datum.label, ' ')",
          labelOverlap: 'greedy',
          labelSeparation: bins.length > NAMES ? 8 : 3,
          ...(named === undefined ? {} : { values: [...named] }),
          ticks: false,
        },
      },
      y: {
        field: 'value',
        type: 'quantitative',
        scale: { zero: true },
        axis: {
          title: as === 'count' ? 'missed requests' : 'share of requests missed',
          tickCount: 4,
          ...(as === 'count' ? { tickMinStep: 1 } : { labelExpr: SHARE_LABEL }),
        },
      },
      color: {
        field: 'kind',
        type: 'nominal',
        scale: { domain: kinds.map((kind) => KIND_NAMES[kind]), range: kinds.map((kind) => KIND_COLOURS[kind]) },
      },
      order: { field: 'order', type: 'quantitative' },
      tooltip: { field: 'text', type: 'nominal' },
    },
  };
}

/** The bars as a table; `head` names the column of bins. */
export function binTable({ bins }: StackedBars, head: string): Table {
  const kinds = kindsIn(bins);
  return {
    columns: [head, 'requests', ...kinds.map((kind) => `missed ${KIND_NAMES[kind]} (requests)`)],
    rows: bins.map((bin) => [bin.name, String(bin.requests), ...kinds.map((kind) => String(bin.missed[kind]))]),
  };
}

function kindsIn(bins: readonly MissBin[]): MissKind[] {
  return MISS_KINDS.filter((kind) => bins.some((bin) => bin.missed[kind] > 0));
}

function textOf(bin: StackedBars['bins'][number], xTitle: string): string {
  const missed = missedIn(bin.missed);
  const parts = MISS_KINDS.flatMap((kind) =>
    bin.missed[kind] === 0 ? [] : [`${KIND_NAMES[kind]} ${withThousands(bin.missed[kind])}`],
  );
  const share =
    bin.requests === 0 ? '' : ` of ${withThousands(bin.requests)} missed (${formatShare(missed / bin.requests)})`;
  return `${xTitle} ${bin.name}: ${withThousands(missed)}${share}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`;
}
