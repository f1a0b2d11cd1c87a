import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cli, startCli, temporaryFolder } from '../cli.ts';
import { readPlacement } from '../written-files.ts';

const folder = temporaryFolder();
const SLO = 'ttft=250ms,tpot=100ms';
const out = join(folder, 'out');

interface Changes {
  readonly [option: string]: string | null;
}

/** A search that ends soon; `null` leaves an option out. */
function place(workload: string, changes: Changes = {}): string[] {
  const options = {
    model: 'opt-13b',
    gpu: 'a100-sxm-80g',
    gpus: '3',
    slo: SLO,
    system: 'distserve,cost=distserve',
    requests: '60',
    ...changes,
  };
  return [
    'place',
    workload,
    ...Object.entries(options).flatMap(([key, value]) => (value === null ? [] : [`--${key}`, value])),
  ];
}

it('prints the same twice, with any number of workers, and writes what it prints', async () => {
  const one = await cli(...place('chat', { workers: '1', at: '90%' }), '--json', '--quiet');
  const two = await cli(...place('chat', { workers: '2', at: '0.9', out }), '--json', '--quiet');
  assert.equal(one.code, 0, one.stderr);
  assert.equal(one.stderr, '');
  assert.equal(two.stdout, one.stdout);
  assert.deepEqual(readdirSync(out).sort(), ['place.html', 'place.json']);
  assert.equal(readFileSync(join(out, 'place.json'), 'utf8'), one.stdout);
  const { systems } = readPlacement(out);
  assert.deepEqual(systems, {
    disaggregated: 'distserve,cost=distserve,model=opt-13b,gpu=a100-sxm-80g',
    collocated: 'vllm-v1,model=opt-13b,gpu=a100-sxm-80g,cost=distserve,router=least-requests',
    mixed_batch_penalty: 1,
  });
  const page = readFileSync(join(out, 'place.html'), 'utf8');
  assert.match(page, /Every disaggregated placement/);
  assert.match(page, /decode alone/);
  assert.ok(page.length < 5e6);
});

it('says the best, what stands beside it, and how it was found', async () => {
  const { stdout, stderr, code } = await cli(...place('chat', { slo: 'distserve-osdi-chat-opt-13b' }));
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /^[●≈] .* of (?:distserve|vllm-v1) on \d GPUs? carr(?:y|ies) most per GPU with 90 % within TTFT <= 250 ms and TPOT <= 100 ms: [\d.-]+ requests\/s with the trace's own timing.* \([\d.-]+ per GPU/,
  );
  assert.match(
    stdout,
    /\nBest (?:collocated|disaggregated).* times as much per GPU as .* with the trace's own timing\n/,
  );
  for (const words of ['estimated per GPU', 'prefill alone', 'affinity', 'maximised', 'mixed batches', 'left out'])
    assert.ok(stdout.includes(words), words);
});

it('an interrupt ends it at once, with nothing written', async () => {
  const mixed = join(folder, 'mixed.csv');
  writeFileSync(mixed, 'arrival_s,input_tokens,output_tokens\n0,400,50\n1,5000,6\n');
  const { child, result } = startCli(place(mixed, { requests: '100000', out: join(folder, 'interrupted') }));
  // It warns of the request that is too long before it begins.
  await new Promise((resolve) => child.stderr?.once('data', resolve));
  child.kill('SIGINT');
  const { code, stdout, stderr } = await result;
  assert.equal(code, 130, stderr);
  assert.match(stderr, /interrupted by SIGINT: nothing is written/);
  assert.equal(stdout, '');
  assert.equal(existsSync(join(folder, 'interrupted')), false);
});

const long = join(folder, 'long.csv');
writeFileSync(long, 'arrival_s,input_tokens,output_tokens\n0,4000,5\n1,5000,6\n');
mkdirSync(join(folder, 'occupied'));
writeFileSync(join(folder, 'occupied', 'mine.txt'), 'mine');

