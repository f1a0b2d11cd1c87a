import assert from 'node:assert/strict';
import { it } from 'node:test';
import { junitXml, nightJunit, type GateResult } from '../../reports/index.ts';
import type { Night } from '../../src/schema/history.ts';
import { exampleNights } from '../trend/example-nights.ts';
import { readXml, type XmlElement } from '../xml.ts';

const GATES: readonly GateResult[] = [
  { text: 'default', verdict: 'undecided', counts: 'undecided', why: 'why <&> "not"' },
  { text: 'goodput>=-5%', verdict: 'undecided', counts: 'missed', why: 'why' },
];

/** What became of each case, by suite and name. */
function casesOf(night: Night, gates: readonly GateResult[]): Map<string, string> {
  const root = readXml(junitXml(nightJunit(night, null, gates)));
  assert.equal(root.attributes['name'], 'reprise nightly');
  const outcome = ({ children }: XmlElement): string =>
    children.find(({ name }) => name !== 'properties')?.name ?? 'passed';
  return new Map(
    root.children.flatMap((suite) =>
      suite.children.map((each) => [`${suite.attributes['name']} ${each.attributes['name']}`, outcome(each)] as const),
    ),
  );
}

const [first = assert.fail()] = exampleNights({ nights: 1 });

it('the first night has its metrics, each left open, and its gates', () => {
  assert.deepEqual(
    [...casesOf(first, GATES)],
    [
      ['compare comparable', 'skipped'],
      ...Object.keys(first.metrics).map((name) => [`compare ${name}`, 'skipped']),
      ['gates default', 'skipped'],
      ['gates goodput>=-5%', 'failure'],
    ],
  );
  assert.deepEqual(
    [...casesOf(first, []).keys()].filter((name) => name.startsWith('gates')),
    [],
  );
});

it('a night that is not valid could not be tested', () => {
  const reasons = ['did not complete: interrupted by SIGINT', '<&> "\u0000"'];
  const invalid: Night = { ...first, valid: false, reasons, metrics: {} };
  assert.deepEqual([...casesOf(invalid, [])], [['compare comparable', 'error']]);
  assert.equal(casesOf({ ...first, valid: false, reasons }, []).get('compare ttft.p50'), 'skipped');
});
