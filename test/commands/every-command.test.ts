import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Command, Given } from '../../src/commands/command.ts';
import { COMMANDS, runLine } from '../../src/commands/main.ts';
import { runSpecOf } from '../../src/commands/run-options.ts';
import { EXIT, UserError } from '../../src/core/errors.ts';
import { engineCatalogue, parseEngineSpec } from '../../src/engine/index.ts';
import { resolveSlo } from '../../src/slos/index.ts';
import { parseTarget } from '../../src/target/target-spec.ts';

const commands: readonly (readonly [name: string, command: Command])[] = await Promise.all(
  Object.entries(COMMANDS).map(async ([name, load]) => [name, await load()] as const),
);

/** What the command of a line gets of it. */
async function givenBy(words: readonly string[]): Promise<Given> {
  let given: Given = {};
  const spies = commands.map(([name, command]): readonly [string, () => Promise<Command>] => {
    const run: Command['run'] = async (_all, options) => {
      given = options;
      return EXIT.ok;
    };
    return [name, async () => ({ ...command, run })];
  });
  await runLine(words, new Map(spies));
  return given;
}

/** A line without the positionals that a command asks for would be refused for that. */
function lineOf(name: string, { positionals }: Command): string[] {
  const demanded = Object.values(positionals).filter(({ demandOption }) => demandOption === true);
  return [name, ...demanded.map(({ choices }) => String(choices?.[0] ?? 'given'))];
}

describe('an option with one value', () => {
  for (const [name, command] of commands)
    it(`is refused where it is given twice: ${name}`, async () => {
      const all: Command['options'] = { ...command.options, config: { type: 'string' } };
      const single = Object.entries(all).filter(([, { array, type }]) => array !== true && type !== 'boolean');
      for (const [option, { choices }] of single) {
        const value = String(choices?.[0] ?? '1');
        await assert.rejects(
          givenBy([...lineOf(name, command), `--${option}`, value, `--${option}=${value}`]),
          (thrown) => thrown instanceof UserError && thrown.message === `--${option}: is given more than once`,
          option,
        );
      }
    });
});

/** The words of a line as a shell reads them, up to where it sends the output elsewhere. */
function wordsOf(line: string): string[] {
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const end = words.indexOf('>');
  return end < 0 ? words : words.slice(0, end);
}

const catalogue = engineCatalogue();
const isNamed = (part: readonly { readonly name: string }[], value: string): void =>
  assert.ok(
    part.some(({ name }) => name === value),
    `${value} is not in the catalogue`,
  );
const asTarget = (value: string): void => void parseTarget(value);
const asSystem = (value: string): void => void parseEngineSpec(value);

/** Throws where a value names what is not known. */
const READERS: Readonly<Record<string, (value: string) => void>> = {
  target: asTarget,
  base: asTarget,
  new: asTarget,
  system: asSystem,
  collocated: asSystem,
  model: (value) => isNamed(catalogue.models, value),
  gpu: (value) => isNamed(catalogue.gpus, value),
  slo: (value) => void resolveSlo(value),
};

describe('the examples of the help', () => {
  for (const [name, command] of commands)
    for (const line of command.examples)
      it(line, async () => {
        const [program, of, ...rest] = wordsOf(line);
        assert.equal(program, 'reprise');
        const given = await givenBy([of ?? '', ...rest]);
        for (const [option, value] of Object.entries(given))
          if (Object.hasOwn(command.options, option) || of !== name)
            for (const each of Array.isArray(value) ? value : [value]) READERS[option]?.(String(each));
        if (of === 'run' && given['probe'] === undefined) runSpecOf(given);
      });
});

describe('names that the help of an option gives as examples', () => {
  it('are those of the engine', () => {
    const named = commands.flatMap(([, { options }]) =>
      Object.entries(options).flatMap(([option, { describe: text }]) => {
        const [, example] = /\be\.g\. ([a-z][\w.-]*\d[\w.-]*\w)/.exec(text ?? '') ?? [];
        return ['model', 'gpu'].includes(option) && example !== undefined ? [{ option, example }] : [];
      }),
    );
    assert.ok(named.length >= 2);
    for (const { option, example } of named) READERS[option]?.(example);
  });
});
