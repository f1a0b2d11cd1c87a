import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { readConfig } from '../../src/commands/config-file.ts';
import { camelOptions, type Command, type Given } from '../../src/commands/command.ts';
import { runLine } from '../../src/commands/main.ts';
import { RUN_OPTIONS } from '../../src/commands/run-options.ts';
import { runCommand } from '../../src/commands/run.ts';
import { EXIT, UserError } from '../../src/core/errors.ts';
import { commandOf, shownOptions } from '../../src/run/given-options.ts';
import { runOptionsSchema } from '../../src/run/run-options.ts';
import { temporaryFolder } from '../cli.ts';

const folder = temporaryFolder();
const NAMES = Object.keys(runOptionsSchema.shape);
/** The run refuses it; options are hardly ever drawn so. */
const REFUSED_SEED = 1_300_013;
let files = 0;

function file(content: string | Buffer): string {
  const path = join(folder, `config-${files++}.yaml`);
  writeFileSync(path, content);
  return path;
}

/** What `reprise run ARGS` hands to the run. */
async function givenBy(...args: string[]): Promise<Given> {
  let given: Given = {};
  const command: Command = {
    ...runCommand,
    run: async (_all, options) => {
      given = options;
      if (options['seed'] === REFUSED_SEED) throw new UserError('--seed: refused');
      return EXIT.ok;
    },
  };
  await runLine(['run', ...args], new Map([['run', async () => command]]));
  return given;
}

function mistake(content: string | Buffer): string {
  const path = file(content);
  try {
    readConfig(path, runCommand);
  } catch (thrown) {
    assert.ok(thrown instanceof UserError, String(thrown));
    assert.equal(thrown.exitCode, EXIT.usage);
    return thrown.message.replaceAll(path, 'FILE');
  }
  return 'taken';
}

