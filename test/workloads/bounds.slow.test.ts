import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { UserError } from '../../src/core/errors.ts';
import { openSource, readTokenizer } from '../../workloads/index.ts';
import { requestsOf, temporaryFiles } from './temporary-files.ts';

const file = temporaryFiles();
const MIB = 2 ** 20;
const PLAIN = 'arrival_s,input_tokens,output_tokens\n0,1,1\n';
const NATIVE = '{"reprise_trace":1,"block_size":16}\n';
const ROW = '{"timestamp":0,"input_length":7,"output_length":5,"hash_ids":[0]}\n';
const nativeRow = (more: string): string => `{"t_us":0,"input_tokens":1,"output_tokens":1${more}}\n`;

async function read(path: string): ReturnType<typeof requestsOf> {
  return requestsOf((await openSource(path, { onBadRow: 'fail' })).open());
}

async function refused(content: string | Buffer, names: RegExp): Promise<void> {
  await assert.rejects(read(file('x.csv', content)), (thrown) => {
    assert.ok(thrown instanceof UserError, String(thrown));
    assert.match(thrown.message, names);
    assert.ok(thrown.message.length < 2000, 'a message quotes the beginning of what it found');
    return true;
  });
}

describe('a row has at most 8 MiB', () => {
  const long: [what: string, content: string, names: RegExp][] = [
    ['a line of JSON', `${ROW}\n{"timestamp":[${'1,'.repeat(5 * MIB)}`, /x\.csv:3: row_too_long: /],
    ['a line of CSV', `${PLAIN}1,${'1'.repeat(9 * MIB)}`, /x\.csv:3: row_too_long: /],
    ['a quote that is not closed', `${PLAIN}1,"${'x\n'.repeat(5 * MIB)}`, /x\.csv:\d+: row_too_long: .*quote/],
    ['blank lines', `${ROW}${'\n \r\n'.repeat(3 * MIB)}${ROW}`, /x\.csv:\d+: row_too_long: /],
  ];
  for (const [what, content, names] of long)
    it(`${what}, packed or not`, async () => {
      await refused(content, names);
      await refused(gzipSync(content), names);
    });

  it('and may have nearly as much', async () => {
    const ids = Array.from({ length: 625_000 }, (_, i) => 1e10 + i);
    const row = { t_us: 0, input_tokens: 10_000_000, output_tokens: 1, blocks: ids };
    const found = await read(file('long.jsonl', `${NATIVE}${JSON.stringify(row)}\n`));
    assert.equal(found.at(-1)?.blocks?.length, 625_000);
  });
});

describe('what a row may hold', () => {
  const bad: [what: string, content: string, names: RegExp][] = [
    [
      'brackets by the million',
      ROW + ROW.replace(':0,', `:${'['.repeat(MIB)}${']'.repeat(MIB)},`),
      /:2: the line is nested deeper than 1000 levels/,
    ],
    ['objects with methods', ROW + ROW.replace(':0,', ':{"toString":1},'), /:2: timestamp is \{"toString":1\}/],
    ['a cell of a megabyte', `${PLAIN}1,${'x'.repeat(MIB)},1\n`, /:3:2: input_tokens is "xxx/],
    ['ids that are texts', ROW + ROW.replace('[0]', `[${'"a",'.repeat(MIB)}0]`), /:2: hash_ids is \["a"/],
    ['an id of 20,000 characters', NATIVE + nativeRow(`,"id":"${'x'.repeat(20_000)}"`), /:2: id is "xx.*1 to 1024/],
    ['half a pair of surrogates', NATIVE + nativeRow(',"id":"\\ud800"'), /:2: id is /],
    [
      'the year 9999',
      `TIMESTAMP,ContextTokens,GeneratedTokens\n9999-12-31 00:00:00,1,1\n`,
      /:2:1: TIMESTAMP is .*2128/,
    ],
    ['fifty years later', `${PLAIN}1800000000,1,1\n`, /:3:1: far_time: arrival_s is 57 years after/],
    [
      'fifty years later, native',
      NATIVE + nativeRow('') + nativeRow('').replace(':0', ':1800000000000000'),
      /:3: far_time: t_us/,
    ],
    ['fifty years later, Mooncake', ROW + ROW.replace(':0', ':1800000000000'), /:2: far_time: timestamp/],
    [
      'a key twice, once in escapes',
      ROW + ROW.replace('"input', '"input_leng\\u0074h":1,"input'),
      /:2: duplicate_key: input_length/,
    ],
    [
      'a key twice in the header',
      `{"reprise_trace":1,"block_size":16,"block_size":32}\n${nativeRow('')}`,
      /:1: duplicate_key: block_size/,
    ],
    ['a column twice', PLAIN.replace('\n', ',Input_Tokens\n'), /duplicate_column: input_tokens .* columns 2 and 4/],
  ];
  for (const [what, content, names] of bad) it(`not ${what}`, () => refused(content, names));

  it('but a text of 20 million characters where rows hold texts, such as an image, with escapes or without', async () => {
    for (const text of ['A'.repeat(20e6), 'A"'.repeat(8e6)]) {
      const message = [{ type: 'image', source: { data: text } }];
      const metrics = { prompt_tokens: 9, completion_tokens: 1 };
      const row = {
        schema_version: 'ATIF-v1.7',
        steps: [
          { source: 'user', message },
          { source: 'agent', metrics },
        ],
      };
      assert.equal((await read(file('image.json', JSON.stringify(row)))).length, 1);
    }
  });

  it('a key that stands twice deeper down, or in a text, is none', async () => {
    const more = ',"extra":{"t_us":1,"a":[{"t_us":2}]},"model":"\\"t_us\\":1 \\"t_us\\":1"';
    assert.equal((await read(file('deep.jsonl', NATIVE + nativeRow(more)))).length, 1);
  });

  it('a file of bad rows is given up, skipped or not', async () => {
    const path = file('bad.csv', PLAIN + 'x\n'.repeat(50_000));
    const names = /bad\.csv:3:.*\n.*the first 20,0\d\d rows/s;
    await assert.rejects(read(path), names);
    await assert.rejects(requestsOf((await openSource(path, { onBadRow: 'skip' })).open()), names);
  });

  it('lines are counted by their ends, whatever carriage returns stand in them', async () => {
    const found = await read(file('cr.csv', `note,${PLAIN}`.replace('0,1', '"a\r\nb",0,1') + 'x\r\r,1,1,1\r\r\n'));
    assert.deepEqual(
      found.map(({ traceRow }) => traceRow),
      [3, 4],
    );
  });
});

describe('a path that cannot be is a UserError', () => {
  const folder = dirname(file('here', ''));
  symlinkSync('loop', join(folder, 'loop'));
  mkdirSync(join(folder, 'model', 'tokenizer.json'), { recursive: true });
  for (const name of ['loop', 'model', 'here/there', 'x'.repeat(300)])
    it(name.slice(0, 20), async () => {
      await assert.rejects(openSource(join(folder, name), { onBadRow: 'fail' }), UserError);
      await assert.rejects(readTokenizer(join(folder, name)), UserError);
    });
});
