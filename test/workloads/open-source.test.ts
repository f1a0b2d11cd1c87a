import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { UserError } from '../../src/core/errors.ts';
import { openSource } from '../../workloads/index.ts';
import type { BadRow } from '../../workloads/formats/format.ts';
import { requestsOf, temporaryFiles } from './temporary-files.ts';

const file = temporaryFiles();
const PLAIN = 'arrival_s,input_tokens,output_tokens\n';
const NATIVE = '{"reprise_trace":1,"block_size":16}\n';

async function read(path: string): Promise<Awaited<ReturnType<typeof requestsOf>>> {
  return requestsOf((await openSource(path, { onBadRow: 'fail' })).open());
}

/** Files are closed soon, on a busy machine later; what stays open fails in the end. */
async function nothingStaysOpen(): Promise<void> {
  const open = (): string[] => process.getActiveResourcesInfo().filter((name) => /^FS|zlib/i.test(name));
  for (let tries = 0; open().length > 0 && tries < 100; tries++) await new Promise((done) => setTimeout(done, 50));
  assert.deepEqual(open(), []);
}

describe('what a file may look like', () => {
  const same = [
    ['mixed line ends, the first CRLF', 'arrival_s,input_tokens,output_tokens\r\n0,10,5\n1.5,20,6\r\n'],
    ['mixed line ends, the first LF', 'arrival_s,input_tokens,output_tokens\n0,10,5\r\n1.5,20,6'],
    [
      'columns by name, other columns, spaces and capitals',
      '  Output_Tokens ,note,ARRIVAL_S,"input_tokens"\n5,"a, b",0,10\n6,,1.5, 20 \n',
    ],
    ['float lengths and exponents', `${PLAIN}0,10.0,5.\n15e-1,20.000,6\n`],
    [
      'more decimals than a clock has',
      'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.000000000000,10,5\n2023-11-16 18:15:47.5000000000001,20,6',
    ],
    ['blank lines first', `\n \r\n${PLAIN}0,10,5\n1.5,20,6`],
    [
      'native behind blank lines',
      `\n\n${NATIVE}{"t_us":0,"input_tokens":10,"output_tokens":5}\n\n{"t_us":1500000,"input_tokens":20,"output_tokens":6}`,
    ],
    ['seconds since 1970, a plus sign', `${PLAIN}1731693600.25,10,5\n+1731693601.75,20,6\n`],
    ['no digit before the point', `${PLAIN}.25,10,5\n1.75,20,6\n`],
    [
      'offsets from UTC as programs write them',
      'TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-12T00:00:00Z,10,5\n2024-05-12 02:00:01.5+0200,20,6',
    ],
    [
      'an offset of hours only',
      'TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-12 00:00:00+00,10,5\n2024-05-11 19:00:01.5-05,20,6',
    ],
    ['blank lines', `${PLAIN}0,10,5\n\n1.5,20,6\n\n\n`],
    [
      'native without ids',
      `${NATIVE}{"t_us":0,"input_tokens":10.0,"output_tokens":5}\n{"t_us":1500000,"input_tokens":20,"output_tokens":6}`,
    ],
    [
      'native with nulls for what is absent',
      `${NATIVE}{"id":null,"t_us":0,"input_tokens":10,"output_tokens":5,"blocks":null,"turn":null}\n{"t_us":1500000,"input_tokens":20,"output_tokens":6,"session":null}`,
    ],
  ] as const;
  for (const [what, content] of same)
    it(what, async () => {
      const found = await read(file('good.csv', content));
      assert.deepEqual(
        found.map(({ id, dueUs, inputTokens, outputTokens }) => [id, dueUs, inputTokens, outputTokens]),
        [
          ['r0', 0, 10, 5],
          ['r1', 1_500_000, 20, 6],
        ],
      );
    });

  it('rows keep their line numbers over blank lines and quoted line ends', async () => {
    const found = await read(file('lines.csv', `note,${PLAIN}"two\nlines",0,10,5\n\nx,1,20,6\n`));
    assert.deepEqual(found.map(({ traceRow }) => traceRow).slice(1), [5]);
  });

  it('the two Azure formats, which share a header, are told apart by the first row', async () => {
    const header = 'TIMESTAMP,ContextTokens,GeneratedTokens';
    const formatOf = async (rows: string): Promise<string> =>
      (await openSource(file('azure.csv', `${header}\r\n${rows}`), { onBadRow: 'fail' })).format;
    assert.equal(await formatOf('2024-05-12 00:00:00.001163+00:00,1452,3\r\n'), 'azure-2024');
    assert.equal(await formatOf('\r\n"2024-05-12 00:00:00+00:00",1452,3'), 'azure-2024');
    assert.equal(await formatOf('soon,1452,3\r\n2024-05-12 00:00:00+00:00,1452,3\r\n'), 'azure-2024');
    assert.equal(await formatOf('2023-11-16 18:15:46.6805900,374,44'), 'azure-2023');
    assert.equal(await formatOf(''), 'azure-2023');
  });

  it('opens again and gives the same', async () => {
    const source = await openSource(file('again.csv', `${PLAIN}0,10,5\n1.5,20,6\n`), { onBadRow: 'fail' });
    assert.deepEqual(await requestsOf(source.open()), await requestsOf(source.open()));
  });

  it('more rows than a batch, and a reader that stops early leaves nothing open', async () => {
    const rows = Array.from({ length: 30_000 }, (_, i) => `${i}.000001,${i + 1},7`);
    const source = await openSource(file('long.csv', PLAIN + rows.join('\n')), { onBadRow: 'fail' });
    assert.equal((await requestsOf(source.open())).at(-1)?.inputTokens, 30_000);
    for await (const batch of source.open()) {
      assert.ok(batch.length > 0 && batch.length < 5000);
      break;
    }
    await nothingStaysOpen();
  });
});

