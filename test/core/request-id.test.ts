import assert from 'node:assert/strict';
import { it } from 'node:test';
import { requestIdHeader } from '../../src/core/request-id.ts';

it('ids that differ have different headers, each short and legal', () => {
  const long = 'x'.repeat(20_000);
  const ids = [
    'r7',
    'a b',
    'a_b',
    'a\tb',
    'a~b',
    'é',
    'è',
    '☃',
    '_',
    '\ud800',
    '\udfff',
    '%20',
    long,
    `${long}y`,
    '7\n',
  ];
  const headers = ids.map((id) => requestIdHeader('run', id));
  // A trace may hold the header of another id as an id.
  headers.push(
    ...headers
      .map((header) => requestIdHeader('run', header.slice('run-'.length)))
      .filter((header) => header.includes('~')),
  );
  assert.equal(headers[0], 'run-r7');
  assert.equal(new Set(headers).size, headers.length);
  for (const header of headers) assert.match(header, /^run-[!-~]{1,120}$/);
});
