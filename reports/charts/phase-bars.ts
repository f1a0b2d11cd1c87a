import type { TopLevelSpec } from 'vega-lite';
import { formatShare, withThousands } from '../../src/core/units.ts';
import { MISS_PHASES } from '../data/miss.ts';
import type { Misses } from '../data/misses.ts';
import { PHASE_NAMES } from './miss-kinds.ts';
import { COLOURS } from './theme.ts';

/** Missed requests by the phase that took longest, in the order in which a request passes them. */
export function phaseBars({ phases, missed }: Misses): TopLevelSpec {
  const values = MISS_PHASES.filter((phase) => phases[phase] > 0).map((phase) => ({
    name: PHASE_NAMES[phase],
    value: phases[phase],
    text: `${PHASE_NAMES[phase]}: ${withThousands(phases[phase])} of ${withThousands(missed)} (${formatShare(phases[phase] / missed)})`,
  }));
  return {
    width: 'container',
    height: 150,
    data: { values },
    mark: { type: 'bar', color: COLOURS.first, width: { band: 0.6 } },
    encoding: {
      x: {
        field: 'name',
        type: 'ordinal',
        sort: null,
        axis: {
          title: 'phase that took longest',
          labelAngle: 0,
          labelExpr: "split(datum.label, ' ')",
          labelOverlap: false,
          ticks: false,
        },
      },
      y: {
        field: 'value',
        type: 'quantitative',
        scale: { zero: true },
        axis: { title: 'missed requests', tickCount: 4, tickMinStep: 1 },
      },
      tooltip: { field: 'text', type: 'nominal' },
    },
  };
}
