import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { UserError } from '../../src/core/errors.ts';
import { SILENT } from '../../src/core/log.ts';
import { inspectTrace } from '../../workloads/index.ts';
import { scanWorkload } from '../../workloads/open-workload.ts';
import { temporaryFiles } from './temporary-files.ts';

const file = temporaryFiles();
const PLAIN = 'arrival_s,input_tokens,output_tokens\n';
const json = (...rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const LENGTHS = { input_length: 1100, output_length: 30 };

/** What a run says: its warnings, then its error. */
async function run(path: string, onBadRow: 'fail' | 'skip' = 'fail'): Promise<{ warnings: string; error: string }> {
  const warnings: string[] = [];
  const log = { ...SILENT, warn: (text: string) => warnings.push(text) };
  try {
    await scanWorkload({ path, onBadRow, transforms: [] }, 1, log);
    return { warnings: warnings.join('\n'), error: '' };
  } catch (thrown) {
    assert.ok(thrown instanceof UserError, String(thrown));
    return { warnings: warnings.join('\n'), error: thrown.message };
  }
}

describe('a file of another form is said to be one, with the way out, and no advice to skip its rows', () => {
  const refused: [what: string, content: string | Buffer, names: RegExp][] = [
    [
      'agentic Mooncake of another version',
      json({ schema: 'dynamo.agentic_mooncake', version: 3 }, { request_id: 'a', dependencies: [], not_before_ms: 0 }),
      /agentic Mooncake trace \(Dynamo\) of a version that is not known.*version 2 is read/,
    ],
    [
      'agentic Mooncake without its header',
      json(
        ...[0, 1, 2].map((i) => ({
          request_id: `r${i}`,
          play_id: 'p',
          session_id: 's',
          input_length: 40,
          output_length: 3,
          hash_ids: [1],
          not_before_ms: i,
          dependencies: [],
        })),
      ),
      /agentic Mooncake trace \(Dynamo\) of a version that is not known, or without its first line/,
    ],
    [
      'the output of a vLLM server',
      "INFO 05-01 12:00:00 [logger.py:42] Received request cmpl-1: prompt: 'x', params: SamplingParams(n=1, max_tokens=100), prompt_token_ids: [1], lora_request: None.\n",
      /output of a vLLM server, which does not say how long answers were; its spans do/,
    ],
    ['LMCache', json({ session_id: 'a', model: 'm', input: [], output_length: 5, pre_gap: 0 }), /LMCache agentic/],
    [
      'lengths of a ServeGen client',
      '{"0": {"input_tokens": "{224: 0.5}", "output_tokens": "{3: 1.0}"}}',
      /lengths of a ServeGen client, not requests; make requests of its folder by reprise trace synth --clients/,
    ],
    [
      'rates of a ServeGen client',
      '0,1.33,8.59,Weibull,0.375,0.396\n600,0,0,,0,0\n',
      /rates of arrival for windows of time, not requests; make requests .* --clients FOLDER/,
    ],
    [
      'an offline trace of ServeGen without lengths of answers',
      json({ request_id: 0, type: 'text', input_length: 63, hash_ids: [1, 2, 3, 4], img_ids: [] }),
      /offline traces of ServeGen .* without lengths of answers; add/,
    ],
    [
      'bodies of the Responses API',
      json({ model: 'm', input: 'hello', max_output_tokens: 5 }),
      /bodies of the Responses API, which are not sent; write their input as messages/,
    ],
    ['questions', json({ question: 'x', answer: 'y' }), /data set of questions.*without times/],
    [
      'the answer of an API',
      JSON.stringify({ hits: [{ startedAt: 1 }, { startedAt: 2 }], meta: { page: 1, of: [1, 2] } }),
      /its rows seem to stand in "hits" of one object: write them one a line, e\.g\. jq -c '\.\["hits"\]\[\]'/,
    ],
    [
      'marks between thousands',
      `${PLAIN}0,"1,234",5\n`,
      /:2:2: input_tokens is "1,234", expected .*; write it without marks between thousands/,
    ],
    ['a JSON array of numbers', '[1, 2]', /an array of objects/],
    [
      'unknown objects',
      json({ ts: 1, in: 5 }),
      /its keys are ts, in; none is known as the tokens of the prompt; none .*complete this: --map arrival=ts:UNIT,input=COLUMN,output=COLUMN/,
    ],
    [
      'lengths alone',
      'prompt_tokens,completion_tokens\n1,2\n',
      /none is known as the time of arrival; complete this: --map arrival=COLUMN:UNIT,input=prompt_tokens,output=completion_tokens \(arrival=none/,
    ],
    [
      'two times',
      'timestamp,created_at,prompt_tokens,completion_tokens\n1,1,1,1\n',
      /timestamp, created_at could each be the time/,
    ],
    [
      'a time without a unit',
      'timestamp,prompt_tokens,completion_tokens\n0,1,1\n',
      /unit of timestamp \("0"\): .*--map arrival=timestamp:UNIT,input=prompt_tokens/,
    ],
    [
      'dates with the day or the month first',
      'timestamp,input_tokens,output_tokens\n01/05/2026 10:00:00,10,10\n',
      /"01\/05\/2026 10:00:00"\) is a date .*whether its day or its month comes first: .*like 2026-01-05 10:00:00/,
    ],
    ...['5 Jan 2026 10:00', '2026/01/05 10:00:00', '2026-01-05', '20260105T100000Z', '10:00:01'].map(
      (date): [string, string, RegExp] => [
        `a date of another form: ${date}`,
        `timestamp,input_tokens,output_tokens\n${date},10,10\n`,
        /is a date in a form that is not read: write dates as in ISO 8601, like 2026-01-05/,
      ],
    ),
    [
      'a date of another form as seconds',
      `${PLAIN}01/05/2026 10:00:00,1,1\n`,
      /looks like a date: as CSV, name the column timestamp and write it like 2026/,
    ],
    ['no header', '0,10,5\n1,20,6\n', /no header line/],
    ['ServeGen', '0,1.33,8.59,Weibull,0.3,0.4\n', /ServeGen/],
    ['bars', 'arrival_s|input_tokens|output_tokens\n0|1|1\n', /separated by bars/],
    ['numbers with commas', 'arrival_s;input_tokens;output_tokens\n0,5;1;1\n', /arrival_s is "0,5"/],
    ['spaces', 'user time_stamp(seconds) query_length\n1 2 3\n', /separated by spaces/],
    ['a page', '<!DOCTYPE html>\n<html>', /HTML or XML page/],
    ['an error of a store', '<?xml version="1.0"?><Error/>', /HTML or XML page/],
    ['Parquet', Buffer.from('PAR1\x15\0\x15\x02\0'), /parquet_damaged/],
    ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 4, 0]), /compressed by zstd.*zstd -d/],
    ['zip', Buffer.from('PK\x03\x04\0\0'), /ZIP archive/],
    ['gzip twice', gzipSync(gzipSync(PLAIN)), /gzip within gzip/],
    ['UTF-16 with its mark', Buffer.from(`\uFEFF${PLAIN}`, 'utf16le'), /UTF-16.*iconv/],
    ['UTF-16 without', Buffer.from(PLAIN, 'utf16le'), /UTF-16.*iconv/],
    [
      'dates as seconds',
      `${PLAIN}2024-05-12 00:00:00,1,1\n`.concat('2024-05-12 00:00:01,1,1\n'),
      /:2:1: .*looks like a date.*name the column timestamp\n.*all 2 rows.*\(arrival_s\)/,
    ],
    [
      'milliseconds since 1970 as seconds',
      `${PLAIN}1731693600250,1,1\n1731693600350,1,1\n`,
      /looks like ms since 1970.*timestamp_ms\n.*all 2 rows/,
    ],
    [
      'microseconds since 1970 as milliseconds',
      json({ timestamp: 1731693600250000, ...LENGTHS }),
      /looks like us since 1970/,
    ],
    [
      'a column mixed up',
      `${PLAIN}0,10,0\n1,10,0\n2,10,0\n3,10,4\n`,
      /:2:3: zero_length.*\n.*3 of 4 rows.*zero_length: output_tokens/,
    ],
    [
      'sessions whose later turns begin after the first rows',
      json(
        ...Array.from({ length: 20_000 }, (_, i) => ({ timestamp: i * 1000, ...LENGTHS })),
        ...Array.from({ length: 2000 }, () => ({ session_id: 's', delay: 100, ...LENGTHS })),
      ),
      /:20001: missing_time.*\n.*sessions.*--trace-format mooncake-sessions/,
    ],
    ...['think_time', 'think_time_ms', 'idle_ms', 'turn_gap', 'waitTime'].map((gap): [string, string, RegExp] => [
      `sessions with ${gap}`,
      json({ conversation: 's', ...LENGTHS, timestamp: 0 }, { conversation: 's', ...LENGTHS, [gap]: 12.3 }),
      new RegExp(`:2: missing_time.*\\n.*sessions \\(conversation, ${gap}\\).*no times.*keys session_id`),
    ]),
    [
      'sessions as CSV',
      'session,arrival_s,input_tokens,output_tokens,delay_s\na,0,10,10,\na,,10,10,5\nb,7,10,10,\nc,8,10,10,\n',
      /:3:2: missing_time.*\n.*sessions \(session, delay_s\).*no times.*keys session_id, input_length/,
    ],
    [
      'sessions as a log',
      'conversation_id,start_ms,prompt_tokens,completion_tokens,think_ms\na,0,10,10,\na,,10,10,5\nb,7,10,10,\n',
      /:3:2: missing_time.*\n.*sessions \(conversation_id, think_ms\)/,
    ],
    [
      'many rows without a time, after the first',
      PLAIN + Array.from({ length: 6000 }, (_, i) => `${i < 2000 || i % 2 === 0 ? i : ''},10,5\n`).join(''),
      /:2003:1: missing_time.*\n.*2,000 of 6,000 rows.*all of them.*missing_time: arrival_s.*another load/,
    ],
    [
      'every fifth row failed',
      PLAIN + Array.from({ length: 50 }, (_, i) => `${i},10,${i % 5}\n`).join(''),
      /:2:3: zero_length.*\n.*10 of 50 rows.*many of the requests have nothing to replay/,
    ],
  ];
  for (const [what, content, names] of refused)
    it(what, async () => {
      const { error } = await run(file('other', content));
      assert.match(error, names);
      assert.doesNotMatch(error, /--on-bad-row/);
    });

  it('a file with some bad rows is what it seems: they may be skipped', async () => {
    const { error } = await run(file('some.csv', `${PLAIN}0,10,5\nsoon,10,5\n2,10,5\n`));
    assert.match(error, /some\.csv:3:1: arrival_s is "soon".*--on-bad-row skip/);
    const sessions = json(
      { timestamp: 0, delay: 0, ...LENGTHS },
      { timestamp: 1, delay: 0, ...LENGTHS, input_length: 0 },
    );
    assert.match((await run(file('delay.jsonl', sessions))).error, /:2: zero_length.*--on-bad-row skip/);
  });

  it('a log that tells how long requests waited is no trace of sessions', async () => {
    const rows = Array.from({ length: 50 }, (_, i) => `u${i},${i === 7 ? '' : i},10,5,3\n`).join('');
    const { error } = await run(file('log.csv', `user_id,arrival_s,input_tokens,output_tokens,queue_wait_ms\n${rows}`));
    assert.match(error, /log\.csv:9:2: missing_time.*--on-bad-row skip/);
  });

  it('where its rows are skipped all the same, a run and inspect say so', async () => {
    const path = file(
      'skipped.jsonl',
      json({ chat: 1, ...LENGTHS, timestamp: 0 }, { chat: 1, ...LENGTHS, think_time: 5 }),
    );
    assert.match((await run(path, 'skip')).warnings, /skipped\.jsonl: wrong_form: .*sessions.*keys session_id/);
    const found = await inspectTrace(path);
    assert.match(found.warnings[0] ?? '', /^wrong_form: .*sessions.*keys session_id/);
    assert.deepEqual([found.rows, found.bad_rows], [1, 1]);
  });
});

