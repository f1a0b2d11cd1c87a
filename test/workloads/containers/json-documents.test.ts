import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../../../src/core/errors.ts';
import { documentForm, documentLines, type DocumentForm } from '../../../workloads/containers/json-documents.ts';

/** Cut at every share of its length. */
async function* cut(text: string, at: readonly number[]): AsyncGenerator<string> {
  const ends = [...at.map((share) => Math.floor(share * text.length)), text.length].toSorted((a, b) => a - b);
  let from = 0;
  for (const end of ends) {
    yield text.slice(from, end);
    from = end;
  }
}

async function linesOf(text: string, form: DocumentForm, at: readonly number[] = [], most = 1e6): Promise<string[]> {
  let all = '';
  for await (const chunk of documentLines(cut(text, at), form, 'a.json', most)) all += chunk;
  return all.split('\n').filter((line) => line !== '');
}

/** Values as rows are: objects or arrays, with texts that hold every mark of JSON. */
const row = fc.oneof(
  fc.dictionary(
    fc.string({ unit: fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', '\n', 'é', 'x') }),
    fc.jsonValue(),
  ),
  fc.array(fc.jsonValue(), { minLength: 1 }),
);
const anyCut = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });
const anyIndent = fc.constantFrom(0, 1, 2, '\t');

test('the elements of an array are lines, laid out and cut in any way', () =>
  fc.assert(
    fc.asyncProperty(fc.array(row), anyIndent, anyCut, async (rows, indent, at) => {
      const lines = await linesOf(JSON.stringify(rows, null, indent), 'array', at);
      assert.deepEqual(
        lines.map((line) => JSON.parse(line)),
        JSON.parse(JSON.stringify(rows)),
      );
    }),
    { numRuns: 300 },
  ));

test('objects over many lines, one behind the other, are a line each', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.dictionary(fc.string(), fc.jsonValue())),
      anyIndent,
      anyCut,
      async (rows, indent, at) => {
        const text = rows.map((each) => JSON.stringify(each, null, indent)).join('\n');
        const lines = await linesOf(text, 'object', at);
        assert.deepEqual(
          lines.map((line) => JSON.parse(line)),
          JSON.parse(JSON.stringify(rows)),
        );
      },
    ),
    { numRuns: 200 },
  ));

test('the rows of lists within objects are lines, whatever stands beside the lists, one object behind the other', () => {
  const beside = fc.dictionary(
    fc.string().filter((key) => key !== 'data'),
    fc.jsonValue(),
    { maxKeys: 3 },
  );
  const page = fc.tuple(beside, fc.array(row), beside);
  return fc.assert(
    fc.asyncProperty(fc.array(page), anyIndent, anyCut, async (pages, indent, at) => {
      const text = pages
        .map(([before, data, behind]) => {
          const members = [...Object.entries(before), ['data', data] as const, ...Object.entries(behind)];
          return `{${members.map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value, null, indent)}`).join(',\n')}}`;
        })
        .join('\n');
      const lines = await linesOf(text, 'list', at);
      assert.deepEqual(
        lines.map((line) => JSON.parse(line)),
        JSON.parse(JSON.stringify(pages.flatMap(([, data]) => data))),
      );
    }),
    { numRuns: 300 },
  );
});

test('an object that should hold a list and has none is a row that no reader takes', async () =>
  assert.deepEqual(await linesOf('{"data":[{"a":1}]}{"error":{"data":[2]}}{"data":[]}', 'list'), ['{"a":1}', '[]']));

test('the layout is told by the beginning', () => {
  const forms: [text: string, form: DocumentForm | null][] = [
    ['[{"a":1}]', 'array'],
    ['\uFEFF\n [\n  {', 'array'],
    ['[]', 'array'],
    ['[1,2]\n', null],
    ['{"a":1}\n{"a":2}\n', null],
    ['{\n  "a": 1\n}', 'object'],
    ['{"a": [\n1]}', 'object'],
    ['{"a":"{",\n"b":1}', 'object'],
    ['{"data":[{"a":1}]}', 'list'],
    ['{\n  "object": "list",\n  "total": 1.5, "next": null,\n  "items": [\n    {', 'list'],
    ['{"data":[1]}', null],
    ['{"data":{"a":[{}]}}', null],
    ['{"requests":[{"t":0}]}', null],
    ['{"timestamp":0,"input_length"\n{"timestamp":1}\n', null],
    ['{"a":"[', null],
    ['a,b\n', null],
    ['', null],
  ];
  assert.deepEqual(
    forms.map(([text]) => documentForm(text)),
    forms.map(([, form]) => form),
  );
});

test('an array that ends too early leaves a line that is no JSON', async () => {
  assert.deepEqual(await linesOf('[{"a":1},{"a":', 'array'), ['{"a":1}', '{"a":']);
  assert.deepEqual(await linesOf('[{"a":1},', 'array'), ['{"a":1}', '[']);
  assert.deepEqual(await linesOf('{"data":[{"a":1},', 'list'), ['{"a":1}', '[']);
  assert.deepEqual(await linesOf('{"data":[{"a":1},{"b"', 'list'), ['{"a":1}', '{"b"']);
});

test('an element has a bound, named with its place', () =>
  assert.rejects(linesOf(`[{"a":1},{"a":"${'x'.repeat(200)}"}]`, 'array', [0.5], 100), (thrown) => {
    assert.ok(thrown instanceof UserError);
    assert.match(thrown.message, /^a\.json:2: row_too_long: element 2 /);
    return true;
  }));
