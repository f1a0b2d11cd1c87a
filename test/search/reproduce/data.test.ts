import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { describeSystem, parseEngineSpec } from '../../../src/engine/index.ts';
import type { Check, Part } from '../../../src/search/reproduce/experiment.ts';
import { CANNOT, EXPERIMENTS } from '../../../src/search/reproduce/experiments/index.ts';
import { always, lengthAt, population, wholeLaw, type LengthLaw } from '../../../src/search/reproduce/lengths.ts';
import { trialsOf } from '../../../src/search/reproduce/trials.ts';

const PARTS = EXPERIMENTS.flatMap(({ name, parts }) => parts.map((part) => ({ name: `${name}, ${part.id}`, part })));
const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('every experiment', () => {
  it('has a name of its own, parts with ids of their own, a source, and its sentences end', () => {
    const names = EXPERIMENTS.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const { name, parts, source, reconstructed, leftOut } of EXPERIMENTS) {
      assert.match(name, /^[a-z][a-z0-9-]+$/);
      assert.equal(new Set(parts.map(({ id }) => id)).size, parts.length);
      assert.ok(source.length > 0);
      for (const line of [...reconstructed, ...leftOut]) assert.match(line, /\.$/, line);
    }
    assert.ok(CANNOT.every(({ what, why }) => what !== '' && why !== ''));
  });

  it('has systems that exist, which its checks, ratios and published points name', () => {
    for (const { name, part } of PARTS) {
      const known = part.systems.map((system) => system.name);
      assert.equal(new Set(known).size, known.length);
      for (const { spec, mixes } of part.systems) {
        const { system } = parseEngineSpec(spec);
        // A penalty that plays a part stands in the options of the system.
        if (mixes) assert.ok(describeSystem(system).options.some(({ key }) => key === 'mixed_batch_penalty'));
        if (part.gammas.length > 0) assert.ok(part.gammas.includes(1));
      }
      for (const used of [...part.checks.flatMap(systemsOf), ...part.ratios.flatMap(({ of, to }) => [of, to])])
        assert.ok(known.includes(used), `${name}: ${used}`);
      for (const { system } of part.published) assert.ok(system === null || known.includes(system));
      for (const { at } of part.ratios) assert.ok((at ?? []).every((x) => xsOf(part).includes(x)));
      for (const check of part.checks)
        if ('at' in check)
          assert.ok(
            (check.at ?? []).every((x) => xsOf(part).includes(x)),
            check.claim,
          );
    }
  });

  it('has lengths with their published means and quantiles', () => {
    for (const workload of new Set(PARTS.map(({ part }) => part.workload))) {
      const { name } = workload;
      for (const { input, output } of workload.kinds)
        for (const law of [input, output]) {
          const whole = wholeLaw(law);
          for (const [i, [share, tokens]] of whole.slice(1).entries()) {
            const [from = 0, before = 0] = whole[i] ?? [];
            assert.ok(share > from && tokens >= before && before >= 1, `${name}: ${JSON.stringify(whole)}`);
          }
          assert.equal(whole.at(-1)?.[0], 1);
          if (law.mean === null) continue;
          const mean = meanOf(Array.from({ length: 2000 }, (_, i) => lengthAt(whole, (i + 0.5) / 2000)));
          assert.ok(Math.abs(mean / law.mean - 1) < 0.005, `${mean} for ${law.mean}`);
        }
      const { inputTokens, outputTokens } = population(workload);
      const longest = workload.longestTokens ?? Infinity;
      assert.ok(inputTokens.every((tokens, i) => tokens + (outputTokens[i] ?? 0) <= longest));
    }
  });

  it('Sarathi’s prompts have their published deviations, within a tenth', () => {
    const published = { openchat_sharegpt4: 2088, arxiv_summarization: 3638 };
    for (const { part } of PARTS) {
      const own = Object.entries(published).find(([name]) => name === part.workload.name)?.[1];
      if (own === undefined) continue;
      const { inputTokens } = population(part.workload);
      const mean = meanOf(inputTokens);
      const deviation = Math.sqrt(meanOf(inputTokens.map((tokens) => (tokens - mean) ** 2)));
      assert.ok(Math.abs(deviation / own - 1) < 0.1, `${part.workload.name}: ${deviation}`);
    }
  });
});

it('a law with a mean has it, whatever its quantiles', () => {
  const rising = fc.uniqueArray(fc.integer({ min: 100, max: 5000 }), { minLength: 2, maxLength: 5 });
  fc.assert(
    fc.property(rising, fc.double({ min: 0, max: 1, noNaN: true }), (lengths, at) => {
      const quantiles = lengths
        .toSorted((a, b) => a - b)
        .map((tokens, i): [number, number] => [(i + 1) / lengths.length, tokens]);
      const law: LengthLaw = { mean: meanOf(lengths), quantiles };
      const whole = wholeLaw(law);
      const area = whole.slice(1).reduce((sum, [share, tokens], i) => {
        const [from = 0, before = 0] = whole[i] ?? [];
        return sum + ((share - from) * (tokens + before)) / 2;
      }, 0);
      assert.ok(Math.abs(area - meanOf(lengths)) < 1e-6);
      assert.ok(lengthAt(whole, at) >= 1);
    }),
  );
  assert.deepEqual(
    [0, 0.3, 1].map((share) => lengthAt(wholeLaw(always(512)), share)),
    [512, 512, 512],
  );
});

it('a system that never mixes is asked once for all penalties, one that does once for each', () => {
  for (const { part } of PARTS.filter(({ part: { gammas } }) => gammas.length > 0))
    for (const system of part.systems) {
      const own = trialsOf({ ...part, systems: [system], seeds: [1] }).map(({ question }) => JSON.stringify(question));
      const once = new Set(own).size;
      assert.equal(own.length, once * (system.mixes ? 1 : part.gammas.length), system.name);
    }
});

function systemsOf(check: Check): readonly string[] {
  switch (check.kind) {
    case 'order':
    case 'monotone':
      return check.systems;
    case 'crossing':
    case 'ahead':
      return [check.first, check.second];
    case 'binds':
    case 'near':
    case 'between':
      return [check.system];
    case 'shapes':
    case 'none':
      return [];
  }
}

function xsOf({ grid }: Part): readonly number[] {
  switch (grid.kind) {
    case 'rate':
      return grid.rates;
    case 'scale':
      return grid.scales;
    case 'gamma':
      return grid.gammas;
    case 'queue':
      return grid.loads;
    case 'highest':
    case 'placement':
      return [];
  }
}
