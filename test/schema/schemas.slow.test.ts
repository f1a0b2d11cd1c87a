import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { z } from 'zod';
import { writeCertificate } from '../../src/calibrate/files.ts';
import { FILES, JSON_SCHEMAS, jsonSchemas } from '../../scripts/json-schemas.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import { parseEngineSpec } from '../../src/engine/index.ts';
import { serveEngine } from '../../src/engine/server/index.ts';
import { summarise } from '../../src/metrics/summarise.ts';
import { JUDGED_NAMES } from '../../src/schema/comparison.ts';
import { manifestSchema, type Manifest } from '../../src/schema/manifest.ts';
import { summarySchema } from '../../src/schema/summary.ts';
import { writeReproduced } from '../../src/search/reproduce/files.ts';
import { cli, readJson, temporaryFolder } from '../cli.ts';
import { EXAMPLE_CERTIFICATE } from '../certificate/example-certificate.ts';
import { exampleManifest } from '../metrics/example-manifest.ts';
import { exampleRun, type ExampleOptions } from '../reports/example-run.ts';
import { EXAMPLE_GALLERY } from '../reports/example-reproduced.ts';
import { exampleScrapes } from '../reports/example-scrapes.ts';
import { anyBatch } from '../runs/example-records.ts';
import { batches } from '../runs/temporary-run.ts';
import { readPlacement, readRunFile, readSummary, shippedSchema } from '../written-files.ts';

const folder = temporaryFolder();
const SLO = 'ttft=250ms,tpot=100ms';

interface Change {
  readonly what: string;
  readonly file: unknown;
}

/** What a file becomes by one change: a key left out, a key that no schema has, a value of another kind. */
function changes(value: unknown, path = ''): Change[] {
  if (typeof value !== 'object' || value === null) return [{ what: `${path} is a list`, file: [[value]] }];
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    // The others are like the first.
    return changes(items[0], `${path}[0]`).map(({ what, file }) => ({ what, file: [file, ...items.slice(1)] }));
  }
  const found: Change[] = [{ what: `${path}.odd is new`, file: { ...value, odd: 'odd' } }];
  for (const [key, inner] of Object.entries(value)) {
    const others = Object.entries(value).filter(([other]) => other !== key);
    found.push({ what: `${path}.${key} is missing`, file: Object.fromEntries(others) });
    for (const { what, file } of changes(inner, `${path}.${key}`))
      found.push({ what, file: { ...value, [key]: file } });
  }
  return found;
}

/** Where any key may stand. */
const OPEN =
  /^\.(?:options|versions|delivered\.outputs\.finish_reasons|target\.facts|files|workload\.transforms\[0\]\.args)\./;
/** What else may be left out: what has a default, and what is not always there. */
const MAY_BE_MISSING: Readonly<Record<string, readonly string[]>> = {
  'run.json': [
    '.options',
    '.host',
    '.salt',
    '.workload.warnings',
    '.workload.classes',
    '.measured',
    '.ignore_eos',
    '.stream',
    '.temperature',
    '.extra_body',
    '.prepared',
    '.slo.limits_ms.ttft',
    '.slo.limits_ms.tpot',
    '.slo.at',
    '.max_in_flight',
    '.workers',
    '.files',
    '.seal',
  ],
  'summary.json': [
    '.validity.judged',
    '.validity.reading_us_per_token',
    '.validity.gc',
    '.validity.unread',
    '.validity.stimulus',
    '.requests.by_outcome.ok',
    '.clock_error_ms',
    '.slo.limits_ms.ttft',
    '.slo.limits_ms.tpot',
    '.sessions',
    '.server.iteration_tokens',
  ],
  'place.json': [
    '.slo.limits_ms.ttft',
    '.slo.limits_ms.tpot',
    '.max_model_len',
    '.arrivals',
    '.prefix',
    '.contenders',
    '.trace_timing',
    '.attainment',
    '.best',
  ],
  'goodput.json': ['.slo.limits_ms.ttft', '.slo.limits_ms.tpot'],
  'goodputs.json': ['.targets[0].report.slo.limits_ms.ttft', '.targets[0].report.slo.limits_ms.tpot'],
  'sweep.json': ['.slo.limits_ms.ttft', '.slo.limits_ms.tpot'],
  'accepted.json': ['.seal'],
  'night.json': ['.measured', ...JUDGED_NAMES.map((name) => `.metrics.${name}`), '.seal'],
  'comparison.json': ['.slo.limits_ms.ttft', '.slo.limits_ms.tpot'],
  'probe.json': [],
  'reproduce.json': [],
  'certificate.json': [],
};

