import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { before, describe, it } from 'node:test';
import { comparisonSchema } from '../../src/schema/comparison.ts';
import { cli, temporaryFolder } from '../cli.ts';
import { readXml } from '../xml.ts';

const folder = temporaryFolder();
const [base, now] = [join(folder, 'a #1'), join(folder, 'b')];

describe('compare', { concurrency: 2 }, () => {
  before(async () => {
    const run = (out: string, options: string): Promise<{ code: number | null; stderr: string }> =>
      cli(
        'run',
        '--limit',
        '60',
        '--clock',
        'virtual',
        '--quiet',
        '--target',
        `reference:vllm-v1${options}`,
        '--out',
        out,
      );
    for (const { code, stderr } of await Promise.all([run(base, ''), run(now, ',token_budget=256')]))
      assert.equal(code, 0, stderr);
  });

  it('writes its files with --out alone, whose page links to the reports', async () => {
    const runs = join(folder, 'of this test');
    for (const run of [base, now]) cpSync(run, join(runs, basename(run)), { recursive: true });
    assert.equal((await cli('compare', join(runs, basename(base)), join(runs, basename(now)))).code, 0);
    assert.deepEqual(readdirSync(runs), [basename(base), basename(now)]);
    const out = join(folder, 'made', 'here');
    const { code, stdout } = await cli('compare', base, now, '--out', out);
    assert.equal(code, 0);
    assert.ok(stdout.includes(join(out, 'comparison.html')));
    const read = (name: string): string => readFileSync(join(out, name), 'utf8');
    const comparison = comparisonSchema.parse(JSON.parse(read('comparison.json')));
    assert.equal(comparison.order, 'exact');
    assert.match(read('comparison.md'), /^\*\*[▲▼=]/);
    const links = [...read('comparison.html').matchAll(/href="([^"#][^"]*)"/g)].map(([, url = '']) => url);
    assert.ok(links.length > 0);
    for (const url of links) {
      const [path = '', anchor] = url.split('#');
      const file = join(out, decodeURIComponent(path));
      assert.ok(existsSync(file), url);
      if (anchor !== undefined) assert.ok(readFileSync(file, 'utf8').includes(` id="${anchor}"`), url);
    }
    assert.ok(links.some((url) => url.includes('#request-')));
  });

  it('prints each format alone on stdout, gates beside it', async () => {
    const gates = ['--gate', 'ttft.p50<=+900%', '--gate', 'tpot.p50<=-99%'];
    const [markdown, junit, json] = await Promise.all(
      ['markdown', 'junit', 'json'].map((format) => cli('compare', base, now, '--format', format, ...gates)),
    );
    for (const result of [markdown, junit, json]) {
      assert.equal(result?.code, 1);
      assert.match(result?.stderr ?? '', /gate tpot\.p50<=-99% missed/);
    }
    assert.match(markdown?.stdout ?? '', /\n\| TTFT p50 \|/);
    const [, suite] = readXml(junit?.stdout ?? '').children;
    assert.deepEqual(
      suite?.children.map(({ attributes, children }) => [attributes['name'], children.at(-1)?.name]),
      [
        ['ttft.p50<=+900%', 'properties'],
        ['tpot.p50<=-99%', 'failure'],
      ],
    );
    comparisonSchema.parse(JSON.parse(json?.stdout ?? ''));
  });

  it('refuses what it cannot compare, print or write, before it reads a record, and says the way out', async () => {
    const file = join(base, 'run.json');
    const lost = join(folder, 'lost');
    cpSync(base, join(lost, '1'), { recursive: true });
    rmSync(join(lost, '1', 'run.json'));
    cpSync(now, join(lost, '2'), { recursive: true });
    cpSync(base, join(folder, 'deep', 'base', '1'), { recursive: true });
    const link = join(folder, 'link');
    symlinkSync(base, link);
    const given: readonly (readonly [message: RegExp, ...args: string[]])[] = [
      [/would be compared with itself; name the runs of two systems/, base, base],
      [/are one run, a link or a copy of it/, base, link],
      [/run\.json: is a file, and no result of another tool/, base, file],
      [/lost.1: has the requests of a run and no run\.json; put it back/, base, lost],
      [
        /deep: its runs are one folder deeper; name the runs of one system, e\.g\. .*deep.base/,
        join(folder, 'deep'),
        now,
      ],
      [/--undecided pass: there is no gate to leave undecided/, base, now, '--undecided', 'pass'],
      [/--json and --format junit are two formats/, base, now, '--json', '--format', 'junit'],
      [/run\.json: a directory was to be here, but this is a file/, base, now, '--out', file],
      [/throughput>=-100%": .* always holds/, base, now, '--gate', 'throughput>=-100%'],
    ];
    const results = await Promise.all(given.map(([, ...args]) => cli('compare', ...args)));
    for (const [i, { code, stdout, stderr }] of results.entries()) {
      assert.deepEqual([code, stdout], [2, ''], stderr);
      assert.match(stderr, given[i]?.[0] ?? /^$/);
    }
    const list = await cli('compare', '--slo', 'list');
    assert.deepEqual([list.code, list.stdout], [0, (await cli('run', '--slo', 'list')).stdout]);
  });

  it('refuses --open without a place for the page, and a format that is none', async () => {
    const open = await cli('compare', base, now, '--open');
    assert.equal(open.code, 2);
    assert.match(open.stderr, /--open: .*--out/);
    const format = await cli('compare', base, now, '--format', 'html');
    assert.equal(format.code, 2);
    assert.match(format.stderr, /text, markdown, json, junit/);
  });
});
