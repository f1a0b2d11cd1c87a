import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { it } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
/** A file that a README shows how to write. */
const EXAMPLES: ReadonlySet<string> = new Set(['systems/toy.ts']);
const FOLDERS = ['src', 'adapters', 'workloads', 'reports', 'scripts', 'test'];

it('the stations of src/README.md are there: at most eight, each a file and what it exports', () => {
  const text = readFileSync(join(ROOT, 'src', 'README.md'), 'utf8');
  const stations = [...text.matchAll(/^(\d)\. (.*(?:\n {3}.*)*)/gm)];
  assert.deepEqual(
    stations.map(([, number]) => Number(number)),
    Array.from({ length: 8 }, (_, i) => i + 1),
  );
  for (const [, , station = ''] of stations)
    for (const [, file = '', name = ''] of station.matchAll(/`([\w./-]+\.ts)`(?::\s+`(\w+)`)?/g)) {
      assert.ok(existsSync(join(ROOT, file)), `${file} is not there`);
      if (name !== '')
        assert.match(
          readFileSync(join(ROOT, file), 'utf8'),
          new RegExp(`export .*\\b${name}\\b`),
          `${name} in ${file}`,
        );
    }
});

it('the files that READMEs name are there', () => {
  const files = FOLDERS.flatMap((top) =>
    readdirSync(join(ROOT, top), { recursive: true, encoding: 'utf8' }).map((entry) => `/${top}/${entry}`),
  );
  const wrong: string[] = [];
  for (const readme of files.filter((file) => file.endsWith('/README.md')))
    for (const [, name = ''] of readFileSync(join(ROOT, readme), 'utf8').matchAll(/`([\w./-]+\.ts)`/g)) {
      if (name.startsWith('NAME') || EXAMPLES.has(name)) continue;
      const path = name.startsWith('.') ? join(dirname(readme), name) : `/${name}`;
      if (!files.some((file) => file.endsWith(path))) wrong.push(`${readme}: ${name}`);
    }
  assert.deepEqual(wrong, []);
});
