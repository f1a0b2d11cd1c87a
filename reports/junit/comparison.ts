import type { GateVerdict } from '../../src/core/gate.ts';
import type { ComparedMetric, Comparison } from '../../src/schema/comparison.ts';
import { changeText, metricLabel, shortened, valueText } from '../comparison-words.ts';
import type { JunitCase, JunitDocument, JunitOutcome, JunitSuite } from './junit.ts';

/** A gate of a comparison, judged. `counts`: what an undecided one counts as. */
export interface GateResult {
  readonly text: string;
  readonly verdict: GateVerdict;
  readonly counts: GateVerdict;
  readonly why: string;
}

/**
 * A case a judged metric, and one that says whether the sides can be compared: where they cannot be believed, no metric
 * passes or fails. The gates are a suite of their own.
 */
export function comparisonJunit(comparison: Comparison, gates: readonly GateResult[]): JunitDocument {
  return {
    name: 'reprise compare',
    suites: [metricSuite(comparison), ...(gates.length === 0 ? [] : [gateSuite(gates)])],
  };
}

function metricSuite(comparison: Comparison): JunitSuite {
  const blocking = comparison.doubts.filter(({ blocks }) => blocks).map(({ text }) => shortened(text));
  const [doubt] = blocking;
  const comparable: JunitOutcome =
    doubt === undefined
      ? { kind: 'passed' }
      : { kind: 'error', type: 'doubt', message: doubt, text: blocking.join('\n') };
  return {
    name: 'compare',
    timeS: 0,
    cases: [
      { classname: 'compare', name: 'comparable', timeS: 0, outcome: comparable, properties: sides(comparison) },
      ...comparison.metrics.map((metric): JunitCase => ({
        classname: 'compare',
        name: metric.name,
        timeS: 0,
        outcome: doubt === undefined ? outcomeOf(metric) : { kind: 'skipped', message: doubt },
        properties: figures(metric, comparison.margin),
      })),
    ],
  };
}

function sides({ base, new: now, verdict, order }: Comparison): JunitCase['properties'] {
  return [
    ['base', shortened(base.name)],
    ['new', shortened(now.name)],
    ['base.runs', String(base.runs.length)],
    ['new.runs', String(now.runs.length)],
    ['verdict', verdict],
    ['order', order],
  ];
}

function outcomeOf(metric: ComparedMetric): JunitOutcome {
  const { name, base, new: now, verdict } = metric;
  const message = `${metricLabel(name)} ${verdict}: ${valueText(name, base)} -> ${valueText(name, now)}, ${changeText(metric)}`;
  switch (verdict) {
    case 'better':
    case 'same':
      return { kind: 'passed' };
    case 'worse':
      return { kind: 'failed', type: 'worse', message };
    case 'undecided':
    case 'provisional':
      return { kind: 'skipped', message };
  }
}

/** Figures that are there, as numbers: milliseconds, tokens a second, shares. */
function figures(
  { base, new: now, change, ci95, p_adjusted }: ComparedMetric,
  margin: number,
): JunitCase['properties'] {
  const all: readonly (readonly [name: string, value: number | null])[] = [
    ['base', base],
    ['new', now],
    ['change', change],
    ['change.ci95.low', ci95?.[0] ?? null],
    ['change.ci95.high', ci95?.[1] ?? null],
    ['p_adjusted', p_adjusted],
    ['margin', margin],
  ];
  return all.flatMap(([name, value]) => (value === null ? [] : [[name, String(value)] as const]));
}

export function gateSuite(gates: readonly GateResult[]): JunitSuite {
  return {
    name: 'gates',
    timeS: 0,
    cases: gates.map((gate) => ({
      classname: 'gates',
      name: gate.text,
      timeS: 0,
      outcome: gateOutcome(gate),
      properties: [['verdict', gate.verdict]],
    })),
  };
}

function gateOutcome({ verdict, counts, why }: GateResult): JunitOutcome {
  const message = `${verdict}: ${why}`;
  switch (verdict === 'undecided' ? counts : verdict) {
    case 'held':
      return { kind: 'passed' };
    case 'missed':
      return { kind: 'failed', type: 'gate', message };
    case 'undecided':
      return { kind: 'skipped', message };
  }
}
