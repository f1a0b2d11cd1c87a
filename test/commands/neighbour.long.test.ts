import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ON_CLIENT_CORE, refusal, runBeside } from '../../scripts/neighbour.ts';

const refused = refusal();
const skip = refused === null ? false : `no neighbour can be started: ${refused}`;

it(
  "a process that takes 8 of every 20 ms of the client's core makes a run invalid, and is named",
  { skip },
  async () => {
    const { validity, requests, diagnosis } = await runBeside(ON_CLIENT_CORE);
    assert.equal(requests.ok, 120);
    assert.equal(validity.valid, false);
    assert.match(validity.reasons.join('\n'), /waited for a core for [\d.]+ % of the run .* other processes had it/);
    assert.equal(diagnosis[0]?.code, 'client');
    assert.match(diagnosis[0]?.text ?? '', /other programs/);
  },
);
