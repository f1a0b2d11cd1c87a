import assert from 'node:assert/strict';
import { it } from 'node:test';
import { browserCommand } from '../../src/commands/open-report.ts';

it('a report opens in $BROWSER, whose text may have arguments and a place for the file, or in that of the system', () => {
  const file = '/runs/a b/report.html';
  assert.deepEqual(browserCommand(file, 'linux', 'firefox --new-window'), ['firefox', '--new-window', file]);
  assert.deepEqual(browserCommand(file, 'darwin', 'show %s now'), ['show', file, 'now']);
  assert.deepEqual(browserCommand(file, 'linux', ' '), ['xdg-open', file]);
  assert.deepEqual(browserCommand(file, 'darwin', ''), ['open', file]);
  assert.deepEqual(browserCommand(file, 'win32', ''), ['cmd', '/c', 'start', '""', file]);
});
