import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Command } from '../../src/commands/command.ts';
import { COMMANDS } from '../../src/commands/main.ts';
import { kebab } from '../../src/core/option-names.ts';
import { defineRun, PLAN_OPTIONS, type PlacedOption } from '../../src/run/run-options.ts';
import type { RunSpec } from '../../src/run/run-spec.ts';
import { NEEDS, unusedOptions } from '../../src/run/unused-options.ts';

/** What a command does with its options that are none of its runs: print, judge, search. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  run: ['gate', 'json', 'quiet', 'open'],
  rerun: ['gate', 'json', 'quiet', 'open'],
  goodput: ['of', 'arrivals', 'precision', 'budget', 'gpus', 'keep', 'gate', 'json', 'quiet', 'open'],
  sweep: ['rates', 'per-gpu', 'gpus', 'slo-scales', 'json', 'quiet', 'open'],
  ab: [
    'base',
    'new',
    'repeats',
    'base-start',
    'new-start',
    'base-ready',
    'new-ready',
    'gate',
    'json',
    'quiet',
    'format',
    'margin',
    'undecided',
  ],
  nightly: [
    'baseline',
    'branch',
    'commit',
    'accept',
    'expire',
    'gate',
    'margin',
    'undecided',
    'goodput',
    'of',
    'arrivals',
    'precision',
    'budget',
    'gpus',
    'keep',
    'format',
    'json',
    'quiet',
    'open',
  ],
};

const ENGINE = 'reference:vllm-v1,model=llama-3.1-8b,gpu=h100-sxm';
const SERVER = 'http://127.0.0.1:9';
const KEY = 'REPRISE_TEST_UNUSED_OPTIONS';

/** A value of each option that needs something; a real run in which it does something is of `on`. */
const SAMPLES: Readonly<
  Partial<Record<PlacedOption, { readonly value: unknown; readonly text?: string; readonly on?: object }>>
> = {
  codec: { value: () => undefined },
  adapter: { value: 'vllm' },
  endpoint: { value: 'chat' },
  model: { value: 'wrong' },
  tokenizer: { value: '/nonexistent' },
  ignoreEos: { value: false, text: '--no-ignore-eos' },
  stream: { value: false, text: '--no-stream' },
  temperature: { value: 1 },
  extraBody: { value: '{"top_p":0.9}' },
  header: { value: ['a: b'] },
  apiKeyEnv: { value: KEY },
  insecure: { value: true, on: { target: 'https://127.0.0.1:9' } },
  connections: { value: 'per-request' },
  poll: { value: 'on' },
  router: { value: 'session', on: { target: 'prefill=http://a:1,decode=http://b:1+http://c:1' } },
  startTimeout: { value: '1s', on: { start: 'true' } },
  salt: { value: 'x' },
  warmupRequests: { value: 2 },
  resetCache: { value: true },
};

const isOption = (name: string): name is PlacedOption => Object.hasOwn(NEEDS, name);
const needing = Object.entries(NEEDS).flatMap(([name, need]) => (need !== null && isOption(name) ? [name] : []));

function specOf(options: object): RunSpec {
  process.env[KEY] = 'key';
  try {
    return defineRun({ workload: 'chat', ...options });
  } finally {
    delete process.env[KEY];
  }
}

const inVirtualTime = (options: object): RunSpec => specOf({ target: ENGINE, clock: 'virtual', ...options });

describe('what an option needs to do anything', () => {
  for (const [name, own] of Object.entries(OWN))
    it(`is known of every option of ${name}`, async () => {
      const all = new Map<string, () => Promise<Command>>(Object.entries(COMMANDS));
      const command = await all.get(name)?.();
      const placed = new Set([...[...Object.keys(NEEDS), ...PLAN_OPTIONS].map(kebab), ...own]);
      const options = Object.keys(command?.options ?? {});
      assert.ok(options.length > 0);
      assert.deepEqual(
        options.filter((option) => !placed.has(option)),
        [],
        'options that are not placed',
      );
      assert.deepEqual(
        own.filter((option) => !options.includes(option)),
        [],
        'options that are not there',
      );
    });

  it('has a sample of every option that needs something', () => {
    assert.deepEqual(Object.keys(SAMPLES).toSorted(), needing.toSorted());
  });

  for (const name of needing) {
    const { value, text = `--${kebab(name)}`, on = {} } = SAMPLES[name] ?? { value: null };
    it(`is said of ${text} where it does nothing, and only there`, () => {
      const lines = unusedOptions([inVirtualTime({ [name]: value })], 'azure');
      assert.equal(lines.length, 1, lines.join('\n'));
      assert.ok(lines[0]?.startsWith(`${text} does nothing `), lines[0]);
      assert.deepEqual(unusedOptions([specOf({ target: SERVER, ...on, [name]: value })], 'azure'), []);
    });
  }

  it('is not said of what is left as it is by default', () => {
    const defaults = { poll: 'auto', adapter: 'auto', header: [], stream: true, temperature: 0, insecure: false };
    assert.deepEqual(
      unusedOptions([inVirtualTime({ ...defaults, router: 'round-robin', model: undefined })], 'azure'),
      [],
    );
  });

  it('may be the texts of a trace, which a tokenizer counts in virtual time too', () => {
    const spec = inVirtualTime({ tokenizer: '/nonexistent' });
    assert.equal(unusedOptions([spec], 'mooncake').length, 1);
    assert.deepEqual(unusedOptions([spec], 'openai-batch'), []);
  });

  it('may be met by one of several targets', () => {
    const both = (options: object): string[] =>
      unusedOptions(
        [specOf({ target: SERVER, ...options }), specOf({ target: 'https://127.0.0.1:9', ...options })],
        'azure',
      );
    assert.deepEqual(both({ insecure: true }), []);
    assert.deepEqual(both({ router: 'session', startTimeout: '1s' }), [
      '--router does nothing without replicas (URL+URL)',
      '--start-timeout does nothing without a server to start (--start)',
    ]);
  });

  it('is said in one line of options that need the same', () => {
    const [line, ...others] = unusedOptions([inVirtualTime({ salt: 'x', stream: false, temperature: 1 })], 'azure');
    assert.equal(
      line,
      '--no-stream, --temperature and --salt do nothing in virtual time: its requests are lengths and prefix blocks',
    );
    assert.deepEqual(others, []);
  });
});
