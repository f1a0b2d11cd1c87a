import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { describeSystem, parseEngineSpec } from '../../../src/engine/index.ts';
import type { Experiment, Part } from '../../../src/search/reproduce/experiment.ts';
import { EXPERIMENTS } from '../../../src/search/reproduce/experiments/index.ts';
import { writeReproduced } from '../../../src/search/reproduce/files.ts';
import { always, type Workload } from '../../../src/search/reproduce/lengths.ts';
import { answer } from '../../../src/search/reproduce/question.ts';
import { reproduce } from '../../../src/search/reproduce/reproduce.ts';
import { cli, startCli, temporaryFolder } from '../../cli.ts';
import { readReproduced } from '../../written-files.ts';

const folder = temporaryFolder();

const WORKLOAD: Workload = {
  name: 'small',
  how: 'chosen here',
  kinds: [{ share: 1, input: always(300), output: always(20) }],
  longestTokens: null,
};
const ON = 'model=opt-13b,gpu=a100-sxm-80g';
const LIMITS = { ttftS: 0.25, tpotS: 0.1 };
const TTFT = { figure: 'ttft_mean_s', title: 'Mean TTFT', unit: 's', scale: 'log' } as const;
const GOODPUT = { figure: 'goodput_rps_per_gpu', title: 'Goodput', unit: 'requests/s a GPU', scale: 'linear' } as const;

const part = (id: string, own: Partial<Part>): Part => ({
  id,
  title: id,
  workload: WORKLOAD,
  requests: 40,
  seeds: [1],
  systems: [
    { name: 'prefill first', spec: `vllm-v0,${ON}`, gpus: 1, mixes: true },
    { name: 'chunked', spec: `vllm-v1,${ON}`, gpus: 1, mixes: true },
  ],
  gammas: [],
  limits: LIMITS,
  grid: { kind: 'rate', per: 'system', rates: [1, 4] },
  panels: [TTFT],
  published: [],
  checks: [],
  ratios: [],
  ...own,
});

/** A part of each kind of grid. */
const SMALL: Experiment = {
  name: 'small',
  title: 'Small',
  source: 'none',
  published: 'Nothing',
  reconstructed: [],
  leftOut: [],
  parts: [
    part('rate', {
      gammas: [1, 1.8],
      seeds: [1, 2],
      checks: [
        {
          kind: 'monotone',
          claim: 'later with more load',
          figure: 'ttft_mean_s',
          systems: ['prefill first', 'chunked'],
          direction: 'rises',
          slack: 0,
        },
      ],
    }),
    part('scale', { grid: { kind: 'scale', rateRpsPerGpu: 1, scales: [0.5, 1] }, panels: [GOODPUT] }),
    part('gamma', { grid: { kind: 'gamma', rateRps: 4, gammas: [1, 2] } }),
    part('highest', { grid: { kind: 'highest', test: 'marginal' }, panels: [GOODPUT] }),
    part('queue', {
      workload: { ...WORKLOAD, kinds: [{ share: 1, input: always(300), output: always(1) }] },
      systems: [{ name: 'one', spec: `vllm-v1,async=off,${ON},max_seqs=1,prefix_caching=off`, gpus: 1, mixes: false }],
      grid: { kind: 'queue', loads: [0.1, 0.99] },
      panels: [{ figure: 'ttft_over_alone', title: 'TTFT', unit: 'times D', scale: 'linear' }],
      checks: [{ kind: 'near', claim: 'as in theory', figure: 'ttft_over_alone', system: 'one', tolerance: 0.1 }],
    }),
    part('placement', {
      requests: 30,
      systems: [],
      grid: { kind: 'placement', model: 'opt-13b', gpu: 'a100-sxm-80g', gpus: 3 },
      panels: [GOODPUT],
      checks: [{ kind: 'shapes', claim: 'any', prefill: { tp: 1, pp: 1 }, decode: { tp: 1, pp: 1 } }],
    }),
  ],
};

const never = new AbortController().signal;

