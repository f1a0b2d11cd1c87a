import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { it } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
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
  const wrong: string[] = [];
  for (const top of FOLDERS)
    for (const entry of readdirSync(join(ROOT, top), { recursive: true, encoding: 'utf8' })) {
      if (!entry.endsWith('README.md')) continue;
      const folder = dirname(join(ROOT, top, entry));
      const below = readdirSync(folder, { recursive: true, encoding: 'utf8' });
      for (const [, name = ''] of readFileSync(join(ROOT, top, entry), 'utf8').matchAll(/`([\w./-]+\.ts)`/g))
        if (
          !below.some((each) => `/${each}`.endsWith(`/${name}`)) &&
          ![folder, ROOT, join(ROOT, 'src')].some((from) => existsSync(join(from, name)))
        )
          wrong.push(`${top}/${entry}: ${name}`);
    }
  assert.deepEqual(wrong, []);
});
