import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, describe, it } from 'node:test';
import { z } from 'zod';
import { readJson, temporaryFolder } from './cli.ts';

const ROOT = join(import.meta.dirname, '..');
const folder = temporaryFolder();
const MODULES = join(folder, 'node_modules');
const PACKAGE = join(MODULES, 'reprise');
const BIN = join(MODULES, '.bin', 'reprise');

const packageFile = z.looseObject({
  version: z.string(),
  bin: z.strictObject({ reprise: z.string() }),
  dependencies: z.record(z.string(), z.string()),
});
const summaryFile = z.looseObject({ requests: z.looseObject({ ok: z.number() }) });
const { version, bin, dependencies } = packageFile.parse(readJson(ROOT, 'package.json'));

const node = (...args: readonly string[]): string =>
  execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

/** As `npm install` of the tarball would leave it, without a network: what it depends on is linked from here. */
function install(): void {
  execFileSync('npm', ['pack', '--loglevel=error', '--pack-destination', folder], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  mkdirSync(PACKAGE, { recursive: true });
  const tarball = join(folder, `reprise-${version}.tgz`);
  execFileSync('tar', ['-xzf', tarball, '-C', PACKAGE, '--strip-components=1']);
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(MODULES, name)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(MODULES, name));
  }
  mkdirSync(dirname(BIN));
  symlinkSync(join(PACKAGE, bin.reprise), BIN);
}

describe('the package as it is installed', () => {
  before(install);

  it('holds what runs and its samples, and nothing that only a clone needs', () => {
    const files = readdirSync(PACKAGE, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(PACKAGE.length + 1));
    const odd = files.filter(
      (file) =>
        !/^dist\/(src|adapters|workloads|reports)\/.*\.(js|d\.ts|js\.map)$/.test(file) &&
        !/^src\/schema\/json\/[^/]+\.json$/.test(file) &&
        !/^workloads\/samples\/[^/]+\.(csv|ts|md)$/.test(file) &&
        !['package.json', 'README.md', 'LICENSE'].includes(file),
    );
    assert.deepEqual(odd, []);
    const schemas = ['run', 'summary', 'place', 'goodput', 'goodputs'].map((name) => `src/schema/json/${name}.json`);
    for (const file of [
      'LICENSE',
      bin.reprise.slice(2),
      'dist/src/index.d.ts',
      'workloads/samples/chat.csv',
      ...schemas,
    ])
      assert.ok(files.includes(file), `${file} is missing`);
  });

  it('tells its version', () => {
    assert.equal(node(BIN, '--version').trim(), version);
  });

  it('replays the bundled sample in virtual time, to a report', () => {
    const out = join(folder, 'virtual');
    node(BIN, 'run', '--clock', 'virtual', '--slo', 'ttft=500ms,tpot=50ms', '--out', out, '--quiet');
    const rows =
      readFileSync(join(PACKAGE, 'workloads', 'samples', 'chat.csv'), 'utf8')
        .trim()
        .split('\n').length - 1;
    assert.equal(summaryFile.parse(readJson(out, 'summary.json')).requests.ok, rows);
    assert.match(readFileSync(join(out, 'report.html'), 'utf8'), /^<!doctype html>/i);
  });

  it('starts its threads, and the engine as a process, for a run over HTTP', () => {
    const out = join(folder, 'http');
    node(BIN, 'run', '--limit', '5', '--speed', '4', '--out', out, '--quiet');
    assert.equal(summaryFile.parse(readJson(out, 'summary.json')).requests.ok, 5);
  });

  it('ships the JSON Schemas of the files that it wrote', () => {
    writeFileSync(
      join(folder, 'holds.mjs'),
      `import { readFileSync } from 'node:fs';
import { z } from 'zod';
import run from 'reprise/schema/run.json' with { type: 'json' };
import summary from 'reprise/schema/summary.json' with { type: 'json' };
import place from 'reprise/schema/place.json' with { type: 'json' };
for (const [name, schema] of Object.entries({ 'http/run.json': run, 'http/summary.json': summary, 'place/place.json': place })) {
  z.fromJSONSchema(schema).parse(JSON.parse(readFileSync(name, 'utf8')));
  console.log(name);
}\n`,
    );
    const search = ['--model', 'opt-13b', '--gpu', 'a100-sxm-80g', '--gpus', '2', '--slo', 'ttft=250ms,tpot=100ms'];
    node(BIN, 'place', 'chat', ...search, '--requests', '20', '--out', join(folder, 'place'), '--quiet');
    assert.equal(node('holds.mjs'), 'http/run.json\nhttp/summary.json\nplace/place.json\n');
  });

  it('finds a goodput for a program, with types', () => {
    writeFileSync(
      join(folder, 'searches.mts'),
      `import { goodput, openTarget, type GoodputReport } from 'reprise';
const target = await openTarget({ target: 'reference:vllm-v1,model=llama-3.1-8b,gpu=h100-sxm', clock: 'virtual' });
const search = { workload: 'chat', slo: 'ttft=500ms,tpot=50ms', at: [0.9, 0.5], precision: 0.2, keep: 'none', out: 'search' } as const;
const found: GoodputReport = await goodput({ ...search, target, budget: { requests: 3000 } });
await target.close();
console.log(found.answers.map(({ at, goodput_rps }) => at + ' ' + (goodput_rps !== null && goodput_rps > 1)).join(', '));
`,
    );
    const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules', '@types')];
    node(
      join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'),
      '--module',
      'nodenext',
      '--strict',
      ...types,
      'searches.mts',
    );
    assert.equal(node('searches.mjs').trim(), '0.9 true, 0.5 true');
    assert.deepEqual(readdirSync(join(folder, 'search')).toSorted(), ['goodput.html', 'goodput.json', 'goodput.md']);
  });

  it("the README's program runs against it, with types", () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const [, program = ''] = /## From a program\n[^]*?```ts\n([^]*?)```/.exec(readme) ?? [];
    assert.ok(program.trim().split('\n').length <= 10, 'it is ten lines');
    writeFileSync(join(folder, 'program.mts'), program);
    const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules', '@types')];
    node(
      join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'),
      '--module',
      'nodenext',
      '--strict',
      ...types,
      'program.mts',
    );
    const lines = node('program.mjs').trim().split('\n');
    assert.deepEqual(
      lines.slice(0, 3).map((line) => line.split(' ')[0]),
      ['1', '2', '4'],
    );
    for (const line of lines.slice(0, 3)) assert.match(line, /^\d (0|1|0\.\d+)$/);
    assert.ok(lines.slice(3).reduce((sum, line) => sum + Number(line), 0) > 0, 'no record was read');
    assert.equal(readJson(folder, 'runs', 'at-4', 'run.json')['status'], 'complete');
  });

  it('can be embedded, with types', () => {
    writeFileSync(
      join(folder, 'embeds.mts'),
      `import { parseSlo, type Slo } from 'reprise';\nconst slo: Slo = parseSlo('ttft=500ms');\nconsole.log(JSON.stringify(slo));\n`,
    );
    node(join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '--module', 'nodenext', '--strict', 'embeds.mts');
    assert.equal(node('embeds.mjs').trim(), '{"ttft":500}');
  });
});
