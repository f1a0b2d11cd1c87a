import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { junitXml, runSuite, type JunitCase, type JunitDocument } from '../../reports/index.ts';
import { readXml, type XmlElement } from '../xml.ts';
import { exampleRun } from './example-run.ts';

/** Any text, with what XML forbids or reads otherwise among it. */
const anyText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(']]>', '\u0000', '\uD800', '\uFFFF', '\r\n', '\t', '<&>"\''),
    ),
  )
  .map((parts) => parts.join(''));
const anyTime = fc.oneof(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.constantFrom(0, Number.NaN, Infinity));
const anyCase: fc.Arbitrary<JunitCase> = fc.record({
  classname: anyText,
  name: anyText,
  timeS: anyTime,
  outcome: fc.record(
    {
      kind: fc.constantFrom('passed', 'failed', 'error', 'skipped'),
      message: anyText,
      type: anyText,
      text: anyText,
    },
    { requiredKeys: ['kind'] },
  ),
  properties: fc.array(fc.tuple(anyText, anyText), { maxLength: 3 }),
});
const anyDocument: fc.Arbitrary<JunitDocument> = fc.record({
  name: anyText,
  suites: fc.array(fc.record({ name: anyText, timeS: anyTime, cases: fc.array(anyCase, { maxLength: 3 }) }), {
    maxLength: 3,
  }),
});

/** What a reader gets of a text: what XML cannot hold is marked. */
function kept(text: string): string {
  return Array.from(text.toWellFormed(), (character) => {
    const code = character.codePointAt(0) ?? 0;
    const isControl = code < 0x20 && !'\t\n\r'.includes(character);
    return isControl || code === 0xfffe || code === 0xffff ? '\uFFFD' : character;
  }).join('');
}

const ELEMENTS = { passed: null, failed: 'failure', error: 'error', skipped: 'skipped' } as const;

function checkCase(element: XmlElement | undefined, { classname, name, outcome, properties }: JunitCase): void {
  assert.equal(element?.name, 'testcase');
  assert.equal(element.attributes['classname'], kept(classname));
  assert.equal(element.attributes['name'], kept(name));
  assert.match(element.attributes['time'] ?? '', /^\d+\.\d{3}$/);
  const told = element.children.find((child) => child.name !== 'properties');
  assert.equal(told?.name ?? null, ELEMENTS[outcome.kind]);
  if (told !== undefined) {
    assert.equal(told.attributes['message'], outcome.message === undefined ? undefined : kept(outcome.message));
    assert.equal(told.text, kept(outcome.text ?? ''));
  }
  const found = element.children.find((child) => child.name === 'properties')?.children ?? [];
  assert.deepEqual(
    found.map(({ attributes }) => [attributes['name'], attributes['value']]),
    properties.map((pair) => pair.map(kept)),
  );
}

describe('JUnit', () => {
  it('is well-formed whatever the texts hold, and gives them back', () => {
    fc.assert(
      fc.property(anyDocument, (document) => {
        const root = readXml(junitXml(document));
        assert.equal(root.attributes['name'], kept(document.name));
        assert.equal(root.children.length, document.suites.length);
        for (const [i, suite] of document.suites.entries()) {
          const element = root.children[i];
          assert.equal(element?.attributes['name'], kept(suite.name));
          assert.equal(element.attributes['tests'], String(suite.cases.length));
          for (const [k, each] of suite.cases.entries()) checkCase(element.children[k], each);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('counts what failed, could not be tested and was left open', () => {
    const of = (kind: 'passed' | 'failed' | 'error' | 'skipped'): JunitCase => ({
      classname: 'c',
      name: kind,
      timeS: 0.25,
      outcome: { kind },
      properties: [],
    });
    const cases = [of('passed'), of('failed'), of('failed'), of('error'), of('skipped')];
    const root = readXml(
      junitXml({
        name: 'n',
        suites: [
          { name: 's', timeS: 1.5, cases },
          { name: 't', timeS: 2, cases },
        ],
      }),
    );
    const counts = ({ attributes: { tests, failures, errors, skipped, time } }: XmlElement) =>
      [tests, failures, errors, skipped, time].join(' ');
    assert.equal(counts(root), '10 4 2 2 3.500');
    assert.deepEqual(root.children.map(counts), ['5 2 1 1 1.500', '5 2 1 1 2.000']);
  });

  it('of a run: met, missed or open; valid or not; requests that failed', async () => {
    const kinds = async (options: Parameters<typeof exampleRun>[0]): Promise<string[]> => {
      const { summary, manifest } = await exampleRun(options);
      const { cases } = runSuite(summary, manifest);
      assert.deepEqual(
        cases.map(({ name }) => name),
        ['SLO attainment', 'valid', 'requests ok'],
      );
      return cases.map(({ outcome }) => outcome.kind);
    };
    assert.deepEqual(await kinds({ requests: 600, slo: 'ttft=2s' }), ['passed', 'passed', 'passed']);
    assert.deepEqual(await kinds({ requests: 300, slo: 'ttft=20ms' }), ['failed', 'passed', 'passed']);
    assert.deepEqual(await kinds({ requests: 3, slo: 'ttft=2s' }), ['skipped', 'passed', 'passed']);
    assert.deepEqual(await kinds({ requests: 30, slo: null }), ['skipped', 'passed', 'passed']);
    const fate = (): { outcome: 'rejected'; error: string } => ({ outcome: 'rejected', error: 'full ]]> \u0001' });
    assert.deepEqual(await kinds({ requests: 30, slo: 'ttft=2s', fate }), ['failed', 'passed', 'failed']);
    assert.deepEqual(await kinds({ requests: 600, slo: 'ttft=2s', manifest: { client: null } }), [
      'skipped',
      'error',
      'passed',
    ]);
  });
});
