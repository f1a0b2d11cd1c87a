import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { after, beforeEach, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { SILENT } from '../../src/core/log.ts';
import type { TransformSpec } from '../../src/core/plan.ts';
import { scanPlan } from '../../workloads/index.ts';
import type { WorkloadSpec } from '../../src/core/plan.ts';
import { openWorkload, scanWorkload } from '../../workloads/open-workload.ts';
import { requestsOf, temporaryFiles } from './temporary-files.ts';

/** Paths in the order in which files were opened, by whichever function of `fs`. */
const opened: string[] = [];
const { open, openSync, promises } = fs;
const { open: openPromise } = promises;
Object.assign(fs, {
  open: (...args: Parameters<typeof open>) => (opened.push(String(args[0])), open(...args)),
  openSync: (...args: Parameters<typeof openSync>) => (opened.push(String(args[0])), openSync(...args)),
});
promises.open = (...args) => (opened.push(String(args[0])), openPromise(...args));
syncBuiltinESMExports();
after(() => {
  Object.assign(fs, { open, openSync });
  promises.open = openPromise;
  syncBuiltinESMExports();
});
beforeEach(() => opened.splice(0));

const file = temporaryFiles();
const HEADER = 'arrival_s,input_tokens,output_tokens\n';
const ROWS = Array.from({ length: 3000 }, (_, i) => `${i / 4},${i + 1},5\n`).join('');
const RATE: TransformSpec = { op: 'rate', args: { rps: 7 } };
const BLOCKS = [1, 2, 3]
  .map((i) => `{"timestamp":${i},"input_length":${i * 16},"output_length":5,"hash_ids":[${[0, 1, 2].slice(0, i)}]}\n`)
  .join('');

function workload(name: string, content: string | Buffer, ...transforms: TransformSpec[]): WorkloadSpec {
  return { path: file(name, content), onBadRow: 'fail', transforms };
}

describe('a workload is scanned', () => {
  const cases: [what: string, workload: WorkloadSpec, opens: number][] = [
    ['plain', workload('plain.csv', HEADER + ROWS), 2],
    ['packed', workload('packed.csv.gz', gzipSync(HEADER + ROWS)), 2],
    ['with blocks whose size its rows show', workload('blocks.jsonl', BLOCKS), 2],
    ['at a rate', workload('rate.csv', HEADER + ROWS, RATE), 3],
    ['at a rate, out of order', workload('disorder.csv', `${HEADER}5,7,7\n${ROWS}`, RATE), 4],
    [
      'cut, whose other bytes are hashed',
      workload('cut.csv', HEADER + ROWS.repeat(100), { op: 'limit', args: { requests: 2 } }),
      3,
    ],
  ];
  for (const [what, spec, opens] of cases)
    it(`${what}: in ${opens} opens, and read again in one`, async () => {
      const scanned = await scanWorkload(spec, 1, SILENT);
      assert.deepEqual(opened, Array(opens).fill(spec.path));
      assert.deepEqual(
        scanned.stats.sourceSha256,
        createHash('sha256').update(fs.readFileSync(spec.path)).digest('hex'),
      );
      opened.splice(0);

      // As a worker thread gets it.
      const again = await openWorkload(structuredClone(scanned.spec));
      const requests = await requestsOf(again.open());
      assert.deepEqual(opened, [spec.path]);
      assert.deepEqual(requests, await requestsOf(scanned.source.open()));
      assert.equal((await scanPlan(again, 1)).digest, scanned.stats.digest);
      assert.equal(again.blockTokens, scanned.source.blockTokens);
    });

  it('its source shows the transforms as given, its spec applies them without reading ahead', async () => {
    const spec = workload('shown.csv', `${HEADER}5,7,7\n${ROWS}`, { op: 'limit', args: { requests: 9 } }, RATE);
    const warnings: string[] = [];
    const lines: string[] = [];
    const { source, spec: resolved } = await scanWorkload(spec, 1, {
      ...SILENT,
      warn: (text) => warnings.push(text),
      info: (text) => lines.push(text),
    });
    assert.deepEqual(
      source.transforms.map(({ op }) => op),
      ['sort', 'limit', 'rate'],
    );
    assert.deepEqual(
      resolved.transforms.map(({ op }) => op),
      ['sort', 'limit', 'speed'],
    );
    assert.match(warnings[0] ?? '', /not_sorted.*all rows are sorted by time first/);
    assert.match(lines.at(-1) ?? '', /--rate 7: time runs/);
    // A run that was killed is rebuilt from the shown transforms.
    const rebuilt = await openWorkload({ ...spec, transforms: source.transforms });
    assert.deepEqual(await requestsOf(rebuilt.open()), await requestsOf(source.open()));
  });

  it('counts a bad row once, however often the file is read', async () => {
    const spec = workload('bad.csv', `${HEADER}0,1,1\nsoon,1,1\n1,1,1\n2,0,1\n3,1,1\n`, RATE);
    const warnings: string[] = [];
    const log = { ...SILENT, warn: (text: string) => warnings.push(text) };
    const { badRows } = await scanWorkload({ ...spec, onBadRow: 'skip' }, 1, log);
    assert.deepEqual([badRows, warnings.length], [2, 1]);
    assert.match(warnings[0] ?? '', /2 rows could not be read/);
  });

  it('keeps the first requests and the first due time after the warm-up, scaled as the trace is', async () => {
    const spec = workload('first.csv', HEADER + ROWS, { op: 'speed', args: { factor: 2 } });
    const scan = async (warmupUs: number, firstRequests: number): Promise<[number | null, string[]]> => {
      const { stats } = await scanWorkload(spec, 1, SILENT, { warmupUs, firstRequests });
      return [stats.firstDueAfterWarmupUs, stats.firstRequests.map(({ id }) => id)];
    };
    assert.deepEqual(await scan(0, 0), [0, []]);
    assert.deepEqual(await scan(250_000, 2), [250_000, ['r0', 'r1']]);
    assert.deepEqual(await scan(250_001, 0), [375_000, []]);
    const [due, first] = await scan(2999 * 125_000, 2000);
    assert.deepEqual([due, first.length, first.at(-1)], [2999 * 125_000, 2000, 'r1999']);
    assert.deepEqual((await scan(2999 * 125_000 + 1, 5000))[0], null);
  });
});
