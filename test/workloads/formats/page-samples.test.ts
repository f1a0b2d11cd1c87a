import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { FORMATS } from '../../../workloads/formats/index.ts';
import { PAGE_SAMPLES, type PageSample } from './page-samples.ts';
import { reader, type Reading } from './reading.ts';

const read = reader();
const linesOf = ({ head, rows }: PageSample): string[] => [
  ...(head === undefined ? [] : [head]),
  ...rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))),
];
const plain = (sample: PageSample): string => `${linesOf(sample).join('\n')}\n`;
/** Null for a sample that is not a JSON object a line. */
const objectsOf = ({ rows }: PageSample): object[] | null => {
  const objects = rows.filter((row) => typeof row === 'object');
  return objects.length === rows.length ? objects : null;
};
const inJson = (sample: PageSample, write: (objects: object[]) => string): string | null => {
  const objects = objectsOf(sample);
  return objects === null ? null : write(objects);
};
const title = ({ format }: PageSample, at: number): string => `${at + 1}: ${format}`;

/** What came of a file, wherever its rows stand. `left`: keys of requests that do not matter. */
function found({ format, requests, bad, leftOut }: Reading, left: readonly string[] = []): object {
  return {
    format,
    requests: requests.map((request) =>
      Object.entries(request).filter(([key]) => key !== 'traceRow' && !left.includes(key)),
    ),
    bad: bad.length,
    leftOut: leftOut.length,
  };
}

describe('every schema sample of the pages reads, its format found by its content', () => {
  for (const [at, sample] of PAGE_SAMPLES.entries())
    it(title(sample, at), async () => {
      const { format, requests, bad } = await read(plain(sample));
      assert.deepEqual(bad, []);
      assert.equal(format, sample.format);
      assert.deepEqual(
        requests.map(({ dueUs, inputTokens, outputTokens }) => [dueUs, inputTokens, outputTokens]),
        sample.requests,
      );
    });

  it('and every format has one', () => {
    const shown = new Set(PAGE_SAMPLES.map(({ format }) => format));
    const others = FORMATS.map(({ name }) => name).filter((name) => !shown.has(name));
    // Ours, those that only --trace-format tells, the variants of others and one beyond the pages have tests of their own.
    assert.deepEqual(others, [
      'rtrace',
      'claude-code',
      'mooncake-agentic-2',
      'mooncake-untimed',
      'mooncake-lengths',
      'csv',
      'vllm-timed',
    ]);
  });
});

describe('the same comes out of a sample however its file was written', () => {
  const forms: readonly [what: string, write: (sample: PageSample) => string | Buffer | null][] = [
    ['gzip', (sample) => gzipSync(plain(sample))],
    ['CRLF, a byte order mark and no end of the last line', (sample) => `\uFEFF${linesOf(sample).join('\r\n')}`],
    ['blank lines', (sample) => `${linesOf(sample).join('\n\n')}\n\n`],
    ['a JSON array', (sample) => inJson(sample, (objects) => JSON.stringify(objects))],
    ['an indented array', (sample) => inJson(sample, (objects) => JSON.stringify(objects, null, 2))],
    [
      'indented objects',
      (sample) => inJson(sample, (objects) => objects.map((row) => JSON.stringify(row, null, 4)).join('\n')),
    ],
    [
      'the list of an API',
      (sample) =>
        inJson(sample, (data) => JSON.stringify({ object: 'list', total: 1, data, meta: { of: [{ page: 1 }] } })),
    ],
    [
      'keys that nobody knows',
      (sample) =>
        // A text beside other keys may be a row of anything.
        sample.format === 'aiperf-untimed'
          ? null
          : inJson(sample, (objects) =>
              objects.map((row) => `${JSON.stringify({ ...row, x_unknown: { id: [null] } })}\n`).join(''),
            ),
    ],
  ];
  for (const [what, write] of forms)
    it(what, async () => {
      for (const [at, sample] of PAGE_SAMPLES.entries()) {
        const text = write(sample);
        if (text !== null)
          assert.deepEqual(found(await read(text)), found(await read(plain(sample))), title(sample, at));
      }
    });
});

it('a key that is null is one that is missing', async () => {
  for (const [at, sample] of PAGE_SAMPLES.entries()) {
    const [first, ...others] = objectsOf(sample) ?? [];
    if (first === undefined) continue;
    for (const path of pathsIn(first)) {
      const withValue = (value: unknown): Promise<object | string> =>
        outcome(plain({ ...sample, rows: [...others, first, changed(first, path, value)] }));
      assert.deepEqual(await withValue(null), await withValue(undefined), `${title(sample, at)}: ${path.join('.')}`);
    }
  }
});

type Path = readonly [string, ...string[]];

/** Every key of an object and of what is within it; of a list the first element stands for all. */
function pathsIn(value: object): Path[] {
  const keys = Array.isArray(value) ? Object.keys(value).slice(0, 1) : Object.keys(value);
  return keys.flatMap((key): Path[] => {
    const inner: unknown = Object.getOwnPropertyDescriptor(value, key)?.value;
    const within = typeof inner === 'object' && inner !== null ? pathsIn(inner) : [];
    return [...(Array.isArray(value) ? [] : [[key] as const]), ...within.map((path): Path => [key, ...path])];
  });
}

/** A copy with another value at a path; undefined: none. */
function changed(value: object, [key, next, ...rest]: Path, to: unknown): object {
  const inner: unknown = Object.getOwnPropertyDescriptor(value, key)?.value;
  const put =
    next === undefined || typeof inner !== 'object' || inner === null ? to : changed(inner, [next, ...rest], to);
  return Array.isArray(value)
    ? value.map((item: unknown, at) => (String(at) === key ? put : item))
    : { ...value, [key]: put };
}

/** What came of a file, less what is sent as it stands, or that it was refused. */
async function outcome(text: string): Promise<object | string> {
  try {
    return found(await read(text), ['prompt', 'payload', 'params']);
  } catch (thrown) {
    return String(thrown).replace(/:[^]*/, '');
  }
}
