import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
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
    const entries = readdirSync(folder).length;
    assert.equal((await cli('compare', base, now)).code, 0);
    assert.equal(readdirSync(folder).length, entries);
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

  it('refuses --open without a place for the page, and a format that is none', async () => {
    const open = await cli('compare', base, now, '--open');
    assert.equal(open.code, 2);
    assert.match(open.stderr, /--open: .*--out/);
    const format = await cli('compare', base, now, '--format', 'html');
    assert.equal(format.code, 2);
    assert.match(format.stderr, /text, markdown, json, junit/);
  });
});
