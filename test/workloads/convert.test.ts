import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { UserError } from '../../src/core/errors.ts';
import { SILENT } from '../../src/core/log.ts';
import type { WorkloadSpec } from '../../src/core/plan.ts';
import type { Request } from '../../src/core/request.ts';
import { convertTrace, openSource } from '../../workloads/index.ts';
import { nativeWriter } from '../../workloads/writers/native.ts';
import { requestsOf } from './temporary-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'reprise-convert-'));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

function file(name: string, text: string): string {
  writeFileSync(at(name), text);
  return at(name);
}

interface Written {
  readonly said: readonly string[];
  readonly text: string;
}

/** Converts, and gives what is said and written. */
async function convert(
  from: string,
  out: string,
  to: string | null,
  spec: Partial<WorkloadSpec> = {},
): Promise<Written> {
  const said: string[] = [];
  const log = { ...SILENT, warn: (text: string) => said.push(text), info: (text: string) => said.push(text) };
  await convertTrace({ path: from, onBadRow: 'fail', transforms: [], ...spec }, out, to, log);
  const bytes = readFileSync(out);
  return { said, text: (out.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString() };
}

async function read(path: string, format?: string): Promise<Request[]> {
  const source = await openSource(path, { onBadRow: 'fail', ...(format === undefined ? {} : { traceFormat: format }) });
  return requestsOf(source.open());
}

const BLOCK = 512;
const name = fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' }).filter((text) => text.isWellFormed());
const us = fc.integer({ min: 0, max: 1e12 });
const tokens = fc.integer({ min: 1, max: 5000 });
const object = fc.dictionary(
  fc.string({ maxLength: 5 }).filter((key) => key !== '__proto__'),
  fc.oneof(fc.string({ maxLength: 5 }), fc.integer(), fc.boolean(), fc.constant(null)),
  { maxKeys: 3, noNullPrototype: true },
);
const optional = { requiredKeys: [] } satisfies { requiredKeys: [] };
const prompt = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), text: fc.string() }, { noNullPrototype: true }),
  fc.record(
    { kind: fc.constant('ids' as const), ids: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }) },
    { noNullPrototype: true },
  ),
  fc.record(
    { kind: fc.constant('messages' as const), messages: fc.array(object, { maxLength: 2 }) },
    { noNullPrototype: true },
  ),
);
const source = fc
  .record(
    { ttftUs: us, e2eUs: us, cachedTokens: fc.nat(), failed: fc.constant(true as const) },
    { ...optional, noNullPrototype: true },
  )
  .filter((fields) => Object.keys(fields).length > 0);
const media = fc.record(
  {
    kind: fc.constantFrom('image' as const, 'audio' as const, 'video' as const),
    count: fc.integer({ min: 1, max: 9 }),
    width: fc.integer({ min: 1, max: 999 }),
    height: fc.integer({ min: 1, max: 999 }),
    tokens: fc.nat(),
    ref: fc.string({ maxLength: 5 }),
  },
  { requiredKeys: ['kind'], noNullPrototype: true },
);
/** Every field that a request may have, but its id and its row. */
const fields = fc.record(
  {
    session: name,
    turn: fc.nat(),
    parent: name,
    after: fc.array(fc.record({ id: name, thinkUs: us }, { noNullPrototype: true }), { maxLength: 3 }),
    agent: name,
    newTokens: tokens,
    sloClass: name,
    model: name,
    user: name,
    hasBlocks: fc.boolean(),
    prompt,
    payload: object,
    params: object,
    media: fc.array(media, { maxLength: 2 }),
    isEstimated: fc.constant(true as const),
    source,
    extra: object,
  },
  { ...optional, noNullPrototype: true },
);
const anyRow = fc.record({ gapUs: us, inputTokens: tokens, outputTokens: tokens, isNamed: fc.boolean(), fields });
const anyTrace = fc.array(anyRow, { minLength: 1, maxLength: 12 }).map((rows): Request[] => {
  let dueUs = 0;
  return rows.map(({ gapUs, inputTokens, outputTokens, isNamed, fields: { hasBlocks, ...others } }, i) => ({
    id: isNamed ? `id ${i} "x"` : `r${i}`,
    traceRow: i + 2,
    dueUs: (dueUs += i === 0 ? 0 : gapUs % 1e9),
    inputTokens,
    outputTokens,
    ...(hasBlocks === true
      ? { blocks: Array.from({ length: Math.ceil(inputTokens / BLOCK) }, (_, k) => k * 7 + i) }
      : {}),
    ...others,
  }));
});

/** A native trace, written by its writer. */
function native(path: string, requests: readonly Request[]): string {
  const opened = nativeWriter.open({
    source: { name: 'made', format: 'csv', path: '', blockTokens: BLOCK },
    transforms: [],
    header: null,
  });
  const rows = requests.map((request) => opened.line(request)).join('');
  const totals = {
    sha256: 'a'.repeat(64),
    rows: 1,
    badRows: 0,
    requests: requests.length,
    inputTokens: 1,
    outputTokens: 2,
  };
  return file(path, opened.header(totals) + rows);
}