const written = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

it('the JSON Schemas that are shipped are those of the schemas: `npm run schemas` writes them', () => {
  const shipped = readdirSync(JSON_SCHEMAS).map(
    (name) => [name, readFileSync(join(JSON_SCHEMAS, name), 'utf8')] as const,
  );
  assert.deepEqual(new Map(shipped), new Map([...jsonSchemas()].sort()));
  for (const [name, text] of shipped) {
    const { $id, title } = z.looseObject({ $id: z.string(), title: z.string() }).parse(JSON.parse(text));
    assert.deepEqual([$id, title], [`urn:reprise:${name}:1`, `${name} of Reprise, version 1`]);
  }
});

describe('what is written', () => {
  const run = join(folder, 'run');
  const place = join(folder, 'place');
  const goodput = join(folder, 'goodput');
  const ab = join(folder, 'ab');
  const goodputs = join(folder, 'goodputs');
  const sweep = join(folder, 'sweep');
  const nights = join(folder, 'nights');
  const gallery = join(folder, 'gallery');
  const folders: Readonly<Record<string, string>> = {
    'place.json': place,
    'goodput.json': goodput,
    'goodputs.json': goodputs,
    'sweep.json': sweep,
    'accepted.json': join(nights, 'main'),
    'night.json': nights,
    'comparison.json': ab,
    'probe.json': folder,
    'certificate.json': folder,
    'reproduce.json': gallery,
  };
  const readFile = (name: string): Record<string, unknown> => readJson(folders[name] ?? run, name);
  before(async () => {
    const options = ['--clock', 'virtual', '--slo', SLO, '--warmup', '2s', '--limit', '99'];
    const ran = await cli('run', ...options, '--out', run, '--quiet');
    assert.equal(ran.code, 0, ran.stderr);
    const search = ['--model', 'opt-13b', '--gpu', 'a100-sxm-80g', '--gpus', '3', '--slo', SLO, '--requests', '20'];
    const placed = await cli('place', 'chat', ...search, '--out', place, '--quiet');
    assert.equal(placed.code, 0, placed.stderr);
    const limits = ['--clock', 'virtual', '--slo', SLO, '--limit', '99', '--precision', '20%'];
    const found = await cli('goodput', 'chat', ...limits, '--out', goodput, '--quiet');
    assert.equal(found.code, 0, found.stderr);
    const target = ['--target', 'reference:vllm-v1,model=llama-3.1-8b,gpu=h100-sxm'];
    const several = await cli('goodput', 'chat', ...target, ...target, ...limits, '--out', goodputs, '--quiet');
    assert.equal(several.code, 0, several.stderr);
    const grid = ['--target', 'reference', '--rates', '4..16x2', '--clock', 'virtual', '--slo', SLO, '--limit', '99'];
    const swept = await cli('sweep', 'chat', ...grid, '--out', sweep, '--quiet');
    assert.equal(swept.code, 0, swept.stderr);
    const night = ['--clock', 'virtual', '--slo', SLO, '--limit', '99', '--branch', 'main', '--commit', 'c0ffee'];
    const slept = await cli('nightly', 'chat', ...night, '--baseline', nights, '--gate', 'default', '--quiet');
    assert.equal(slept.code, 4, slept.stderr);
    const [line = ''] = readFileSync(join(nights, 'main', 'history.jsonl'), 'utf8').split('\n');
    writeFileSync(join(nights, 'night.json'), line);
    const two = [
      '--clock',
      'virtual',
      '--slo',
      SLO,
      '--limit',
      '99',
      '--base',
      'reference',
      '--new',
      'reference:sglang',
    ];
    const compared = await cli('ab', 'chat', ...two, '--out', ab, '--quiet');
    assert.equal(compared.code, 0, compared.stderr);
    const server = await serveEngine(parseEngineSpec(''), { host: '127.0.0.1', port: 0, dialect: 'vllm' });
    const short = ['--limit', '99', '--front-end', '2', '--load-time', '100ms', '--out', join(folder, 'probe.json')];
    const probed = await cli('probe', server.url, 'chat', ...short, '--quiet');
    await server.close();
    assert.equal(probed.code, 0, probed.stderr);
    await writeReproduced(gallery, EXAMPLE_GALLERY);
    await writeCertificate(folder, EXAMPLE_CERTIFICATE);
  });

  it('is what its schema says, and says what it is of', () => {
    const manifest = readRunFile(run);
    const summary = readSummary(run);
    assert.equal(summary.run_id, 'run');
    assert.equal(summary.plan_sha256, manifest.plan_sha256);
    assert.equal(summary.workload.name, manifest.workload.name);
    const { spec, kind, model } = manifest.target;
    assert.deepEqual(summary.target, { spec, kind, model });
    assert.ok(readPlacement(place).placements.length > 1);
  });

  for (const [name, schema] of Object.entries(FILES))
    it(`${name}: schema and JSON Schema refuse the same changes`, () => {
      const shipped = shippedSchema(name);
      const taken = changes(readFile(name)).filter(({ what, file }) => {
        const isTaken = schema.safeParse(file).success;
        assert.equal(shipped.safeParse(file).success, isTaken, `${name}: ${what}`);
        return isTaken;
      });
      assert.deepEqual(
        taken.map(({ what }) => what).filter((what) => !OPEN.test(what)),
        MAY_BE_MISSING[name]?.map((key) => `${key} is missing`),
      );
    });

  it('a file of a version to come is refused', () => {
    for (const [name, schema] of Object.entries(FILES))
      assert.ok(!schema.safeParse({ ...readFile(name), schema: 2 }).success);
  });

  it('a run.json of before its keys with a default is read', () => {
    const {
      options: _o,
      salt: _s,
      ignore_eos: _i,
      stream: _st,
      temperature: _t,
      extra_body: _e,
      measured,
      prepared,
      ...older
    } = readJson(run, 'run.json');
    assert.deepEqual([measured === undefined, prepared], [false, null]);
    const old = join(folder, 'old');
    mkdirSync(old);
    writeFileSync(join(old, 'run.json'), JSON.stringify(older));
    assert.equal(readRunFile(old).measured, null);
  });
});

