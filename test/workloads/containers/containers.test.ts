import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { UserError } from '../../../src/core/errors.ts';
import { openSource } from '../../../workloads/index.ts';
import type { OpenOptions } from '../../../workloads/open-source.ts';
import { requestsOf, temporaryFiles } from '../temporary-files.ts';

const file = temporaryFiles();
const rows = Array.from({ length: 5 }, (_, i) => ({
  timestamp: i * 1000,
  input_length: 600 + i,
  output_length: 5,
  hash_ids: [0, i + 1],
}));
const LINES = rows.map((row) => `${JSON.stringify(row)}\n`).join('');

async function read(
  path: string,
  options: Partial<OpenOptions> = {},
): Promise<{ format: string; found: unknown[]; notes: string[] }> {
  const source = await openSource(path, { onBadRow: 'fail', ...options });
  const requests = await requestsOf(source.open());
  // The line is that of the container.
  return { format: source.format, found: requests.map((each) => ({ ...each, traceRow: 0 })), notes: source.notes() };
}

function folder(name: string, files: Readonly<Record<string, string | Buffer>>): string {
  const path = join(dirname(file('x', '')), name);
  mkdirSync(path);
  for (const [each, content] of Object.entries(files)) file(join(name, each), content);
  return path;
}

async function refused(path: string, names: RegExp): Promise<void> {
  await assert.rejects(read(path), (thrown) => {
    assert.ok(thrown instanceof UserError, String(thrown));
    assert.match(thrown.message, names);
    return true;
  });
}

describe('the same rows come out of any container', () => {
  const parquet = Buffer.from(
    parquetWriteBuffer({
      columnData: [
        { name: 'timestamp', data: rows.map(({ timestamp }) => BigInt(timestamp)), type: 'INT64' },
        { name: 'input_length', data: rows.map(({ input_length }) => input_length), type: 'INT32' },
        { name: 'output_length', data: rows.map(({ output_length }) => output_length), type: 'INT32' },
        { name: 'hash_ids', data: rows.map(({ hash_ids }) => hash_ids), type: 'JSON' },
      ],
      rowGroupSize: [2],
    }),
  );
  const containers: [what: string, content: string | Buffer][] = [
    ['JSON Lines', LINES],
    ['gzip', gzipSync(LINES)],
    ['an array in one line', JSON.stringify(rows)],
    ['an array over many lines, packed', gzipSync(JSON.stringify(rows, null, 2))],
    ['objects over many lines', rows.map((row) => JSON.stringify(row, null, 2)).join('\n')],
    ['Parquet of three groups', parquet],
  ];
  for (const [what, content] of containers)
    it(what, async () => {
      const path = file('container', content);
      const lines = await read(file('lines.jsonl', LINES));
      assert.deepEqual(await read(path), lines);
      const source = await openSource(path, { onBadRow: 'fail' });
      await requestsOf(source.open());
      assert.equal(await source.sha256?.(), createHash('sha256').update(readFileSync(path)).digest('hex'));
    });

  it('a folder, in the order of names, its hidden and other files left out', async () => {
    const path = folder('parts', {
      'b.jsonl': LINES.slice(LINES.indexOf('\n') + 1).trimEnd(),
      'a.jsonl.gz': gzipSync(LINES.slice(0, LINES.indexOf('\n'))),
      '.hidden.jsonl': 'no trace',
      'README.md': '# a trace',
    });
    const { notes, ...found } = await read(path);
    const { notes: _, ...lines } = await read(file('lines.jsonl', LINES));
    assert.deepEqual(found, lines);
    assert.deepEqual(notes, ['files not read: README.md']);
  });

  it('a folder of CSV files, whose header counts once, and whose lines are those of their file', async () => {
    const header = 'arrival_s,input_tokens,output_tokens\n';
    const path = folder('tables', { 'a.csv': `${header}0,1,1\n1,2,2`, 'b.csv': `\uFEFF${header}2,3,3\n3,x,3\n` });
    await refused(path, /tables\/b\.csv:3:2: input_tokens is "x"/);
    const { found } = await read(path, { onBadRow: 'skip' });
    assert.deepEqual(
      found,
      [0, 1, 2].map((i) => ({ id: `r${i}`, traceRow: 0, dueUs: i * 1e6, inputTokens: i + 1, outputTokens: i + 1 })),
    );
  });

  it('the digest of a folder is that of the list that sha256sum prints', async () => {
    const path = folder('hashed', { 'a.jsonl': LINES, 'b.jsonl': LINES.replace('600', '601') });
    const source = await openSource(path, { onBadRow: 'fail' });
    const list = ['a.jsonl', 'b.jsonl'].map(
      (name) =>
        `${createHash('sha256')
          .update(readFileSync(join(path, name)))
          .digest('hex')}  ${name}\n`,
    );
    assert.equal(await source.sha256?.(), createHash('sha256').update(list.join('')).digest('hex'));
  });
});