const MISTAKES: readonly (readonly [what: string, content: string | Buffer, names: RegExp])[] = [
  ['an empty file', '', /^FILE: is empty, expected options/],
  ['only comments', '# nothing\n', /^FILE: is empty/],
  ['a list', '- limit: 3\n', /^FILE:1: expected options by their names/],
  ['a text', 'limit 3\n', /^FILE:1: expected options by their names/],
  ['an unknown key', 'limit: 3\nsped: 2\n', /^FILE:2: unknown key "sped"; did you mean "speed"\?/],
  ['a key of programs', 'ttftTimeout: 3s\n', /^FILE:1: unknown key "ttftTimeout"; did you mean "ttft-timeout"\?/],
  ['a key with dashes', '"--limit": 3\n', /unknown key "--limit"; did you mean "limit"\?/],
  ['a negated key', 'no-ignore-eos: true\n', /^FILE:1: unknown key "no-ignore-eos"; write "ignore-eos: false"$/],
  ['another file', 'config: other.yaml\n', /^FILE:1: unknown key "config"/],
  ['a key of every object', 'constructor: 1\n', /^FILE:1: unknown key "constructor"/],
  ['a key that is given twice', 'limit: 3\nseed: 1\nlimit: 4\n', /^FILE:3: limit is given twice$/],
  ['a key twice in JSON', '{"limit": 3,\n "limit": 4}', /^FILE:2: "limit" is given twice$/],
  ['a list for a text', 'slo: [ttft=1s]\n', /^FILE:1: slo: expected one value, not a list$/],
  ['a mapping for a text', 'seed: 2\nslo: {ttft: 1s}\n', /^FILE:2: slo: expected one value, not a mapping$/],
  ['a key without a value', 'slo:\n', /^FILE:1: slo: has no value/],
  ['an empty value', "slo: ''\n", /^FILE:1: slo: is empty/],
  ['no number', 'limit: ten\n', /^FILE:1: limit: got "ten", expected a number$/],
  ['an endless number', 'rate: .inf\n', /^FILE:1: rate: got "\.inf", expected a number$/],
  ['a value of nothing', 'limit: ~\n', /^FILE:1: limit: has no value/],
  ['a number of blanks', 'limit: " "\n', /^FILE:1: limit: is empty/],
  ['a key without a blank', 'seed: 2\nlimit:3\n', /^FILE:2: no blank after "limit:"; write "limit: VALUE"$/],
  ['a key that is stuck to a secret', 'header:hunter2\n', /^FILE:1: (?!.*hunter2)/],
  [
    'what is not in UTF-8',
    Buffer.from('workload: t\xe9.csv\n', 'latin1'),
    /^--config: FILE: is binary, or not in UTF-8/,
  ],
  ['a body that no JSON can hold', 'extra-body: {a: [.nan]}\n', /^FILE:1: extra-body: holds \.nan, which JSON has no/],
  [
    'a body of a longer number',
    'extra-body: {a: 12345678901234567890}\n',
    /^FILE:1: extra-body: holds 12345678901234567890/,
  ],
  ['a body with an odd key', 'extra-body: {[a, b]: 1}\n', /^FILE:1: extra-body: has a key that is no text/],
  ['neither true nor false', 'quiet: no\n', /^FILE:1: quiet: got "no", expected true or false$/],
  ['a tab', 'extra-body:\n\ttop_p: 1\n', /^FILE:2: a tab indents this line; YAML takes spaces$/],
  ['an alias', 'slo: &a ttft=1s\nat: *a\n', /^FILE:1: anchors and aliases are not read here/],
  [
    'aliases of aliases',
    `a: &a [${'x,'.repeat(9)}]\n${[...'bcdefghi'].map((name, i) => `${name}: &${name} [${`*${'abcdefgh'[i]},`.repeat(9)}]\n`).join('')}`,
    /^FILE:1: anchors and aliases are not read here/,
  ],
  ['a tag', 'slo: !!js/function x\n', /^FILE:1: .*tag/i],
  ['two documents', 'limit: 3\n---\nlimit: 4\n', /^FILE:2: a second document begins/],
  ['half of JSON', '{"limit": 3,', /^FILE:1: neither YAML nor JSON/],
  ['brackets by the thousand', '['.repeat(50_000), /^FILE:1: brackets are nested by the thousand/],
  ['what is binary', Buffer.from([0x7f, 0x45, 0, 1]), /^--config: FILE: is binary/],
  ['a trace', Buffer.alloc(1_000_001, 'a'), /^--config: FILE: over 1 MB/],
  ['a header that is no text', 'header: {x-key: {hunter2: 1}}\n', /^FILE:1: header: (?!.*hunter2)expected a text/],
  ['a body that is none', 'extra-body: [hunter2]\n', /^FILE:1: extra-body: (?!.*hunter2)expected/],
];

