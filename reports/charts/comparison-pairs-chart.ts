import { commonLimits } from '../../src/core/slo.ts';
import { formatMs, formatShare, withThousands } from '../../src/core/units.ts';
import { countText } from '../../src/core/words.ts';
import type { Comparison } from '../../src/schema/comparison.ts';
import { signed } from '../comparison-words.ts';
import type { RequestPair, RequestPairs } from '../data/comparison-data.ts';
import { secondsText } from '../format.ts';
import type { Chart, Layers, Position } from './chart.ts';
import { logDomain, logTicks, MS_LABEL } from './log-axis.ts';
import { COLOURS, SLO_LINE } from './theme.ts';

/** TTFT of each request in the first run of new over that in the first run of base. */
export function pairsChart({ slo }: Comparison, pairs: RequestPairs): Chart {
  const { points, requests, longer, shorter } = pairs;
  const title = titleOf(pairs);
  const limitMs = commonLimits(slo?.limits_ms ?? {}).ttft ?? null;
  return {
    id: 'pairs',
    title,
    label: `TTFT of each request in new over that in base, in the first runs. ${title}.`,
    note: [
      `n = ${countText(requests, 'request')} of the first run of each: ${withThousands(longer)} longer in new, ${withThousands(shorter)} shorter`,
      ...failures(pairs),
      ...(points.length + pairs.failed_both < requests
        ? [`drawn: ${withThousands(points.length)}, evenly by their ids`]
        : []),
      'on the line: no change',
      ...(limitMs === null ? [] : ['dashed: the SLO']),
    ]
      .join('; ')
      .concat('.'),
    spec: { width: 'container', height: 400, layer: layersOf(points, limitMs) },
    table: {
      columns: ['due (s)', 'TTFT base (ms)', 'TTFT new (ms)'],
      rows: points.map(({ due_s, base_ms, new_ms }) => [
        due_s.toFixed(3),
        base_ms === null ? 'fails' : base_ms.toFixed(3),
        new_ms === null ? 'fails' : new_ms.toFixed(3),
      ]),
    },
  };
}

function titleOf({ longer, shorter, failed_base, failed_new, requests }: RequestPairs): string {
  if (failed_new > 0 || failed_base > 0)
    return `${countText(failed_new, 'request')} failed in new alone, ${withThousands(failed_base)} in base alone`;
  if (longer === 0 && shorter === 0) return 'No request has another TTFT';
  const [count, word] = longer >= shorter ? [longer, 'longer'] : [shorter, 'shorter'];
  return `In the first runs, TTFT is ${word} in new for ${formatShare(count / requests)} of requests`;
}

function failures({ failed_base, failed_new, failed_both }: RequestPairs): string[] {
  const crosses = failed_base + failed_new;
  return [
    ...(crosses === 0
      ? []
      : [
          `${withThousands(failed_base)} failed in base alone, ${withThousands(failed_new)} in new alone: crosses at the edge`,
        ]),
    ...(failed_both === 0 ? [] : [`${withThousands(failed_both)} failed in both and are not drawn`]),
  ];
}

function layersOf(points: readonly RequestPair[], limitMs: number | null): Layers {
  const known = points.flatMap(({ base_ms, new_ms }) => [base_ms, new_ms]).filter((ms) => ms !== null);
  const domain = logDomain([...known, ...(limitMs === null ? [] : [limitMs])], []);
  const [low, high] = domain;
  const scale = { type: 'log', domain, nice: false, clamp: true } as const;
  const x: Position = {
    field: 'base',
    type: 'quantitative',
    scale,
    axis: { values: logTicks(domain), labelExpr: MS_LABEL, title: 'TTFT base (log scale)' },
  };
  const y: Position = {
    field: 'new',
    type: 'quantitative',
    scale,
    axis: { values: logTicks(domain), labelExpr: MS_LABEL, title: 'TTFT new (log scale)' },
  };
  const values = points.map(({ base_ms, new_ms, due_s }) => ({
    base: base_ms ?? high,
    new: new_ms ?? high,
    has_failed: base_ms === null || new_ms === null,
    text: `${base_ms === null ? 'fails' : formatMs(base_ms)} to ${new_ms === null ? 'fails' : formatMs(new_ms)}${base_ms === null || new_ms === null || base_ms <= 0 ? '' : `, ${signed(new_ms / base_ms - 1)}`}; due after ${secondsText(due_s)}`,
  }));
  const tooltip = { field: 'text', type: 'nominal' } as const;
  const limits: Layers =
    limitMs === null
      ? []
      : [
          { data: { values: [{ base: limitMs }] }, mark: SLO_LINE, encoding: { x } },
          { data: { values: [{ new: limitMs }] }, mark: SLO_LINE, encoding: { y } },
        ];
  return [
    ...limits,
    {
      data: {
        values: [
          { base: low, new: low },
          { base: high, new: high },
        ],
      },
      mark: { type: 'line', strokeWidth: 1, color: COLOURS.muted },
      encoding: { x, y },
    },
    {
      data: { values: values.filter(({ has_failed }) => !has_failed) },
      mark: { type: 'point', filled: true, size: 22, opacity: 0.45, color: COLOURS.third },
      encoding: { x, y, tooltip },
    },
    {
      data: { values: values.filter(({ has_failed }) => has_failed) },
      mark: { type: 'point', shape: 'cross', filled: true, size: 60, opacity: 0.8, color: COLOURS.bad },
      encoding: { x, y, tooltip },
    },
  ];
}
