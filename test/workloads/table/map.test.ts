import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../../../src/core/errors.ts';
import { mapText, parseMap, ROLES, TIMED, UNITS, type TraceMap } from '../../../workloads/table/map.ts';
import { reader } from '../formats/reading.ts';

const read = reader();

test('a map reads back from its text, whatever its columns are called', () => {
  const anyMap = fc.subarray([...ROLES], { minLength: 1 }).chain((roles) =>
    fc
      .tuple(
        ...roles.map((role) =>
          fc.option(
            fc.record(
              {
                name: fc.string({ minLength: 1, unit: 'grapheme' }),
                unit: TIMED.has(role) ? fc.option(fc.constantFrom(...UNITS)) : fc.constant(null),
              },
              { noNullPrototype: true },
            ),
          ),
        ),
      )
      .map((columns): TraceMap => Object.fromEntries(roles.map((role, i) => [role, columns[i] ?? null]))),
  );
  fc.assert(fc.property(anyMap, (map) => assert.deepEqual({ ...parseMap(mapText(map)) }, { ...map })));
});

describe('a wrong map is refused', () => {
  const wrong: [map: string, says: RegExp][] = [
    ['arrival', /got "arrival", expected ROLE=COLUMN/],
    ['arivall=a', /"arivall" is nothing that a column can be; did you mean "arrival"\?/],
    ['input=a,input=b', /input is given twice/],
    ['input=', /input names no column/],
    ['input=a:s', /input is no time, and has no unit/],
    ['foo=a', /"foo" is nothing that a column can be; known: arrival, [^()]+$/],
    ['arrival=a:sec', /"sec" is no unit; known: [^()]+$/],
  ];
  for (const [map, says] of wrong)
    it(map, () => {
      assert.throws(
        () => parseMap(map),
        (thrown) => thrown instanceof UserError && says.test(thrown.message),
      );
    });
});

const EXPECTED = [
  { id: 'r0', dueUs: 0, inputTokens: 10, outputTokens: 2, session: 's' },
  { id: 'r1', dueUs: 1_500_000, inputTokens: 20, outputTokens: 3, session: 's' },
];
const without = (key: string, found: readonly object[]): object[] =>
  found.map((each) => Object.fromEntries(Object.entries(each).filter(([name]) => name !== key)));

it('what is not needed may hold nothing, as programs write it; a wrong value is named with the way out', async () => {
  const nothing = ['', '-', 'null', 'None', 'N/A', 'nan', '\\N'];
  const rows = nothing.map((none, i) => `${i},9,1,${none},${none},${none}\n`).join('');
  const text = `arrival_time,input_tokens,output_tokens,session_id,turn,ttft_ms\n0,9,1,s,0,5\n${rows}`;
  const map = 'arrival=arrival_time:s';
  const { requests, bad } = await read(text, { map });
  assert.deepEqual(bad, []);
  assert.deepEqual(
    requests.map(({ session, turn, source }) => [session, turn, source?.ttftUs]),
    [['s', 0, 5000], ...nothing.map(() => [undefined, undefined, undefined])],
  );
  const wrong = await read(`${text}9,9,1,s,first,\n`, { map: `${map},turn=turn` });
  assert.match(
    wrong.bad[0] ?? '',
    /turn is "first", expected a whole number from 0; --map turn=none leaves the column out/,
  );
});