/** Any record has any 32-bit number for a length; a length is none below 0. */
function withLengths(record: RequestRecord): RequestRecord {
  const length = (tokens: number | null): number | null => (tokens === null ? null : Math.max(0, tokens));
  return {
    ...record,
    input_tokens: length(record.input_tokens),
    input_tokens_planned: length(record.input_tokens_planned),
    output_tokens: length(record.output_tokens),
    output_tokens_planned: length(record.output_tokens_planned),
  };
}

describe('the examples that other tests are made of', () => {
  const fates: readonly Partial<ExampleOptions>[] = [
    {},
    { slo: null },
    { fate: () => ({ outcome: 'http_error', http_status: 500 }) },
    { scrapes: exampleScrapes },
    { manifest: { clock: 'virtual', client: null, status: 'interrupted', reason: 'the client was killed' } },
    { manifest: { measured: { warmup_s: 1, cooldown_s: 1, from_us: 1e6, to_us: 9e6 } } },
  ];
  for (const [index, fate] of fates.entries())
    it(`example ${index}`, async () => {
      const { manifest, summary } = await exampleRun({ requests: 60, slo: 'ttft=200ms,tpot=12ms', ...fate });
      assert.deepEqual(manifestSchema.parse(written(manifest)), manifest);
      assert.deepEqual(summarySchema.parse(written(summary)), written(summary));
    });

  it('any records: the summary is what its schema says', async () => {
    const manifests: readonly Partial<Manifest>[] = [
      {},
      { clock: 'virtual', client: null },
      { slo: { text: SLO, limits_ms: { ttft: 250, tpot: 100 }, at: 0.9 } },
    ];
    await fc.assert(
      fc.asyncProperty(anyBatch(25), fc.constantFrom(...manifests), async (records, over) => {
        const summary = await summarise(batches(records.map(withLengths)), exampleManifest(over));
        assert.deepEqual(summarySchema.parse(written(summary)), written(summary));
      }),
      { numRuns: 60 },
    );
  });
});
