import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { randomStream, uniform } from '../../../src/core/random.ts';
import type { Request } from '../../../src/core/request.ts';
import {
  FigureCounter,
  fitQuality,
  fitQualityText,
  writtenQualityText,
} from '../../../workloads/synthesis/fit-quality.ts';

/** A Poisson process of so many requests, lengths up to so many tokens. */
function requests(count: number, seed: number, mostTokens = 1000): Request[] {
  const random = randomStream(seed, 'requests of a test');
  let dueUs = 0;
  return Array.from({ length: count }, (_, i) => {
    dueUs += Math.round(-1e6 * Math.log(1 - uniform(random)));
    const inputTokens = 1 + Math.floor(uniform(random) * mostTokens);
    return { id: `r${i}`, traceRow: i + 2, dueUs, inputTokens, outputTokens: 1 + Math.floor(uniform(random) * 100) };
  });
}

const distances = (trace: readonly Request[], made: readonly Request[]): (boolean | null)[] =>
  fitQuality(trace, made, undefined)
    .filter(({ name }) => name.includes('(KS)'))
    .map(({ isWithin }) => isWithin);

describe('how like a trace what was made is', () => {
  it('distributions of few requests are as near as chance allows, and others are told from them', () => {
    const pairs = Array.from({ length: 40 }, (_, i) => [requests(300, 2 * i), requests(300, 2 * i + 1)] as const);
    const within = pairs.flatMap(([trace, made]) => distances(trace, made));
    // Three distances a pair, each beyond in 5 of 100 cases.
    assert.ok(within.filter((isWithin) => isWithin === true).length >= 0.88 * within.length, within.join());
    assert.equal(distances(requests(300, 1), requests(300, 2, 600))[1], false);
  });

  it('many requests have to be as near as 0.02', () => {
    const [trace, made] = [requests(40_000, 1), requests(40_000, 2)];
    assert.match(
      fitQualityText(fitQuality(trace, made, undefined), ['a', 'b']),
      /input tokens \(KS\) .* within 0\.02$/m,
    );
    assert.equal(distances(trace, requests(40_000, 3, 930))[1], false);
  });

  it('a figure that a trace is too short for has no verdict', () => {
    const text = fitQualityText(fitQuality(requests(20, 1), requests(20, 2), undefined), ['a', 'b']);
    assert.match(text, /^IDC, 60 s +- +-$/m);
  });

  it('what is written has its own figures beside those of the fit where it is shorter, without a verdict', () => {
    const [trace, made] = [requests(400, 1), requests(400, 2)];
    const lines = ofWritten(trace, made, made.slice(0, 50));
    assert.match(lines[0] ?? '', /How like t.csv the fit is over as long a time, from which o.csv differs/);
    const row = (name: string): string[] => lines.find((line) => line.startsWith(name))?.split(/ {2,}/) ?? [];
    assert.deepEqual(row('requests '), ['requests', '400', '400', '50']);
    assert.deepEqual(row('CV of gaps').slice(-2), ['within 15 %', countedOf(made.slice(0, 50)).cv?.toPrecision(3)]);
    assert.equal(row('distance of gaps').length, 3);
  });

  it('what is written has one column where it is what was judged', () => {
    const [trace, made] = [requests(400, 1), requests(400, 2)];
    const lines = ofWritten(trace, made, made);
    assert.equal(lines[0], 'How like t.csv o.csv is, which is as long');
    assert.deepEqual(lines[1]?.trim().split(/ +/), ['trace', 'written']);
  });
});

function countedOf(all: readonly Request[]): ReturnType<FigureCounter['figures']> {
  const counter = new FigureCounter(undefined);
  for (const request of all) counter.add(request);
  return counter.figures();
}

function ofWritten(trace: readonly Request[], made: readonly Request[], written: readonly Request[]): string[] {
  const counted = countedOf(written);
  return writtenQualityText(fitQuality(trace, made, undefined), { trace: 't.csv', file: 'o.csv', counted }).split('\n');
}
