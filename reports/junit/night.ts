import type { Comparison } from '../../src/schema/comparison.ts';
import type { Night } from '../../src/schema/history.ts';
import { comparisonJunit, gateSuite, type GateResult } from './comparison.ts';
import type { JunitCase, JunitDocument, JunitOutcome } from './junit.ts';

/** A night as `comparisonJunit` has it, so that a case has one name over all nights; also where nothing is compared. */
export function nightJunit(night: Night, comparison: Comparison | null, gates: readonly GateResult[]): JunitDocument {
  const name = 'reprise nightly';
  if (comparison !== null) return { ...comparisonJunit(comparison, gates), name };
  const cases = [
    caseOf('comparable', comparable(night), [
      ['night', night.run_id],
      ['branch', night.branch],
      ['target', night.target],
    ]),
    ...Object.entries(night.metrics).map(([metric, figure]) =>
      caseOf(
        metric,
        { kind: 'skipped', message: night.valid ? 'not compared' : 'not valid' },
        figure === undefined || figure.value === null ? [] : [['new', String(figure.value)]],
      ),
    ),
  ];
  return {
    name,
    suites: [{ name: 'compare', timeS: 0, cases }, ...(gates.length === 0 ? [] : [gateSuite(gates)])],
  };
}

function comparable({ valid, reasons }: Night): JunitOutcome {
  if (valid) return { kind: 'skipped', message: 'there is no accepted night yet to compare with' };
  return { kind: 'error', type: 'validity', message: `not valid: ${reasons.join('; ')}`, text: reasons.join('\n') };
}

function caseOf(name: string, outcome: JunitOutcome, properties: JunitCase['properties']): JunitCase {
  return { classname: 'compare', name, timeS: 0, outcome, properties };
}