describe('what of a file is used and what is not is said, in a run as in inspect', () => {
  const AZURE = 'TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n';
  const read: [
    what: string,
    content: string,
    format: string,
    due: [seconds: number, input: number],
    notes: RegExp[],
  ][] = [
    [
      'images',
      `${AZURE}2024-10-15 00:00:00.0000000,2,900,120\n2024-10-15 00:00:01.5000000,0,300,60\n`,
      'azure-2025',
      [1.5, 600],
      [/^images are counted/],
    ],
    [
      'model and class',
      'arrival_s,input_tokens,output_tokens,model,class\n0,374,44,a,chat\n4.3,396,109,b,batch\n',
      'csv',
      [4.3, 385],
      [/^columns not used: model, class; /],
    ],
    [
      'a gateway log',
      'request_id,startTime,endTime,model,prompt_tokens,completion_tokens,total_tokens\na,2026-01-05T10:00:00.123000,2026-01-05T10:00:02,m,100,20,120\nb,2026-01-05T10:00:01.500000,2026-01-05T10:00:02,m,200,30,230\n',
      'csv-log',
      [1.377, 150],
      [
        /^columns used: --map arrival=startTime:iso,input=prompt_tokens,output=completion_tokens,id=request_id,e2e=endTime:iso$/,
        /^columns not used: model, total_tokens; /,
      ],
    ],
    [
      'a unit in the name',
      'timestamp_ms,prompt_tokens,completion_tokens\n100,1,1\n300.5,3,3\n',
      'csv-log',
      [0.2005, 2],
      [/^columns used: --map arrival=timestamp_ms:ms,input=prompt_tokens,output=completion_tokens$/],
    ],
    [
      'no block ids',
      json({ timestamp: 0, ...LENGTHS }, { timestamp: 1000, ...LENGTHS }),
      'mooncake-lengths',
      [1, 1100],
      [/^no_prefix_blocks: /],
    ],
    [
      'keys of Mooncake rows',
      json(
        { timestamp: 0, ...LENGTHS, hash_ids: [0, 1, 2] },
        { timestamp: 1000, ...LENGTHS, hash_ids: [0, 1, 2], region: 's' },
      ),
      'mooncake',
      [1, 1100],
      [/^keys not used: region; /],
    ],
    [
      'keys of native rows',
      '{"reprise_trace":1}\n' +
        json(
          { t_us: 0, input_tokens: 1, output_tokens: 1, extra: {} },
          { t_us: 1e6, input_tokens: 3, output_tokens: 1, region: 'x' },
        ),
      'rtrace',
      [1, 2],
      [/^keys not used: region; /],
    ],
  ];
  it('keys that only rows far behind the first have', async () => {
    const rows = Array.from({ length: 30_000 }, (_, i) => ({
      timestamp: i * 1000,
      ...LENGTHS,
      hash_ids: [0, 1, 2],
      ...(i === 29_999 ? { images: 2 } : {}),
    }));
    const path = file('later.jsonl', json(...rows));
    assert.match((await inspectTrace(path)).warnings.join('\n'), /^keys not used: images; /);
    assert.match((await run(path)).warnings, /later\.jsonl: keys not used: images; /);
  });

  for (const [what, content, format, [seconds, input], notes] of read)
    it(what, async () => {
      const path = file('read', content);
      const found = await inspectTrace(path);
      assert.deepEqual([found.format, found.rows, found.bad_rows], [format, 2, 0]);
      assert.deepEqual([found.duration_s, found.input_tokens.mean], [seconds, input]);
      assert.equal(found.warnings.length, notes.length, found.warnings.join('\n'));
      for (const [i, note] of notes.entries()) assert.match(found.warnings[i] ?? '', note);
      const { warnings, error } = await run(path);
      assert.equal(error, '');
      for (const warning of found.warnings) assert.ok(warnings.includes(`read: ${warning}`), warnings);
    });
});
