import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reader } from './reading.ts';

const read = reader();

describe('Azure 2025', () => {
  const HEAD = 'TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n';
  it('has the images second and keeps their number', async () => {
    const { format, requests, notes } = await read(
      `${HEAD}2024-10-15 00:00:00.0000000,2,900,120\n2024-10-15 00:00:01.5000000,0,300,60\n`,
    );
    assert.equal(format, 'azure-2025');
    assert.deepEqual(requests, [
      { id: 'r0', traceRow: 2, dueUs: 0, inputTokens: 900, outputTokens: 120, media: [{ kind: 'image', count: 2 }] },
      { id: 'r1', traceRow: 3, dueUs: 1_500_000, inputTokens: 300, outputTokens: 60 },
    ]);
    assert.match(notes.join('\n'), /images are counted .* not sent/);
  });
  it('names a number of images that is none', async () => {
    const { bad } = await read(`${HEAD}2024-10-15 00:00:00,1,9,1\n2024-10-15 00:00:00,-1,9,1\n`);
    assert.deepEqual(bad.length, 1);
    assert.match(bad[0] ?? '', /^3: NumImages is "-1", expected a whole number from 0/);
  });
});

describe('Azure 2024', () => {
  it('mixes times with and without a fraction in one column', async () => {
    const { format, requests } = await read(
      'TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-12 00:00:00+00:00,1452,3\n2024-05-12 00:00:00.001163+00:00,10,1\n2024-05-12 00:00:01+00:00,5,2\n',
    );
    assert.equal(format, 'azure-2024');
    assert.deepEqual(
      requests.map(({ dueUs }) => dueUs),
      [0, 1163, 1_000_000],
    );
  });
});

describe('BurstGPT', () => {
  const V1 = 'Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n';
  const V2 = 'Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n';
  it('v1 has whole seconds, a model and a class', async () => {
    const { format, requests, notes } = await read(
      `${V1}5,ChatGPT,472,18,490,Conversation log\n7,GPT-4,9,3,12,API log\n`,
    );
    assert.equal(format, 'burstgpt-v1');
    const [first, second] = requests;
    assert.deepEqual(first, {
      id: 'r0',
      traceRow: 2,
      dueUs: 0,
      inputTokens: 472,
      outputTokens: 18,
      sloClass: 'conversation',
      model: 'ChatGPT',
    });
    assert.deepEqual([second?.dueUs, second?.sloClass, second?.model], [2e6, 'api', 'GPT-4']);
    assert.deepEqual(notes, []);
  });
  it('v2 has its new columns second and third: sessions with turns, and the time of the whole response', async () => {
    const { format, requests } = await read(
      [
        V2.trim(),
        '19440110.0,s-1,43,GPT-4,906,446,1352,Conversation log',
        '19440111.0,,2,ChatGPT,10,5,15,API log',
        '19440160.5,s-1,1.25,GPT-4,1400,20,1420,Conversation log',
      ].join('\r\n'),
    );
    assert.equal(format, 'burstgpt-v2');
    assert.deepEqual(
      requests.map(({ dueUs, session, turn, source, inputTokens }) => [
        dueUs,
        session,
        turn,
        source?.e2eUs,
        inputTokens,
      ]),
      [
        [0, 's-1', 0, 43e6, 906],
        [1e6, undefined, undefined, 2e6, 10],
        [50_500_000, 's-1', 1, 1_250_000, 1400],
      ],
    );
  });
  it('counts failed requests by what they lack, and makes no gap of them', async () => {
    const { requests, bad, leftOut, notes } = await read(
      `${V1}5,ChatGPT,472,0,472,API log\n6,ChatGPT,0,0,0,API log\n8,ChatGPT,0,5,5,API log\n9,ChatGPT,4,2,6,API log\n`,
    );
    assert.deepEqual(
      requests.map(({ id, dueUs }) => [id, dueUs]),
      [['r0', 0]],
    );
    assert.deepEqual(bad, []);
    assert.deepEqual(leftOut, [
      '2: failed: 0 response tokens',
      '3: failed: 0 request and 0 response tokens',
      '4: 0 request tokens',
    ]);
    assert.deepEqual(notes, [
      'rows left out: 1 (failed: 0 response tokens), 1 (failed: 0 request and 0 response tokens), 1 (0 request tokens)',
    ]);
  });
  it('names what cannot be read, with its column', async () => {
    const { bad } = await read(`${V1}5,ChatGPT,4,2,6,API log\nsoon,ChatGPT,4,2,6,API log\n6,ChatGPT,1.5,2,6,API log\n`);
    assert.match(bad[0] ?? '', /^3: Timestamp is "soon", expected seconds/);
    assert.match(bad[1] ?? '', /^4: non_integer_length: Request tokens is "1.5"/);
  });
});