describe('folders within folders', () => {
  const [one = '', two = ''] = LINES.split(/(?<=\n)/);
  const rowsIn = async (
    files: Readonly<Record<string, string>>,
  ): Promise<[count: number, notes: readonly string[]]> => {
    const path = join(dirname(file('x', '')), 'deep');
    rmSync(path, { recursive: true, force: true });
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(path, dirname(name)), { recursive: true });
      writeFileSync(join(path, name), text);
    }
    const { found, notes } = await read(path);
    return [found.length, notes];
  };
  const trajectory = JSON.stringify({
    schema_version: 'ATIF-v1.7',
    steps: [{ step_id: 1, source: 'agent', message: '', metrics: { prompt_tokens: 5, completion_tokens: 2 } }],
  });

  it('are searched where the folder has no trace of its own, as parts by date are kept', async () => {
    assert.deepEqual(await rowsIn({ 'date=1/a.jsonl': one, 'date=2/b/c.jsonl': two, 'date=2/notes.txt': 'x' }), [
      2,
      ['files not read: date=2/notes.txt'],
    ]);
  });
  it('are not where it has, and are named', async () => {
    assert.deepEqual(await rowsIn({ 'a.jsonl': one, 'old/b.jsonl': two }), [1, ['files not read: old/b.jsonl']]);
  });
  it('of a job of Harbor hold its trajectories among its own files', async () => {
    const [count, notes] = await rowsIn({
      'config.json': '{}',
      'result.json': '{}',
      'task__a/agent/trajectory.json': trajectory,
      'task__a/agent/trajectory.cont-1.json': trajectory,
      'task__a/trial.log': 'x',
      'task__b/agent/trajectory.json': trajectory,
      'task__b/result.json': '{}',
    });
    assert.equal(count, 3);
    assert.equal(notes[0], 'files not read: config.json, result.json, task__a/trial.log, task__b/result.json');
  });
  it('are named where one of their files is of another form', async () => {
    await assert.rejects(
      rowsIn({ 'x/a.jsonl': one, 'y/b.jsonl': '{"session_id":"s","turns":[{"text":"a"}]}\n' }),
      /mixed_formats: x\/a\.jsonl is a trace of format mooncake, y\/b\.jsonl of aiperf-untimed/,
    );
  });
});

describe('a folder that is no trace is refused', () => {
  it('with files of two formats', () =>
    refused(
      folder('two', { 'a.jsonl': LINES, 'b.jsonl': LINES.replaceAll(/,"hash_ids":\[[^\]]*\]/g, '') }),
      /mixed_formats: a\.jsonl is .* mooncake, b\.jsonl of mooncake-lengths/,
    ));
  it('with headers that differ', async () => {
    const rest = '_tokens,output_tokens\n2026-01-05 10:00:00,1,1\n';
    await refused(
      folder('headers', { 'a.csv': `start_time,input${rest}`, 'b.csv': `start_time,prompt${rest}` }),
      /mixed_formats: b\.csv does not begin like a\.csv/,
    );
  });
  it('with native traces', () => {
    const native = '{"reprise_trace":1}\n{"t_us":0,"input_tokens":1,"output_tokens":1}\n';
    return refused(
      folder('native', { 'a.jsonl': native, 'b.jsonl': native }),
      /2 native traces, each with its own header/,
    );
  });
  it('with a pipe, which would be waited for, and with a device', async () => {
    const path = folder('piped', { 'a.jsonl': LINES });
    for (const make of [
      (at: string): void => void spawnSync('mkfifo', [at]),
      (at: string): void => symlinkSync('/dev/zero', at),
    ]) {
      make(join(path, 'b.jsonl'));
      await refused(path, /b\.jsonl: is a pipe or device/);
      rmSync(join(path, 'b.jsonl'));
    }
  });
  it('with folders alone', () => {
    const path = folder('outer', {});
    mkdirSync(join(path, 'data'));
    return refused(path, /holds no files, expected those of a trace$/);
  });
});

describe('Parquet', () => {
  it('keeps microseconds and numbers beyond 2^53', async () => {
    const path = file('times.parquet', '');
    const date = new Date('2026-01-05T10:00:00.250Z');
    file(
      'times.parquet',
      Buffer.from(
        parquetWriteBuffer({
          columnData: [
            { name: 'start_time', data: [date, new Date(date.getTime() + 500)], type: 'TIMESTAMP' },
            { name: 'prompt_tokens', data: [7, 8], type: 'INT32' },
            { name: 'completion_tokens', data: [1, 2], type: 'INT32' },
            { name: 'request_id', data: [2n ** 60n, 2n ** 60n + 1n], type: 'INT64' },
          ],
        }),
      ),
    );
    const { format, found } = await read(path);
    assert.equal(format, 'json-log');
    assert.deepEqual(found, [
      { id: String(2n ** 60n), traceRow: 0, dueUs: 0, inputTokens: 7, outputTokens: 1 },
      { id: String(2n ** 60n + 1n), traceRow: 0, dueUs: 500_000, inputTokens: 8, outputTokens: 2 },
    ]);
  });

  it('that is damaged is named', () => refused(file('cut.parquet', Buffer.from('PAR1xxxxPAR1')), /parquet_damaged/));
});