function mooncakeRow(change: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify({ timestamp: 0, input_length: 7, output_length: 5, hash_ids: [0], ...change })}\n`;
}

describe('gzip', () => {
  const rows = Array.from({ length: 120_000 }, (_, i) => `${i}.000001,${(i * 7919) % 4999 || 1},7`);
  const content = PLAIN + rows.join('\n');
  const packed = gzipSync(content);

  it('any format, known by its bytes and read as if it were not packed', async () => {
    const plain = await read(file('plain.csv', content));
    assert.deepEqual(await read(file('packed.csv', packed)), plain);
    const members = Buffer.concat([gzipSync(content.slice(0, 1000)), gzipSync(content.slice(1000))]);
    assert.deepEqual(await read(file('members.gz', members)), plain);
    const native = `${NATIVE}{"t_us":0,"input_tokens":17,"output_tokens":5,"blocks":[1,2]}\n`;
    assert.equal((await openSource(file('n.gz', gzipSync(native)), { onBadRow: 'fail' })).blockTokens, 16);
  });

  it('one that is cut off is named, wherever the cut is', async () => {
    for (const end of [11, 500, packed.length >> 1, packed.length - 1])
      await assert.rejects(read(file('cut.gz', packed.subarray(0, end))), /cut\.gz: gzip_truncated: /, `${end}`);
  });

  it('one that is damaged, empty inside or binary inside is named', async () => {
    const damaged = Buffer.from(packed);
    damaged.fill(0xff, packed.length - 8, packed.length - 4);
    await assert.rejects(read(file('damaged.gz', damaged)), /damaged\.gz: gzip_damaged: /);
    await assert.rejects(read(file('empty.gz', gzipSync(''))), /empty\.gz: .*empty/);
    await assert.rejects(read(file('binary.gz', gzipSync(Buffer.alloc(9)))), /binary\.gz: is binary/);
  });

  it('a reader that stops early leaves nothing open', async () => {
    const source = await openSource(file('early.gz', packed), { onBadRow: 'fail' });
    for await (const batch of source.open()) {
      assert.ok(batch.length > 0);
      break;
    }
    await nothingStaysOpen();
  });
});

describe('what is refused', () => {
  const refused: [what: string, content: string | Buffer, names: RegExp][] = [
    [
      'bad UTF-8',
      Buffer.concat([Buffer.from(`${PLAIN}0,10,5\n`), Buffer.from([0xff, 0xfe, 0x0a])]),
      /bad\.csv: bad_utf8: /,
    ],
    [
      'a file cut off in a character',
      Buffer.concat([Buffer.from(`${PLAIN}0,10,5\n1,2,3,`), Buffer.from([0xe2, 0x96])]),
      /bad\.csv: bad_utf8: /,
    ],
    [
      'a Git LFS pointer',
      'version https://git-lfs.github.com/spec/v1\noid sha256:0\n',
      /bad\.csv: lfs_pointer: .*git lfs pull/,
    ],
    ['an unclosed quote', `${PLAIN}0,"10,5\n1,2,3\n`, /bad\.csv/],
    [
      'half a token',
      `${PLAIN}0,12.5,5\n`,
      /bad\.csv:2:2: non_integer_length: input_tokens is "12\.5", expected a whole number/,
    ],
    ['no token', `${PLAIN}0,10,0\n`, /bad\.csv:2:3: zero_length: output_tokens is "0".*cannot be replayed/],
    ['less than no token', `${PLAIN}0,-1,5\n`, /bad\.csv:2:2: negative: input_tokens is "-1"/],
    ['an empty cell', `${PLAIN}0,,5\n`, /bad\.csv:2:2: missing_length: input_tokens is ""/],
    ['NaN', `${PLAIN}NaN,1,5\n`, /bad\.csv:2:1: nan: arrival_s is "NaN"/],
    ['a time before the start', `${PLAIN}-1,1,5\n`, /bad\.csv:2:1: negative: arrival_s is "-1"/],
    ['no time', `${PLAIN},1,5\n`, /bad\.csv:2:1: missing_time: arrival_s is ""/],
    ['a short row that is not the last', `${PLAIN}0,10\n1,2,3`, /bad\.csv:2:3: output_tokens is missing/],
    ['a short last row that has its end', `${PLAIN}0,10,5\n1,2\n`, /bad\.csv:3:3: output_tokens is missing/],
    ['a row that is cut off', `${PLAIN}0,10,5\n1,2`, /bad\.csv:3:3: truncated_last_line: .*output_tokens is missing/],
    ['a length with a thousands comma', `${PLAIN}0,1,200,5\n`, /bad\.csv:2.*4 cells, expected 3/],
    [
      'a day that does not exist',
      'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-02-29 00:00:00.0000000,1,1\n',
      /bad\.csv:2:1: TIMESTAMP is "2023-02-29/,
    ],
    [
      'an Azure 2024 time without its offset',
      'TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-12 00:00:00Z,1,1\n2024-05-12 00:00:01.5,1,1\n',
      /bad\.csv:3:1: TIMESTAMP is "2024-05-12 00:00:01\.5", expected a time with its offset/,
    ],
    [
      'native: half a token',
      `${NATIVE}{"t_us":0,"input_tokens":12.5,"output_tokens":5}\n`,
      /bad\.csv:2: non_integer_length: input_tokens is 12\.5, expected a whole number/,
    ],
    [
      'native: no time',
      `${NATIVE}{"t_us":null,"input_tokens":1,"output_tokens":5}\n`,
      /bad\.csv:2: missing_time: t_us is null, expected/,
    ],
    [
      'native: a missing length',
      `${NATIVE}{"t_us":0,"output_tokens":5}\n`,
      /bad\.csv:2: missing_length: input_tokens is missing, expected/,
    ],
    ['native: no JSON', `${NATIVE}{"t_us":0,\n`, /bad\.csv:2: .*not JSON/],
    [
      'native: an id twice',
      `${NATIVE}{"id":"a","t_us":0,"input_tokens":1,"output_tokens":1}\n{"id":"a","t_us":1,"input_tokens":1,"output_tokens":1}`,
      /bad\.csv:3: duplicate_id: id "a"/,
    ],
    [
      'native: blocks that do not fit the prompt',
      `${NATIVE}{"t_us":0,"input_tokens":33,"output_tokens":1,"blocks":[1]}\n`,
      /bad\.csv:2: block_count_mismatch.*1.*expected 3/,
    ],
    ['native: cut off', `${NATIVE}{"t_us":0,"inp`, /bad\.csv:2: truncated_last_line: .*not JSON/],
    ['native: NaN', `${NATIVE}{"t_us":NaN,"input_tokens":1,"output_tokens":5}\n`, /bad\.csv:2: nan: .*NaN or Infinity/],
    ['Mooncake: no answer', mooncakeRow({ output_length: 0 }), /bad\.csv:1: zero_length: output_length is 0, expected/],
    ['Mooncake: less than no prompt', mooncakeRow({ input_length: -5 }), /bad\.csv:1: negative: input_length is -5/],
    ['Mooncake: half a token', mooncakeRow({ input_length: 7.5 }), /:1: non_integer_length: input_length is 7\.5/],
    [
      'Mooncake: no time',
      mooncakeRow({ timestamp: null }),
      /:1: missing_time: timestamp is null, expected milliseconds/,
    ],
    ['Mooncake: a time before the start', mooncakeRow({ timestamp: -1 }), /:1: negative: timestamp is -1/],
    [
      'Mooncake: a time that no clock has',
      mooncakeRow({}) + mooncakeRow({ timestamp: 1e300 }),
      /:2: timestamp is 1e\+300/,
    ],
    ['Mooncake: NaN in the first row', mooncakeRow({}).replace('0', 'NaN'), /:1: nan: .*NaN or Infinity/],
    [
      'Mooncake: no ids in the first row',
      mooncakeRow({ hash_ids: undefined }) + mooncakeRow({}),
      /:1: hash_ids is missing, expected a list/,
    ],
    [
      'milliseconds since 1970 as seconds',
      `${PLAIN}1731693600250,1,5\n`,
      /bad\.csv:2:1: arrival_s is "17.*expected seconds/,
    ],
    ['blank lines and nothing else', '\n\r\n \n', /bad\.csv: the file is empty: it has blank lines only/],
    [
      'more tokens than any prompt has',
      `${PLAIN}0,20240512000000,5\n`,
      /bad\.csv:2:2: input_tokens is "2.*, 1 to 10000000/,
    ],
    [
      'native: the same',
      `${NATIVE}{"t_us":0,"input_tokens":20000001,"output_tokens":5}`,
      /bad\.csv:2: input_tokens is 20000001, .*, 1 to 10000000/,
    ],
    [
      'Mooncake: ids after rows without any',
      `${mooncakeRow({ hash_ids: undefined }).repeat(30_000)}${mooncakeRow({})}`,
      /:30001: hash_ids is \[0\], expected none, as in the first rows/,
    ],
    [
      'Mooncake: a key twice',
      mooncakeRow({}) + mooncakeRow({}).replace('"input_length":7', '"input_length":7,"input_length":9'),
      /:2: duplicate_key: input_length stands twice/,
    ],
    [
      'a column twice',
      'arrival_s,input_tokens,output_tokens,Input_Tokens\n0,1,1,1\n',
      /duplicate_column: input_tokens stands twice/,
    ],
    ['Mooncake: no blocks', mooncakeRow({ hash_ids: [] }), /:1: hash_ids is \[\], expected a list/],
    ['native: a later version', '{"reprise_trace":2}\n', /bad\.csv: header_mismatch: .*reprise_trace/],
  ];
  for (const [what, content, names] of refused)
    it(what, async () => {
      const path = file('bad.csv', content);
      await assert.rejects(read(path), (thrown) => {
        assert.ok(thrown instanceof UserError, String(thrown));
        assert.match(thrown.message, names);
        return true;
      });
    });
});

it('bad rows are skipped and told of when that was asked for', async () => {
  const skipped: BadRow[] = [];
  const source = await openSource(file('some.csv', `${PLAIN}0,10,5\nsoon,1,1\n1,0,1\n2,20,6\n`), {
    onBadRow: 'skip',
    onSkipped: (row) => skipped.push(row),
  });
  const found = await requestsOf(source.open());
  assert.deepEqual(
    found.map(({ inputTokens }) => inputTokens),
    [10, 20],
  );
  assert.deepEqual(
    skipped.map(({ line, column }) => [line, column]),
    [
      [3, 1],
      [4, 2],
    ],
  );
});