it('an id that stands twice, as those of retries do, makes two requests of two names, and a note counts them', async () => {
  const rows = ['a', 'b', 'a', 'a'].map((id, i) => `${i},9,1,${id}\n`).join('');
  const { requests, bad, notes } = await read(`t,in,out,id\n${rows}`, { map: 'arrival=t:s,input=in,output=out,id=id' });
  assert.deepEqual([bad, requests.map(({ id }) => id)], [[], ['a', 'b', 'a#4', 'a#5']]);
  assert.match(notes.join('\n'), /2 rows: the id stands in an earlier row too: this request is called ID#LINE/);
});

describe('any table is read by a map', () => {
  const MAP = 'arrival=when:s,input=in,output="out, all",session=who';
  const tables: [what: string, text: string, map: string][] = [
    ['commas', 'when,in,"out, all",who\n5,10,2,s\n6.5,20,3,s\n', MAP],
    ['semicolons', 'when;in;"out, all";who\n5;10;2;s\n6.5;20;3;s\n', MAP],
    ['tabs', 'when\tin\t"out, all"\twho\n5\t10\t2\ts\n6.5\t20\t3\ts\n', MAP],
    ['capitals', 'When,IN,"Out, all",WHO\r\n5,10,2,s\r\n6.5,20,3,s', MAP],
    [
      'JSON Lines',
      '{"when":5,"in":10,"out, all":"2","who":"s"}\n{"when":"6.5","in":20.0,"out, all":3,"who":"s"}\n',
      MAP,
    ],
    [
      'paths',
      '[{"t":{"at":"2026-01-05T10:00:00Z"},"gen_ai.usage":{"in.tokens":10},"o":2,"s":"s"},{"t":{"at":"2026-01-05T10:00:01.5Z"},"gen_ai.usage":{"in.tokens":20},"o":3,"s":"s"}]',
      'arrival=t.at:iso,input=gen_ai.usage.in.tokens,output=o,session=s',
    ],
    [
      'milliseconds since 1970',
      'a,b,c,d\n1767607200000,10,2,s\n1767607201500,20,3,s\n',
      'arrival=a:epoch_ms,input=b,output=c,session=d',
    ],
    [
      'times by themselves',
      'a,b,c,d\n1767607200000,10,2,s\n1767607201500,20,3,s\n',
      'arrival=a,input=b,output=c,session=d',
    ],
  ];
  for (const [what, text, map] of tables)
    it(what, async () => {
      const { format, requests, bad } = await read(text, { map });
      assert.deepEqual([format, bad], ['mapped', []]);
      assert.deepEqual(without('traceRow', requests), EXPECTED);
    });

  it('with every role', async () => {
    const row = {
      at: 5,
      i: 600,
      o: 2,
      id: 'x',
      s: 's',
      t: 1,
      p: 'w',
      a: 'main',
      c: 'chat',
      m: 'gpt',
      u: 7,
      f: 0.25,
      e: '1970-01-01T00:00:06.5Z',
      h: 512,
      n: 2,
      b: [1, 2],
    };
    const map =
      'arrival=at:epoch_s,input=i,output=o,id=id,session=s,turn=t,parent=p,agent=a,class=c,model=m,user=u,ttft=f:s,e2e=e:iso,cached=h,images=n,blocks=b';
    const { requests } = await read(JSON.stringify(row), { map });
    assert.deepEqual(requests, [
      {
        id: 'x',
        traceRow: 1,
        dueUs: 0,
        inputTokens: 600,
        outputTokens: 2,
        session: 's',
        turn: 1,
        parent: 'w',
        agent: 'main',
        sloClass: 'chat',
        model: 'gpt',
        user: '7',
        blocks: [1, 2],
        media: [{ kind: 'image', count: 2 }],
        source: { ttftUs: 250_000, e2eUs: 1_500_000, cachedTokens: 512 },
      },
    ]);
  });

  it('without times of arrival', async () => {
    const { starts, requests } = await read('input_tokens,output_tokens\n10,2\n20,3\n', { map: 'arrival=none' });
    assert.equal(starts, 'none');
    assert.deepEqual(
      without('traceRow', requests),
      without('session', EXPECTED).map((each) => ({ ...each, dueUs: 0 })),
    );
  });

  it('with blocks in a cell, whose size its rows show', async () => {
    const text = 'time_s,input_tokens,output_tokens,hash_ids\n0,20,1,1 2\n1,33,1,"[1, 3, 4]"\n2,33,1,1;3\n';
    const { requests, bad } = await read(text);
    assert.deepEqual(
      requests.map(({ blocks }) => blocks),
      [
        [1, 2],
        [1, 3, 4],
        [1, 3],
      ],
    );
    assert.deepEqual(bad, []);
  });
});

describe('what a map does not say is guessed', () => {
  it('and the guess is said, as a map', async () => {
    const text =
      '{"startTime":"2026-01-05 10:00:00","usage":{"prompt_tokens":10,"completion_tokens":2},"conversation_id":"s","model":"m"}\n';
    const { format, notes } = await read(text);
    assert.equal(format, 'json-log');
    assert.deepEqual(notes, [
      'columns used: --map arrival=startTime:iso,input=usage.prompt_tokens,output=usage.completion_tokens,session=conversation_id',
      'keys not used: model; requests are replayed without what they say',
    ]);
  });

  it('but for what is said to be none, or cannot be read', async () => {
    const text = 'start_ms,input_tokens,output_tokens,id,turn,session_id,class\n0,1,1,a,x,s,\n1,1,1,a,y,s,c\n';
    const { notes } = await read(text, { map: 'class=none' });
    assert.deepEqual(notes, [
      'columns used: --map arrival=start_ms:ms,input=input_tokens,output=output_tokens,session=session_id,class=none',
      'columns not used: id, turn, class; requests are replayed without what they say',
    ]);
  });

  it('and the same in a thread that is given the resolved map', async () => {
    const text = 'startTime,prompt_tokens,completion_tokens,user\n2026-01-05 10:00:00,10,2,u\n';
    const { format, requests, notes } = await read(text);
    const [, map] = /--map (\S+)/.exec(notes[0] ?? '') ?? [];
    assert.deepEqual((await read(text, { format, map })).requests, requests);
  });
});

describe('a map that does not fit its file is refused', () => {
  const wrong: [map: string, says: RegExp][] = [
    ['arrival=tim:s', /has no column tim; did you mean time\? \(time, in, out\)/],
    [
      'arrival=time:s,input=in',
      /none is known as the tokens of the answer; complete this: --map arrival=time:s,input=in,output=COLUMN$/,
    ],
    [
      'arrival=time,input=in,output=out',
      /nothing tells the unit of time \("0"\).*--map arrival=time:UNIT,input=in,output=out$/,
    ],
  ];
  for (const [map, says] of wrong)
    it(map, () =>
      assert.rejects(read('time,in,out\n0,1,1\n', { map }), (thrown) => {
        assert.ok(thrown instanceof UserError, String(thrown));
        assert.match(thrown.message, says);
        return true;
      }),
    );
});

describe('a format that the user names is taken', () => {
  it('though the first lines are of another', async () => {
    const text = '{"timestamp":0,"input_length":7,"output_length":5,"hash_ids":[1]}\n';
    assert.equal((await read(text, { traceFormat: 'mooncake-lengths' })).format, 'mooncake-lengths');
    assert.equal((await read(text, { traceFormat: 'mooncake' })).format, 'mooncake');
  });
  it('if there is one', () =>
    assert.rejects(
      read('x', { traceFormat: 'moonkace' }),
      /--trace-format: there is no trace format "moonkace"; did you mean "mooncake"\?$/,
    ));
});
