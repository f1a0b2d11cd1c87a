import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readJson, startCli, temporaryFolder } from '../cli.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const folder = temporaryFolder();
const dependencies = new Set(
  Object.keys(
    z.looseObject({ dependencies: z.record(z.string(), z.string()) }).parse(readJson(ROOT, 'package.json'))
      .dependencies,
  ),
);

/** The modules that a command has loaded by its end, by their paths from the root; those of Node left out. */
async function loadedBy(
  args: readonly string[],
  until: (child: ReturnType<typeof startCli>['child']) => void,
): Promise<string[]> {
  const list = join(folder, `${args.join('-')}.txt`);
  const hook = join(folder, `${args.join('-')}.mjs`);
  writeFileSync(
    hook,
    `import { registerHooks } from 'node:module';
     import { writeFileSync } from 'node:fs';
     const urls = new Set();
     registerHooks({ load: (url, context, next) => { urls.add(url); return next(url, context); } });
     process.on('exit', () => writeFileSync(${JSON.stringify(list)}, [...urls].join('\\n')));`,
  );
  const { child, result } = startCli(args, { NODE_OPTIONS: `--import=${hook}` });
  until(child);
  const { code, stderr } = await result;
  assert.ok(code === 0 || code === 143, stderr);
  return readFileSync(list, 'utf8')
    .split('\n')
    .filter((url) => url.startsWith('file:'))
    .map((url) => relative(ROOT, fileURLToPath(url)));
}

const packagesOf = (files: readonly string[]): Set<string> =>
  new Set(files.flatMap((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []));
const foldersOf = (files: readonly string[]): Set<string> =>
  new Set(files.flatMap((file) => /^(?:src\/(?:[^/]+)(?=\/)|adapters|workloads|reports)/.exec(file)?.[0] ?? []));

describe('commands load what they need', () => {
  it('--help: the names of commands, and what draws them', async () => {
    const files = await loadedBy(['--help'], () => undefined);
    assert.ok(files.includes('src/commands/main.ts'), 'nothing was seen');
    assert.deepEqual([...foldersOf(files)].sort(), ['src/commands', 'src/core']);
    assert.deepEqual(
      [...packagesOf(files)].filter((name) => dependencies.has(name)),
      ['yargs'],
    );
  });

  it('trace inspect: what reads traces, and no engine or chart unless it writes a page', async () => {
    const files = await loadedBy(['trace', 'inspect', 'code', '--json'], () => undefined);
    assert.deepEqual([...foldersOf(files)].sort(), ['src/commands', 'src/core', 'src/run', 'workloads']);
  });

  it('engine serve: the engine, and no client, trace, record or report', async () => {
    const files = await loadedBy(['engine', 'serve', '--port', '0'], (child) =>
      child.stdout?.once('data', () => child.kill('SIGTERM')),
    );
    assert.deepEqual([...foldersOf(files)].sort(), ['src/commands', 'src/core', 'src/engine']);
    assert.deepEqual([...packagesOf(files)].filter((name) => dependencies.has(name)).sort(), [
      'csv-parse',
      'yargs',
      'zod',
    ]);
  });
});