describe('traces of simulators', () => {
  it('Vidur', async () => {
    const { format, requests } = await read(
      'arrived_at,num_prefill_tokens,num_decode_tokens\n0.5,374,44\n1.7,396,109\n',
    );
    assert.equal(format, 'vidur');
    assert.deepEqual(requests[1], { id: 'r1', traceRow: 3, dueUs: 1_200_000, inputTokens: 396, outputTokens: 109 });
  });
  it("Vidur's lengths have no times: each row is a session of its own", async () => {
    const { format, starts, requests } = await read(
      'num_prefill_tokens,num_decode_tokens,num_total_tokens,pd_ratio\n10,5,15,2.0\n7,3,10,2.33\n',
    );
    assert.deepEqual([format, starts], ['vidur-lengths', 'none']);
    assert.deepEqual(
      requests.map(({ dueUs, inputTokens, session }) => [dueUs, inputTokens, session]),
      [
        [0, 10, undefined],
        [0, 7, undefined],
      ],
    );
  });
  it('splitwise-sim keeps ids, and leaves out what is no request to a model', async () => {
    const HEAD = 'request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size';
    const { format, requests, leftOut, bad } = await read(
      `${HEAD}\n0,2,0,1,1,4096,32\n1,1,0,1.5,1,1,1\n2,2,0,2.25,1,10,3\n2,2,0,3,1,10,3\n`,
    );
    assert.equal(format, 'splitwise-sim');
    assert.deepEqual(
      requests.map(({ id, dueUs, inputTokens, outputTokens }) => [id, dueUs, inputTokens, outputTokens]),
      [
        ['0', 0, 4096, 32],
        ['2', 1_250_000, 10, 3],
      ],
    );
    assert.match(leftOut[0] ?? '', /^3: request_type 1/);
    assert.match(bad[0] ?? '', /^5: duplicate_id/);
  });
});

describe('tables by names', () => {
  const HEAD = 'arrived_at,num_prefill_tokens,num_decode_tokens';
  it('a column that stands twice, a row of too many cells and a cut last line are named', async () => {
    await assert.rejects(read(`${HEAD},Arrived_At\n1,1,1,1\n`), /duplicate_column: Arrived_At stands twice/);
    const { bad } = await read(`${HEAD}\n0,1,1\n1,000,1,1\n2,1,`);
    assert.match(bad[0] ?? '', /^3: the row has 4 cells, expected 3/);
    assert.match(bad[1] ?? '', /^4: truncated_last_line: .*missing_length: num_decode_tokens is ""/);
  });
  it('columns stand anywhere and their names in any case, with a byte order mark and quotes', async () => {
    const { requests } = await read('\uFEFF"NUM_DECODE_TOKENS",x,arrived_at,Num_Prefill_Tokens\r\n"1",a,0,"2"\r\n');
    assert.deepEqual(requests, [{ id: 'r0', traceRow: 2, dueUs: 0, inputTokens: 2, outputTokens: 1 }]);
  });
});
