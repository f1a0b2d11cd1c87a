import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomStream, uniform } from '../../src/core/random.ts';
import { slackOf, spanOf } from '../../src/metrics/judged-requests.ts';
import { isOverloaded } from '../../src/metrics/overload.ts';

interface Queue {
  readonly requests?: number;
  /** Seconds between two requests, and of service of each, on average; `servers` serve at once. */
  readonly gapS?: number;
  readonly serviceS?: number;
  readonly servers?: number;
  /** A request meets its SLO if it waits for no longer than this, less 0.1 s. */
  readonly limitS?: number;
  /** A request fails when it has been in the system for as long. */
  readonly timeoutS?: number;
}

/** First come, first served. */
function queue({
  requests = 400,
  gapS = 0.1,
  serviceS = 1,
  servers = 10,
  limitS = 0.5,
  timeoutS = Infinity,
}: Queue): boolean {
  const random = randomStream(1, 'queue');
  const free = Array.from({ length: servers }, () => 0);
  const [dueUs, staysUs, met, slacks]: [number[], number[], number[], number[]] = [[], [], [], []];
  let dueS = 0;
  for (let i = 0; i < requests; i++) {
    dueS -= gapS * Math.log(1 - uniform(random));
    const first = free.indexOf(Math.min(...free));
    const beginS = Math.max(dueS, free[first] ?? 0);
    const endS = beginS + serviceS * (0.5 + uniform(random));
    free[first] = endS;
    dueUs.push(dueS * 1e6);
    staysUs.push(Math.min(timeoutS, endS - dueS) * 1e6);
    const ratio = endS - dueS <= timeoutS ? (beginS - dueS + 0.1) / limitS : null;
    met.push(ratio !== null && ratio <= 1 ? 1 : 0);
    slacks.push(ratio === null ? Number.NaN : slackOf(ratio));
  }
  const judged = {
    dueUs: Float64Array.from(dueUs),
    staysUs: Float64Array.from(staysUs),
    met: Float64Array.from(met),
    slacks: Float64Array.from(slacks),
  };
  return isOverloaded(judged, spanOf(judged.dueUs));
}

test('more than the system serves: the backlog grows to the end', () => {
  assert.equal(queue({ serviceS: 1.3 }), true);
  assert.equal(queue({ serviceS: 2 }), true);
  assert.equal(queue({ serviceS: 10 }), true);
  assert.equal(queue({ serviceS: 2, requests: 60 }), true);
});

test('a system that serves its load is not overloaded, however long its requests stay', () => {
  assert.equal(queue({}), false);
  assert.equal(queue({ serviceS: 0.8 }), false);
  assert.equal(queue({ serviceS: 10, servers: 200 }), false);
  // Nobody has ended when the last request comes: it only fills up, whether its limit can be met or not.
  assert.equal(queue({ serviceS: 60, servers: 1000 }), false);
  assert.equal(queue({ serviceS: 60, servers: 1000, limitS: 0.05 }), false);
});

test('a backlog that most requests do not feel is no overload', () => {
  assert.equal(queue({ serviceS: 2, limitS: 1e6 }), false);
});

test('one instant, very few requests, and a server that never answers say nothing', () => {
  assert.equal(queue({ gapS: 0, serviceS: 10 }), false);
  assert.equal(queue({ serviceS: 2, requests: 1 }), false);
  assert.equal(queue({ serviceS: 2, requests: 9 }), false);
  assert.equal(queue({ serviceS: 1e6, timeoutS: 60 }), false);
});
