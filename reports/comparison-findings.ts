import { formatShare, plainPercent } from '../src/core/units.ts';
import { countText } from '../src/core/words.ts';
import type { ComparedMetric, Comparison } from '../src/schema/comparison.ts';
import { metricLabel, signed } from './comparison-words.ts';
import type { ComparedLatency, LatencyPair } from './data/comparison-data.ts';
import type { Ecdf } from './data/ecdf.ts';
import { METRIC_NAMES } from './definitions.ts';

const VERDICT_WORDS = [
  ['worse', 'worse'],
  ['better', 'better'],
  ['undecided', 'undecided'],
  ['provisional', 'provisional'],
  ['same', 'the same'],
] as const;

/** How many metrics got which verdict. */
export function verdictCounts({ metrics }: Comparison): string {
  const counts = VERDICT_WORDS.map(([verdict, word]) => ({
    n: metrics.filter((metric) => metric.verdict === verdict).length,
    word,
  })).filter(({ n }) => n > 0);
  const [first, ...rest] = counts;
  if (first === undefined) return 'No metric is judged';
  const verb = first.n === 1 ? 'is' : 'are';
  if (rest.length === 0 && first.n > 1) return `All ${countText(first.n, 'metric')} are ${first.word}`;
  return [`${countText(first.n, 'metric')} ${verb} ${first.word}`, ...rest.map(({ n, word }) => `${n} ${word}`)].join(
    ', ',
  );
}

/** What the verdicts on a latency's quantiles say together, and no more. */
export function latencyFinding({ metrics, margin }: Comparison, latency: ComparedLatency, pair: LatencyPair): string {
  const name = METRIC_NAMES[latency];
  const judged = metrics.filter((metric) => metric.name.startsWith(`${latency}.`));
  const within = `± ${plainPercent(margin)} %`;
  const changed = (['worse', 'better'] as const).flatMap((which) => {
    const those = judged.filter(({ verdict }) => verdict === which);
    return those.length === 0 ? [] : [`${which}: ${those.map(changedText).join(', ')}`];
  });
  if (changed.length > 0) return capital(changed.join('; '));
  if (judged.length === 0) return name;
  if (judged.every(({ change }) => change === null))
    return `${name}: ${failedShare(pair.base)} fail in base, ${failedShare(pair.new)} in new`;
  const verdicts = new Set(judged.map(({ verdict }) => verdict));
  if (verdicts.has('provisional')) return `${name}: one run stands for a system`;
  if (verdicts.has('undecided')) return `${name}: no change beyond ${within} is shown`;
  return `${name}: the same within ${within}`;
}

/** Without a number, the worse side fails. */
function changedText({ name, change, verdict }: ComparedMetric): string {
  const label = metricLabel(name);
  return change === null ? `${label} fails in ${verdict === 'worse' ? 'new' : 'base'}` : `${label} ${signed(change)}`;
}

function failedShare({ n, missing }: Ecdf): string {
  return formatShare(missing / (n + missing));
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