/** What a user got wrong -> what the message must name. */
const mistakes: [what: string, args: string[], names: RegExp][] = [
  ['no workload', ['place'], /name a workload/],
  ['no model', place('chat', { model: null }), /--model: name the model/],
  ['no GPU', place('chat', { gpu: null }), /--gpu: name the GPU/],
  ['no number of GPUs', place('chat', { gpus: null }), /--gpus: say how many/],
  ['no SLO', place('chat', { slo: null }), /--slo: say what has to be met/],
  ['zero GPUs', place('chat', { gpus: '0' }), /--gpus: got 0, expected a whole number from 1/],
  ['an SLO without TTFT', place('chat', { slo: 'tpot=50ms' }), /--slo: "tpot=50ms" has no ttft/],
  ['an SLO without TPOT', place('chat', { slo: 'ttft=50ms,e2e=3s' }), /--slo: .* has no tpot/],
  ['an unknown model', place('chat', { model: 'opt-13' }), /--model: "opt-13" is not known; did you mean "opt-13b"/],
  [
    'an unknown GPU',
    place('chat', { gpu: 'a100-sxm-80' }),
    /--gpu: "a100-sxm-80" is not known; did you mean "a100-sxm-80g"/,
  ],
  ['an unknown system', place('chat', { system: 'distserv' }), /--system distserv: .*did you mean "distserve"/],
  [
    'an unknown key',
    place('chat', { system: 'distserve,lnk=25gbps' }),
    /--system .*"lnk" is not an option of distserve; did you mean "link"/,
  ],
  ['a system without phases', place('chat', { system: 'vllm-v0' }), /--system vllm-v0: .*prefill/],
  [
    'a collocated system with phases',
    place('chat', { collocated: 'distserve' }),
    /--collocated distserve: .*instances/,
  ],
  [
    'a shape that is to be found',
    place('chat', { system: 'distserve,prefill.tp=2' }),
    /--system distserve,prefill\.tp=2: leave out prefill\.tp: shapes and counts are searched/,
  ],
  [
    'a cost without figures for the model',
    place('chat', { collocated: 'vllm-v1,cost=vllm', model: 'llama-3.1-8b', system: 'distserve' }),
    /--collocated vllm-v1,cost=vllm: cost=vllm has no coefficients for llama-3\.1-8b/,
  ],
  ['an affinity between', place('chat', { affinity: 'medium' }), /--affinity: got "medium", expected high or low/],
  [
    'arrivals of no kind',
    place('chat', { arrivals: 'poison' }),
    /--arrivals: "poison" is none of poisson, trace; write trace,poisson or one of them/,
  ],
  ['a precision without a unit', place('chat', { precision: '0.02' }), /--precision: "0\.02" is not a share/],
  ['a share in percent, and no TTFT', place('chat', { at: '90%', slo: 'tpot=50ms' }), /^error: --slo: .* no ttft/],
  ['a share of all, and no TTFT', place('chat', { at: '1', slo: 'tpot=50ms' }), /^error: --slo: .* no ttft/],
  [
    'a share above one',
    place('chat', { at: '90' }),
    /--at: "90" is not a share of requests; .* 90 percent is written 90%/,
  ],
  [
    'a model that does not fit on so few GPUs',
    place('chat', { model: 'opt-175b', gpus: '2', system: 'distserve' }),
    /--gpus 2: opt-175b does not fit on 2 a100-sxm-80g; one instance needs at least 6 \(tp=6, pp=1\), and 12 hold/,
  ],
  [
    'a trace of requests that are all too long',
    place(long),
    /long\.csv: every request is longer than the 2048 tokens of opt-13b/,
  ],
  ['an SLO that limits nothing', place('chat', { slo: 'ttft=10h,tpot=10h', gpus: '2' }), /--slo: .* limits nothing/],
  ['an --out that is in the way', place('chat', { out: join(folder, 'occupied') }), /occupied: not empty/],
  [
    'a misspelt option',
    [...place('chat'), '--collocate', 'vllm-v0'],
    /unknown option --collocate; did you mean --collocated/,
  ],
];

describe('what a user can get wrong', { concurrency: 2 }, () => {
  for (const [what, args, names] of mistakes)
    it(`${what}: one clear message, exit 2`, async () => {
      const { code, stdout, stderr } = await cli(...args);
      assert.match(stderr, names);
      assert.equal(code, 2, stderr);
      assert.doesNotMatch(stderr, /^\s+at .*:\d+/m, 'no stack trace');
      assert.equal(stderr.match(/error:/g)?.length, 1, 'one error');
      assert.equal(stdout, '');
    });
});
