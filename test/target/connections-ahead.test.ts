import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectionsAhead } from '../../src/target/server-session.ts';

describe('the connections that are opened before a run', () => {
  const ahead = (requests: number, lastDueS: number, maxInFlight: number | null, room = Infinity): number =>
    connectionsAhead(
      { stats: { requests, lastDueUs: lastDueS * 1e6, outputTokens: requests * 100 }, sessions: null },
      maxInFlight,
      room,
    );

  it('are those that rate and lengths let expect, and no more than there are requests or places', () => {
    assert.equal(ahead(1000, 100, null), 118);
    assert.equal(ahead(20, 100, null), 11);
    assert.equal(ahead(1000, 100, 30), 30);
    assert.equal(ahead(1e6, 100, null), 4096);
  });

  it('are no more than the system gives where fewer may do, so that a run is not refused for what it may not need', () => {
    assert.equal(ahead(1000, 100, null, 100), 100);
    assert.equal(ahead(1000, 100, null, -3), 1);
    assert.equal(ahead(300, 0.5, null, 100), 300, 'sent before the first answers are over');
  });
});
