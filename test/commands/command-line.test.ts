import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Given } from '../../src/commands/command.ts';
import { readLine, STDIN_FILE } from '../../src/commands/command-line.ts';
import { runLine } from '../../src/commands/main.ts';
import { rerunCommand } from '../../src/commands/rerun.ts';
import { runCommand } from '../../src/commands/run.ts';
import { traceCommand } from '../../src/commands/trace.ts';
import { EXIT, UserError } from '../../src/core/errors.ts';
import { temporaryFolder } from '../cli.ts';

const folder = temporaryFolder();

/** What a command gets of a line. */
async function givenBy(command: Command, ...args: string[]): Promise<Given> {
  let given: Given = {};
  const spy: Command = {
    ...command,
    run: async (_all, options) => {
      given = options;
      return EXIT.ok;
    },
  };
  const [name = ''] = command.usage.split(' ');
  await runLine(args, new Map([[name, async () => spy]]));
  return given;
}

const MISTAKES: readonly (readonly [line: string, says: RegExp])[] = [
  ['run --quiet=maybe', /^--quiet: got "maybe", expected no value: --quiet, or --no-quiet$/],
  ['run --insecure=1', /^--insecure: got "1", expected no value/],
  ['run --ignore-eos=yes', /^--ignore-eos: got "yes", expected no value: --ignore-eos, or --no-ignore-eos$/],
  ['run --help=foo', /^--help: got "foo"/],
  ['run chat -limit 3', /^unknown option -limit; did you mean --limit\?/],
  ['run chat -q', /^unknown option -q\n/],
  ['run chat --no-ignore-eso', /^unknown option --no-ignore-eso; did you mean --no-ignore-eos\?/],
  ['run chat --no-slo=ttft=1s', /^unknown option --no-slo/],
  ['run chat -- --limit 3', /^--limit: comes behind "--", where nothing is an option; leave that "--" out$/],
  ['run chat -- another', /^unexpected argument "another"/],
  ['run chat --no-slo', /^--no-slo: --slo takes a value, and is not there unless it is given; leave it out$/],
  ['run chat --slo ttft=1s --no-slo', /^--slo: is given, and left out by --no-slo$/],
  ['rerun dir --no-config', /^--no-config: /],
  ['-x', /^-x: name a command before it: reprise run/],
  ['--limit 3', /^--limit: name a command before it/],
];

describe('a command line', () => {
  for (const [line, says] of MISTAKES)
    it(`is refused: reprise ${line}`, async () => {
      const [name] = line.split(' ');
      const thrown: unknown = await givenBy(name === 'rerun' ? rerunCommand : runCommand, ...line.split(' ')).catch(
        (error: unknown) => error,
      );
      assert.ok(thrown instanceof UserError, String(thrown));
      assert.match(thrown.message, says);
      assert.equal(thrown.exitCode, EXIT.usage);
    });

  it('takes the word behind an option that needs no value for its value only where no argument is missing', () => {
    const lines: readonly [line: string, args: readonly string[], html: string | undefined][] = [
      ['trace inspect a.csv --html', ['trace', 'inspect', 'a.csv', '--html'], undefined],
      ['trace inspect a.csv --html p', ['trace', 'inspect', 'a.csv', '--html', 'p'], 'p'],
      ['trace inspect --html p a.csv', ['trace', 'inspect', '--html', 'p', 'a.csv'], 'p'],
      ['trace inspect --html a.csv', ['trace', 'inspect', '--html=', 'a.csv'], ''],
      ['trace --html inspect a.csv', ['trace', '--html=', 'inspect', 'a.csv'], ''],
      ['trace inspect --html -', ['trace', 'inspect', '--html=', STDIN_FILE], ''],
      ['trace inspect --html a.csv --json', ['trace', 'inspect', '--html=', 'a.csv', '--json'], ''],
    ];
    for (const [line, args, html] of lines) {
      const read = readLine(line.split(' '), traceCommand);
      assert.deepEqual([read.args, read.texts.get('html')], [args, html], line);
    }
  });

  it('takes "-" for standard input where it names a trace, and nowhere else', async () => {
    const trace = { describe: 'a trace', type: 'string' } as const;
    const { args } = readLine(['run', '-'], { ...runCommand, positionals: { workload: trace } });
    assert.deepEqual(args, ['run', '/dev/stdin']);
    assert.throws(
      () => readLine(['run', '-'], { ...runCommand, positionals: { dir: trace } }),
      /^UserError: -: standard/,
    );
  });

  it('says what was written where a number is due', async () => {
    for (const args of [['--limit', 'ten'], ['--limit=ten'], ['--rate', '7.5rps'], ['--seed', '1,5']] as const) {
      const [option = '', value = ''] = args.flatMap((arg) => arg.split('='));
      assert.deepEqual(await givenBy(runCommand, 'run', ...args), { [option.slice(2)]: value });
    }
  });

  it('takes for an empty one what is only blanks', async () => {
    await assert.rejects(givenBy(runCommand, 'run', '--speed', ' '), /^UserError: --speed: is empty/);
    await assert.rejects(givenBy(runCommand, 'run', '--speed= '), /^UserError: --speed: is empty/);
  });

  it('may have values that look like options, truths of switches, and the mark of npm', async () => {
    const line = [
      '--',
      'run',
      '--salt=--no-slo',
      '--ttft-timeout',
      '-5s',
      '--json=true',
      '--quiet=false',
      '--',
      'chat',
    ];
    const given = { workload: 'chat', salt: '--no-slo', 'ttft-timeout': '-5s', json: true, quiet: false };
    assert.deepEqual(await givenBy(runCommand, ...line), given);
  });

  it('leaves out an option of its config file, or of the run that it repeats', async () => {
    const file = join(folder, 'run.yaml');
    writeFileSync(file, 'rate: 3\nslo: ttft=1s\nheader: [a: b]\n');
    const line = ['run', '--config', file, '--no-rate', '--no-header', '--speed', '2'];
    assert.deepEqual(await givenBy(runCommand, ...line), { slo: 'ttft=1s', speed: 2 });
    assert.deepEqual(await givenBy(rerunCommand, 'rerun', 'dir', '--no-slo', '--no-limit', '--no-quiet'), {
      dir: 'dir',
      slo: null,
      limit: null,
      quiet: false,
    });
  });
});