test('native holds every field of a request, and native to native is the same requests', () =>
  fc.assert(
    fc.asyncProperty(anyTrace, async (requests) => {
      const first = native('first.jsonl', requests);
      assert.deepEqual(await read(first), requests);
      rmSync(at('second.jsonl'), { force: true });
      const { text, said } = await convert(first, at('second.jsonl'), 'native');
      // Of cached tokens without blocks it is said what that means.
      assert.deepEqual(
        said.filter((note) => !note.includes('no_prefix_blocks')),
        [],
      );
      assert.deepEqual(await read(at('second.jsonl')), requests);
      // And what is written of it is the same bytes, packed too.
      const third = await convert(at('second.jsonl'), at('third.jsonl.gz'), null);
      assert.equal(third.text, text);
      rmSync(at('third.jsonl.gz'));
    }),
    { numRuns: 60 },
  ));

test('native to Mooncake to native keeps times to the millisecond, lengths and blocks', () =>
  fc.assert(
    fc.asyncProperty(anyTrace, async (requests) => {
      const first = native('first.jsonl', requests);
      for (const out of ['mooncake.jsonl', 'back.rtrace.jsonl']) rmSync(at(out), { force: true });
      await convert(first, at('mooncake.jsonl'), 'mooncake');
      const { text } = await convert(at('mooncake.jsonl'), at('back.rtrace.jsonl'), null, { blockTokens: BLOCK });
      assert.match(text.slice(0, 400), /"format":"mooncake".*"block_size":512/);
      const back = await read(at('back.rtrace.jsonl'));
      assert.equal(back.length, requests.length);
      const given = new Set(requests.flatMap(({ blocks = [] }) => blocks));
      for (const [i, request] of requests.entries()) {
        const found = back[i];
        assert.deepEqual([found?.inputTokens, found?.outputTokens], [request.inputTokens, request.outputTokens]);
        assert.equal(found?.dueUs, Math.floor(request.dueUs / 1000 + 0.5) * 1000);
        if (request.blocks !== undefined) assert.deepEqual(found?.blocks, request.blocks);
        else
          assert.ok(
            found?.blocks?.every((id) => !given.has(id)),
            'blocks of its own',
          );
      }
    }),
    { numRuns: 60 },
  ));

const CSV = 'arrival_s,input_tokens,output_tokens\n0,10,1\n1.2345678,20,2\n90,30,3\n';
const DUE = [0, 1_234_568, 90_000_000];

