import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { it } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
const CODE = ['src', 'adapters', 'workloads', 'reports', 'scripts', 'test'];

/** Who may import what: data flows one way. The longest matching prefix is a file's layer; a layer may import itself. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  'src/core': [],
  'src/schema': ['src/core'],
  'src/slos': ['src/core'],
  'src/trend': ['src/core', 'src/schema'],
  'src/certificate': ['src/core', 'src/schema'],
  workloads: ['src/core'],
  adapters: ['src/core'],
  'src/metrics': ['src/core', 'src/schema'],
  'src/engine': ['src/core'],
  'src/runs': ['src/core', 'src/schema'],
  'src/replay': ['src/core', 'src/schema'],
  'src/serving': ['src/core', 'src/schema', 'adapters', 'src/replay', 'src/runs'],
  reports: ['src/core', 'src/schema', 'src/certificate', 'src/metrics', 'src/trend'],
  'src/target': [
    'src/core',
    'src/schema',
    'src/certificate',
    'adapters',
    'workloads',
    'src/engine',
    'src/runs',
    'src/replay',
    'src/serving',
  ],
  'src/probe': [
    'src/core',
    'src/schema',
    'adapters',
    'workloads',
    'src/metrics',
    'src/replay',
    'src/serving',
    'src/target',
  ],
  'src/run': [
    'src/core',
    'src/schema',
    'src/certificate',
    'src/slos',
    'workloads',
    'adapters',
    'src/metrics',
    'src/runs',
    'src/replay',
    'src/target',
    'reports',
  ],
  'src/calibrate': ['src/core', 'src/schema', 'src/certificate', 'src/replay', 'src/runs', 'src/run', 'reports'],
  'src/search': [
    'src/core',
    'src/schema',
    'src/certificate',
    'src/slos',
    'workloads',
    'src/metrics',
    'src/engine',
    'src/replay',
    'src/runs',
    'src/target',
    'src/run',
    'src/trend',
    'src/compare',
    'reports',
  ],
  'src/results': ['src/core', 'src/schema', 'workloads', 'src/metrics', 'src/runs', 'reports'],
  'src/compare': [
    'src/core',
    'src/schema',
    'src/certificate',
    'src/trend',
    'src/metrics',
    'src/runs',
    'src/run',
    'reports',
  ],
  'src/commands': [
    'src/core',
    'src/schema',
    'src/certificate',
    'src/slos',
    'adapters',
    'workloads',
    'src/metrics',
    'src/engine',
    'src/runs',
    'reports',
    'src/target',
    'src/probe',
    'src/calibrate',
    'src/results',
    'src/run',
    'src/search',
    'src/compare',
  ],
  'src/cli.ts': ['src/core', 'src/commands'],
  'src/index.ts': [
    'src/core',
    'src/schema',
    'src/slos',
    'workloads',
    'adapters',
    'src/metrics',
    'src/engine',
    'src/runs',
    'src/target',
    'src/run',
    'src/search',
  ],
  scripts: ['src', 'adapters', 'workloads', 'reports'],
  test: ['src', 'adapters', 'workloads', 'reports', 'scripts'],
};

const within = (path: string, layer: string): boolean => path === layer || path.startsWith(`${layer}/`);

function layerOf(path: string): string {
  const layer = Object.keys(LAYERS)
    .filter((name) => within(path, name))
    .sort((a, b) => b.length - a.length)[0];
  assert.ok(layer !== undefined, `${path} is in no layer: add it to the table`);
  return layer;
}

it('imports go one way', () => {
  const wrong: string[] = [];
  let seen = 0;
  for (const folder of CODE)
    for (const entry of readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })) {
      const file = join(folder, entry);
      if (!file.endsWith('.ts') || file.includes('/out/')) continue;
      const layer = layerOf(file);
      for (const [, target = ''] of readFileSync(join(ROOT, file), 'utf8').matchAll(
        /^(?:import|export)\b[^;]*?\bfrom '(\.[^']+)'/gm,
      )) {
        seen++;
        const path = relative(ROOT, join(ROOT, dirname(file), target));
        if (within(path, layer) || LAYERS[layer]?.some((allowed) => within(path, allowed))) continue;
        wrong.push(`${file} -> ${path}`);
      }
    }
  assert.ok(seen > 100, `only ${seen} imports seen: the search is broken`);
  assert.deepEqual(wrong, []);
});
