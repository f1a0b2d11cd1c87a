import { listText } from '../src/core/words.ts';
import { plainPercent } from '../src/core/units.ts';
import type { ComparedMetric, Comparison } from '../src/schema/comparison.ts';
import { METRIC_LABELS, signed } from './comparison-words.ts';
import type { ComparedLatency } from './data/comparison-data.ts';
import { METRIC_NAMES } from './definitions.ts';

/** What the verdicts on some metrics say together, and no more. `of`: what they are of, such as `TTFT`. */
export function findingOf(of: string, metrics: readonly ComparedMetric[], margin: number): string {
  const within = `± ${plainPercent(margin)} %`;
  const changed = metrics.filter(({ verdict }) => verdict === 'better' || verdict === 'worse');
  if (changed.length > 0) return listText(changed.map(changedText));
  const verdicts = new Set(metrics.map(({ verdict }) => verdict));
  if (verdicts.has('provisional')) return `${of}: one run stands for a system`;
  if (verdicts.has('undecided')) return `${of}: no change beyond ${within} is shown`;
  return `${of}: the same within ${within}`;
}

function changedText({ name, verdict, change }: ComparedMetric): string {
  return `${METRIC_LABELS[name]} is ${verdict}${change === null ? '' : `: ${signed(change)}`}`;
}

export function latencyFinding({ metrics, margin }: Comparison, latency: ComparedLatency): string {
  const judged = metrics.filter(({ name }) => name.startsWith(`${latency}.`));
  return judged.length === 0 ? METRIC_NAMES[latency] : findingOf(METRIC_NAMES[latency], judged, margin);
}
