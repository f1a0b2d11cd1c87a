import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commandOf, hiddenParts, shownOptions } from '../../src/run/given-options.ts';
import { runOptionsSchema } from '../../src/run/run-options.ts';

const NAMES = Object.keys(runOptionsSchema.shape);
const shown = (given: unknown): unknown => shownOptions(given, NAMES);

describe('the options of a run in run.json', () => {
  it('have their names on the command line, in the order of the schema, without where the run is printed', () => {
    const given = { ttftTimeout: '5s', limit: 3, out: 'x', traceIterations: 'y', ignoreEos: false, workload: 't.csv' };
    const options = shownOptions(given, NAMES);
    assert.deepEqual(Object.entries(options ?? {}), [
      ['workload', 't.csv'],
      ['limit', 3],
      ['ignore-eos', false],
      ['ttft-timeout', '5s'],
    ]);
    const line = ['reprise', 'run', 't.csv', '--limit', '3', '--no-ignore-eos', '--ttft-timeout', '5s'];
    assert.deepEqual(commandOf(options), line);
  });

  it('show no header, no key of an extra body and no value of a query', () => {
    const url = 'https://host/v1?key=hunter2&api-version=2024-02-01&hunter2#hunter2';
    const given = {
      target: url,
      ready: url,
      header: ['x-key: hunter2', 'x:hunter2'],
      extraBody: '{"top_p": 1, "api_key": "hunter2"}',
    };
    const hidden = 'https://host/v1?key=***&api-version=2024-02-01&***';
    const options = {
      target: hidden,
      header: ['x-key: ***', 'x: ***'],
      'extra-body': '{"top_p":1,"api_key":"***"}',
      ready: hidden,
    };
    assert.deepEqual(shown(given), options);
    assert.deepEqual(shown({ ...given, extraBody: { top_p: 1, api_key: 'hunter2' } }), options, 'an object too');
    assert.deepEqual(shown({ extraBody: '{hunter2' }), { 'extra-body': '***' });
    const parts = Object.entries(options).flatMap(([name, value]) => hiddenParts(name, value));
    assert.equal(parts.length, 5);
    assert.deepEqual(hiddenParts('extra-body', '{"top_p":1}'), []);
    assert.deepEqual(hiddenParts('salt', '***'), [], 'no key is in a salt');
  });

  it('are not those of a program that has a source or a codec of its own', () => {
    assert.equal(shown({ workload: { name: 'mine' }, target: 'reference' }), null);
    assert.equal(shown({ workload: 'chat', target: 'http://host', codec: () => null }), null);
    assert.deepEqual(commandOf(null), []);
  });
});
