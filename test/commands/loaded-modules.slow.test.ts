import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
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
const trace = join(folder, 'trace.csv');
writeFileSync(trace, 'arrival_s,input_tokens,output_tokens\n0,32,1\n0.01,32,1\n');

/** The modules that each thread of a command, and of a process of ours that it starts, has loaded by its end, by their paths from the root; those of Node left out. */
async function loadedBy(
  args: readonly string[],
  until: (child: ReturnType<typeof startCli>['child']) => void = () => undefined,
): Promise<readonly (readonly string[])[]> {
  const own = mkdtempSync(join(folder, 'loaded-'));
  const [list, hook] = [join(own, 'list.txt'), join(own, 'hook.mjs')];
  // A thread may be ended at any time: each line is written when its module is loaded.
  writeFileSync(
    hook,
    `import { registerHooks } from 'node:module';
     import { appendFileSync } from 'node:fs';
     import { threadId } from 'node:worker_threads';
     registerHooks({
       load: (url, context, next) => {
         appendFileSync(${JSON.stringify(list)}, process.pid + '.' + threadId + ' ' + url + '\\n');
         return next(url, context);
       },
     });`,
  );
  const { child, result } = startCli(args, { NODE_OPTIONS: `--import=${hook}` });
  until(child);
  const { code, stderr } = await result;
  assert.ok(code === 0 || code === 143, stderr);
  const threads = new Map<string, string[]>();
  for (const [, thread = '', url = ''] of readFileSync(list, 'utf8').matchAll(/^(\S+) (file:.+)$/gm))
    threads.set(thread, [...(threads.get(thread) ?? []), relative(ROOT, fileURLToPath(url))]);
  return [...threads.values()];
}

const packagesOf = (files: readonly string[]): readonly string[] =>
  [...new Set(files.flatMap((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []))].sort();
const dependenciesOf = (files: readonly string[]): readonly string[] =>
  packagesOf(files).filter((name) => dependencies.has(name));
const foldersOf = (files: readonly string[]): readonly string[] =>
  [
    ...new Set(files.flatMap((file) => /^(?:src\/(?:[^/]+)(?=\/)|adapters|workloads|reports)/.exec(file)?.[0] ?? [])),
  ].sort();

/** What packages load for exports of which nothing here is used, which costs more than all that is used of them. */
const UNUSED =
  /^node_modules\/(?:undici\/(?:index\.js|lib\/(?:web|mock|cache|interceptor)\/)|zod\/v4\/locales\/(?!en\.)|(?:vega|d3|string-width|emoji-regex)\/)/;

describe('commands load what they need', () => {
  it('--help: the names of commands, and what draws them', async () => {
    const [files = [], ...threads] = await loadedBy(['--help']);
    assert.ok(files.includes('src/commands/main.ts'), 'nothing was seen');
    assert.deepEqual(threads, []);
    assert.deepEqual(foldersOf(files), ['src/commands', 'src/core']);
    assert.deepEqual(dependenciesOf(files), ['yargs']);
    assert.deepEqual(
      files.filter((file) => UNUSED.test(file)),
      [],
    );
  });

  it('trace inspect: what reads traces, and no engine or chart unless it writes a page', async () => {
    const [files = [], ...threads] = await loadedBy(['trace', 'inspect', 'code', '--json']);
    assert.deepEqual(threads, []);
    assert.deepEqual(foldersOf(files), ['src/commands', 'src/core', 'src/run', 'workloads']);
  });

  it('engine serve: the engine, and no client, trace, record or report', async () => {
    const [files = [], ...threads] = await loadedBy(['engine', 'serve', '--port', '0'], (child) =>
      child.stdout?.once('data', () => child.kill('SIGTERM')),
    );
    assert.deepEqual(threads, []);
    assert.deepEqual(foldersOf(files), ['src/commands', 'src/core', 'src/engine']);
    assert.deepEqual(dependenciesOf(files), ['yargs', 'zod']);
    assert.deepEqual(
      files.filter((file) => UNUSED.test(file)),
      [],
    );
  });

  it('a run in virtual time: one thread, and of packages what is used', async () => {
    const out = join(folder, 'virtual');
    const threads = await loadedBy(['run', trace, '--clock', 'virtual', '--out', out, '--quiet']);
    assert.equal(threads.length, 1);
    const [files = []] = threads;
    assert.ok(files.includes('node_modules/vega-lite/build/index.js'), 'no report was made');
    assert.deepEqual(
      files.filter((file) => UNUSED.test(file)),
      [],
    );
  });

  it('a run over HTTP: threads that write its files check no JSON', async () => {
    const threads = await loadedBy(['run', trace, '--target', 'reference', '--out', join(folder, 'http'), '--quiet']);
    assert.deepEqual(
      threads.flat().filter((file) => UNUSED.test(file)),
      [],
    );
    for (const worker of ['src/runs/record-writer-worker.ts', 'src/serving/metrics-monitor-worker.ts']) {
      const files = threads.find((loaded) => loaded.includes(worker));
      assert.ok(files !== undefined, worker);
      assert.ok(!dependenciesOf(files).includes('zod'), worker);
    }
  });
});