describe('--config FILE', () => {
  for (const [what, content, names] of MISTAKES) it(`refuses ${what}`, () => assert.match(mistake(content), names));

  it('refuses a file that is not there, a folder, and two files', async () => {
    await assert.rejects(givenBy('--config', join(folder, 'none')), /^UserError: --config: .*none: no such file$/);
    await assert.rejects(givenBy('--config', folder), /--config: .*: is a directory, expected/);
    await assert.rejects(givenBy('--config', 'a', '--config', 'b'), /--config: is given more than once/);
  });

  it('gives what the command line would: texts as they are written, numbers, lists and bodies', async () => {
    const config = [
      'workload: a b.csv',
      'salt: 0123',
      'model: 1.0',
      'limit: "50"',
      'rate: 7.5',
      'at: 95%',
      'ignore-eos: False',
      'insecure: "true"',
      'reset-cache: TRUE',
      'target: http://127.0.0.1:8000/v1?a=b',
      'window: 60s..120s',
      'header:',
      '  - "x-a: 1"',
      '  - x-b: 0x1',
      'extra-body: {top_p: 0.9, stop: [a], n: 1e300}',
    ];
    const flags = ['a b.csv', '--salt', '0123', '--model', '1.0', '--limit', '50', '--rate', '7.5', '--at', '95%'];
    flags.push(
      '--no-ignore-eos',
      '--insecure',
      '--reset-cache',
      '--target',
      'http://127.0.0.1:8000/v1?a=b',
      '--window',
      '60s..120s',
    );
    flags.push('--header', 'x-a: 1', '--header', 'x-b: 0x1', '--extra-body', '{"top_p":0.9,"stop":["a"],"n":1e+300}');
    assert.deepEqual(await givenBy('--config', file(config.join('\r\n'))), await givenBy(...flags));
    assert.deepEqual(await givenBy('--config', file('{\n\t"limit": 3,\n\t"header": "a: b"\n}')), {
      limit: 3,
      header: ['a: b'],
    });
  });

  it('yields to the command line, option by option', async () => {
    const path = file(`workload: a.csv\nlimit: 3\nquiet: true\nheader: [a: b]\nseed: ${REFUSED_SEED}\n`);
    const given = await givenBy('b.csv', '--config', path, '--no-quiet', '--header', 'c: d', '--seed', '2');
    assert.deepEqual(given, { workload: 'b.csv', limit: 3, quiet: false, header: ['c: d'], seed: 2 });
    const thrown: unknown = await givenBy('--config', path, '--seed', `${REFUSED_SEED}`).catch(
      (error: unknown) => error,
    );
    assert.ok(thrown instanceof UserError);
    assert.equal(thrown.message, '--seed: refused', 'the option of the line, not that of the file');
    await assert.rejects(givenBy('--config', path), new UserError(`${path}:5: --seed: refused`));
  });
});

/** A value of each option of a run, as a user may give it; quotes around a whole text are the shell's. */
const text = fc
  .oneof(
    fc.string({ minLength: 1 }),
    fc.constantFrom('-5s', '--seed', 'a=b', '0123', 'null', 'true', 'a: b', '#', "it's"),
  )
  .filter((each) => each.trim() !== '' && !each.includes('\0') && !/^(['"]).*\1$/s.test(each));
const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })).map((each) => each + 0);
const valueOf: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  ...Object.fromEntries(
    Object.entries(RUN_OPTIONS).map(([name, { type }]) => [
      name,
      type === 'number' ? number : type === 'boolean' ? fc.boolean() : text,
    ]),
  ),
  workload: text.filter((each) => !each.startsWith('-')),
  header: fc.array(
    fc.constantFrom('x-a', 'authorization').map((name) => `${name}: ***`),
    { minLength: 1 },
  ),
  'extra-body': fc.constantFrom('{"top_p":0.9}', '{"stop":["a","b"],"n":1}'),
  target: fc.constantFrom('http://127.0.0.1:8000/v1', 'reference:vllm-v1,gpu=h100-sxm'),
  ready: fc.constant('http://127.0.0.1:8000/up?key=***'),
};

describe('the options of a run', () => {
  it('are in --help in the order in which run.json keeps them', () => {
    const recorded = shownOptions(Object.fromEntries(NAMES.map((name) => [name, 1])), NAMES) ?? {};
    const shown = Object.keys(RUN_OPTIONS).filter((name) => name in recorded);
    assert.deepEqual(
      shown,
      Object.keys(recorded).filter((name) => name !== 'workload' && name !== 'codec'),
    );
  });

  it('are the same by the recorded line, by a config file of the record, and as they were given', async () => {
    await fc.assert(
      fc.asyncProperty(fc.record(valueOf, { requiredKeys: [] }), async (given) => {
        const recorded = shownOptions(camelOptions(given), NAMES);
        const again = (options: Given): unknown => shownOptions(camelOptions(options), NAMES);
        assert.deepEqual(again(await givenBy(...commandOf(recorded).slice(2))), recorded);
        if (recorded === null || Object.keys(recorded).length === 0) return;
        for (const written of [stringify(recorded), JSON.stringify(recorded)])
          assert.deepEqual(again(readConfig(file(written), runCommand).given), recorded);
      }),
      { numRuns: 15 },
    );
  });
});
