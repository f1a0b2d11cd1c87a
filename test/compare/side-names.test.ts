import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LoadedRun } from '../../src/compare/load-runs.ts';
import { sideNames } from '../../src/compare/side-names.ts';
import { withoutCommandKeys } from '../../src/core/command-keys.ts';
import type { Manifest } from '../../src/schema/manifest.ts';
import { exampleSide } from './example-sides.ts';

const [EXAMPLE] = await exampleSide('base', { factors: [1] });
const PATHS = ['out/base', 'out/new'] as const;

interface Side {
  readonly spec?: string;
  /** A run each. */
  readonly starts?: readonly (string | null)[];
  readonly model?: string;
  readonly facts?: Manifest['target']['facts'];
}

function runs({ spec = 'http://127.0.0.1:8000', starts = [null], model = 'm', facts = {} }: Side): LoadedRun[] {
  return starts.map((start) => {
    assert.ok(EXAMPLE !== undefined);
    const { manifest } = EXAMPLE;
    const target: Manifest['target'] = { ...manifest.target, kind: 'url', spec, model, facts };
    return { ...EXAMPLE, manifest: { ...manifest, target, options: start === null ? {} : { start } } };
  });
}

const names = (base: Side, now: Side): readonly [string, string] => sideNames(runs(base), runs(now), PATHS);
const started = (base: string, now: string): readonly [string, string] =>
  names({ starts: [base, base] }, { starts: [now, now] });

describe('what the sides are called', () => {
  it('by their targets, where these differ', () => {
    assert.deepEqual(names({ spec: 'http://a' }, { spec: 'http://b', starts: ['x'] }), ['http://a', 'http://b']);
  });

  it('of one target by what differs in the commands that started it', () => {
    const cases: readonly (readonly [base: string, now: string, names: readonly [string, string]])[] = [
      ['serve m --max-num-seqs 64 -x', 'serve m --max-num-seqs 128 -x', ['--max-num-seqs 64', '--max-num-seqs 128']],
      ['serve m', 'serve m --async', ['without --async', '--async']],
      ['/old/vllm serve m', '/new/vllm  serve m', ['/old/vllm', '/new/vllm']],
      ['A=1 serve --x 1 --y 1 z', 'A=1 serve --x 2 --y 2 z', ['--x 1 --y 1', '--x 2 --y 2']],
      ['serve a a', 'serve a a a', ['without a', 'a']],
      ['serve --x', 'other', ['serve --x', 'other']],
    ];
    for (const [base, now, expected] of cases) {
      assert.deepEqual(started(base, now), expected);
      assert.deepEqual(started(now, base), expected.toReversed());
    }
    const [long] = started(`serve ${'--option '.repeat(40)}`, 'other');
    assert.ok(long.length <= 60 && long.startsWith('serve --option'), long);
  });

  it('else by what it says of itself, else by their folders', () => {
    const engine = (version: string): Side => ({ starts: ['same'], facts: { engine: 'vllm', version } });
    assert.deepEqual(names(engine('0.9.1'), engine('0.10.0')), ['vllm 0.9.1', 'vllm 0.10.0']);
    assert.deepEqual(names({ model: 'a' }, { model: 'b' }), ['a', 'b']);
    assert.deepEqual(names(engine('1'), engine('1')), ['base', 'new']);
    // Repeats that were not all started by one command are not called by it.
    assert.deepEqual(names({ starts: ['a', 'b'] }, { starts: ['c', 'c'] }), ['base', 'new']);
  });

  it('keys are not in a name, and commands that differ in a key alone do not name the sides', () => {
    assert.deepEqual(started('serve --api-key one-secret', 'serve --api-key two-secret'), ['base', 'new']);
    const [a, b] = started('HF_TOKEN=one-secret serve --x 1', 'HF_TOKEN=two-secret serve --x 2');
    assert.deepEqual([a, b], ['--x 1', '--x 2']);
  });
});

it('hides what a command names as a key, however it is quoted, and nothing else', () => {
  const hidden: readonly (readonly [command: string, shown: string])[] = [
    ['serve --api-key s3cret --x 2', 'serve --api-key *** --x 2'],
    ['serve --api-key=s3cret', 'serve --api-key=***'],
    ['run --password "s3cret s3cret" z', 'run --password *** z'],
    ['docker run -e HF_TOKEN=s3cret -e API_KEY="s3cret s3cret"', 'docker run -e HF_TOKEN=*** -e API_KEY=***'],
    ['curl -H "Authorization: Bearer s3cret" y', 'curl -H "Authorization: ***" y'],
    [`serve --cfg '{"a":1,"api_key":"s3cret"}'`, `serve --cfg '{"a":1,"api_key":***}'`],
    ['bash -c "serve --api-key s3cret -x"', 'bash -c "serve --api-key *** -x"'],
    [
      'serve --url=http://u:s3cret@h/x?key=s3cret "http://u:s3cret@h"',
      'serve --url=http://***@h/x?key=*** "http://***@h"',
    ],
  ];
  for (const [command, shown] of hidden) assert.equal(withoutCommandKeys(command), shown);
  for (const plain of ['serve --max-tokens 256 --tokenizer foo --token-budget 12', 'serve token foo', '--api-key'])
    assert.equal(withoutCommandKeys(plain), plain);
});