describe('each format reads back', () => {
  const formats: [to: string, out: string, readAs: string, dueUs: readonly number[]][] = [
    ['native', 'a.rtrace.jsonl', 'rtrace', DUE],
    ['azure', 'a.azure.csv', 'azure-2023', DUE],
    ['mooncake', 'a.mooncake.jsonl', 'mooncake-lengths', DUE.map((each) => Math.round(each / 1000) * 1000)],
    ['aiperf', 'a.aiperf.jsonl', 'mooncake-lengths', DUE],
    ['vllm-timed', 'a.vllm.jsonl', 'vllm-timed', DUE],
  ];
  for (const [to, out, readAs, dueUs] of formats)
    it(to, async () => {
      for (const target of [out, `${out}.gz`]) {
        await convert(file('plain.csv', CSV), at(target), to);
        const back = await read(at(target), readAs);
        assert.deepEqual(
          back.map((each) => [each.dueUs, each.inputTokens, each.outputTokens]),
          dueUs.map((each, i) => [each, 10 * (i + 1), i + 1]),
        );
      }
    });

  it('by the name of the file, if nothing else says which', async () => {
    assert.match((await convert(file('plain.csv', CSV), at('b.csv'), null)).text, /^TIMESTAMP,/);
    assert.match((await convert(file('plain.csv', CSV), at('b.jsonl'), null)).text, /^\{"reprise_trace":1,/);
  });
});

describe('a conversion', () => {
  it('applies transforms, and writes them and the counts into the header', async () => {
    const transforms = [
      { op: 'window', args: { from_us: 1e6, to_us: 2e6 } },
      { op: 'speed', args: { factor: 2 } },
    ];
    const { text } = await convert(file('plain.csv', CSV), at('cut.jsonl'), null, { transforms });
    const [header = '', row] = text.split('\n');
    assert.equal(row, '{"id":"r1","t_us":117284,"input_tokens":20,"output_tokens":2}');
    assert.deepEqual(JSON.parse(header), {
      reprise_trace: 1,
      source: {
        format: 'csv',
        file: 'plain.csv',
        sha256: (await (await openSource(at('plain.csv'), { onBadRow: 'fail' })).sha256?.()) ?? '',
        rows: 3,
        bad_rows: 0,
      },
      transforms,
      counts: { requests: 1, input_tokens: 20, output_tokens: 2 },
    });
  });

  it('sorts rows that are out of order, and says so', async () => {
    const { said, text } = await convert(file('late.csv', `${CSV}5,40,4\n`), at('late.jsonl'), null);
    assert.match(said.join('\n'), /late\.csv:5: not_sorted.*sorted by time first/);
    assert.match(text, /"transforms":\[\{"op":"sort","args":\{\}\}\]/);
    assert.deepEqual(
      (await read(at('late.jsonl'))).map(({ dueUs }) => dueUs),
      [0, 1_234_568, 5_000_000, 90_000_000],
    );
  });

  it('says once what the format cannot hold', async () => {
    const path = native('full.jsonl', [
      { id: 'a', traceRow: 2, dueUs: 0, inputTokens: 5, outputTokens: 1, session: 's', sloClass: 'c' },
      { id: 'r1', traceRow: 3, dueUs: 1, inputTokens: 5, outputTokens: 1, session: 's' },
    ]);
    const { said } = await convert(path, at('full.csv'), 'azure');
    assert.deepEqual(said, [
      '--to azure: left out, since the format has no place for them: sessions (2), classes (1), ids (1)',
    ]);
  });

  it('counts the bad rows that it leaves out', async () => {
    const { text } = await convert(file('bad.csv', `${CSV}91,x,3\n92,7,7\n`), at('bad.jsonl'), null, {
      onBadRow: 'skip',
    });
    assert.match(text, /"rows":4,"bad_rows":1/);
  });

  it('keeps a trace without times of arrival as one', async () => {
    const lengths = file('lengths.csv', 'input_tokens,output_tokens\n10,1\n20,2\n');
    const { text } = await convert(lengths, at('lengths.jsonl'), null, { map: 'arrival=none' });
    assert.match(text, /"starts":"none"/);
    assert.equal((await openSource(at('lengths.jsonl'), { onBadRow: 'fail' })).starts, 'none');
  });
});

describe('refused', () => {
  const refusals: [
    what: string,
    from: () => string,
    out: string,
    to: string | null,
    says: RegExp,
    spec?: Partial<WorkloadSpec>,
  ][] = [
    [
      'a format that there is not',
      () => file('plain.csv', CSV),
      'x.jsonl',
      'moonshot',
      /--to: got "moonshot", expected native, mooncake/,
    ],
    [
      'blocks of another size as Mooncake',
      () =>
        file(
          'small.jsonl',
          '{"reprise_trace":1,"block_size":16}\n{"t_us":0,"input_tokens":16,"output_tokens":1,"blocks":[1]}\n',
        ),
      'x.jsonl',
      'mooncake',
      /prefix blocks of 16 tokens, and a Mooncake trace has those of 512/,
    ],
    [
      'blocks of an unknown size as Mooncake',
      () => file('unknown.jsonl', '{"reprise_trace":1}\n{"t_us":0,"input_tokens":16,"output_tokens":1,"blocks":[1]}\n'),
      'x.jsonl',
      'mooncake',
      /unknown\.jsonl:2: the row has prefix blocks.*--block-tokens N/,
    ],
    [
      'a file of another',
      () => file('plain.csv', CSV),
      'theirs.txt',
      null,
      /theirs\.txt is there, and does not say that Reprise wrote it/,
    ],
    ['the trace itself', () => file('plain.csv', CSV), 'plain.csv', 'native', /plain\.csv is the trace itself/],
    [
      'a trace without times as anything but native',
      () => file('lengths.csv', 'input_tokens,output_tokens\n10,1\n'),
      'x.jsonl',
      'mooncake',
      /has no times of arrival, which only a native trace can do without/,
      { map: 'arrival=none' },
    ],
    [
      'a trace with a bad row',
      () => file('bad.csv', `${CSV}91,x,3\n92,7,7\n93,7,7\n`),
      'x.jsonl',
      null,
      /bad\.csv:5:2: /,
    ],
  ];
  for (const [what, from, out, to, says, spec] of refusals)
    it(`${what}, with nothing left behind`, async () => {
      file('theirs.txt', 'a diary');
      const path = from();
      const before = readdirSync(folder);
      await assert.rejects(convert(path, at(out), to, spec), (thrown) => {
        assert.ok(thrown instanceof UserError, String(thrown));
        assert.match(thrown.message, says);
        return true;
      });
      assert.deepEqual(readdirSync(folder), before);
      assert.equal(existsSync(at('x.jsonl')), false);
    });

  it('but not a native trace of ours, packed or not', async () => {
    for (const out of ['ours.jsonl', 'ours.jsonl.gz']) {
      const first = await convert(file('plain.csv', CSV), at(out), null);
      assert.equal((await convert(at('plain.csv'), at(out), null)).text, first.text);
    }
  });
});