describe('experiments in threads', () => {
  it('the same bytes with any number of threads; every part has its points; the progress ends at its end', async () => {
    const [one, two] = [join(folder, 'one'), join(folder, 'two')];
    const heard: (readonly [number, number])[] = [];
    for (const [dir, workers] of [
      [one, 1],
      [two, 2],
    ] as const) {
      const progress = (done: number, of: number): void => void heard.push([done, of]);
      await writeReproduced(dir, await reproduce([SMALL], { progress, workers, stop: never }));
    }
    assert.deepEqual(readdirSync(one).toSorted(), ['index.html', 'reproduce.json', 'small.html']);
    for (const name of readdirSync(one))
      assert.ok(readFileSync(join(one, name)).equals(readFileSync(join(two, name))), `${name} differs`);
    assert.equal(heard.at(-1)?.[0], heard.at(-1)?.[1]);
    const { experiments, simulations } = readReproduced(one);
    const parts = experiments[0]?.parts ?? [];
    assert.deepEqual(
      parts.map(({ id, panels }) => [id, panels.map(({ points }) => points.length)]),
      [
        ['rate', [8, 8]],
        ['scale', [4]],
        ['gamma', [4]],
        ['highest', [2]],
        // The load of 0.99 is too near to saturation to be measured.
        ['queue', [1]],
        ['placement', [parts[5]?.panels[0]?.points.length]],
      ],
    );
    assert.ok((parts[5]?.panels[0]?.points.length ?? 0) > 0);
    assert.ok(simulations > 20);
    // A penalty costs time.
    const [without, with2] = [1, 2].map((x) =>
      parts[2]?.panels[0]?.points.find((point) => point.series === 'chunked' && point.x === x),
    );
    assert.ok((with2?.y ?? 0) > (without?.y ?? Infinity));
    assert.deepEqual(
      parts[0]?.checks.map(({ gamma, verdict }) => [gamma, verdict]),
      [
        [1, 'holds'],
        [1.8, 'holds'],
      ],
    );
  });
});

it('a system that is said never to mix gives the same with every penalty', async () => {
  const parts = EXPERIMENTS.flatMap((experiment) => experiment.parts);
  const specs = new Set(parts.flatMap(({ systems }) => systems.filter(({ mixes }) => !mixes).map(({ spec }) => spec)));
  const rates = { gpus: 1, workload: WORKLOAD, requests: 60, seed: 1, outputTokens: null, limits: null };
  let judged = 0;
  for (const spec of specs) {
    const { system } = parseEngineSpec(spec);
    if (!describeSystem(system).options.some(({ key }) => key === 'mixed_batch_penalty')) continue;
    const task = { kind: 'rate', rateRps: 8 } as const;
    const [plain, dear] = await Promise.all(
      [spec, `${spec},mixed_batch_penalty=1.8`].map((each) => answer({ ...rates, system: each, task })),
    );
    assert.deepEqual(dear, plain, spec);
    judged++;
  }
  assert.ok(judged > 5, `${judged}`);
});

describe('reprise reproduce', () => {
  it('lists what there is and what cannot be, and knows a name that is nearly one', async () => {
    const list = await cli('reproduce', '--list');
    assert.equal(list.code, 0, list.stderr);
    assert.match(
      list.stdout,
      /^Experiments\n {2}distserve-figure-1 .*\n[\s\S]*Cannot be repeated\n {2}semi-PD: .*not published/,
    );
    const wrong = await cli('reproduce', 'nexus-gama');
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /"nexus-gama" is no experiment; did you mean "nexus-gamma"\?/);
  });

  it('ends at once by a signal, with nothing written', async () => {
    const out = join(folder, 'interrupted');
    const { child, result } = startCli(['reproduce', 'nexus-latency', '--out', out]);
    child.stderr?.once('data', () => child.kill('SIGINT'));
    const { code, stderr } = await result;
    assert.equal(code, 130, stderr);
    assert.match(stderr, /^\d+ simulations and searches\n[\s\S]*interrupted by SIGINT: nothing is written/);
    assert.ok(!existsSync(out));
  });
});
