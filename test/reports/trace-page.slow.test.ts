import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { writeTraceHtml } from '../../reports/index.ts';
import { startCli, temporaryFolder, type CliResult } from '../cli.ts';
import { exampleTrace, inspected } from './example-trace.ts';

const reading = { name: 'one GPU', tokens: 40_000 };

it('a page says nothing of null, and every chart has words and a table; a name of the trace is no markup', async () => {
  const rows = [{ t_us: 0, input_tokens: 3, output_tokens: 2, class: '<b>x</b>' }];
  const pages = [await exampleTrace(), await inspected([]), await inspected(rows)];
  for (const found of pages) {
    const page = await writeTraceHtml(found, { reading, version: '0' });
    const text = page.replaceAll(/<(script|style)\b.*?<\/\1>/gs, ' ').replaceAll(/<[^>]*>/g, ' ');
    assert.doesNotMatch(text, /null|NaN|undefined|Infinity/);
    for (const figure of page.match(/<figure\b.*?<\/figure>/gs) ?? []) {
      assert.match(figure, /aria-label="[^"]{30,}"/);
      assert.match(figure, /<tbody>\s*<tr>/);
    }
    assert.doesNotMatch(page, /<b>x/);
    assert.ok(page.length < 2e6);
  }
});

describe('trace inspect --html', () => {
  const dir = temporaryFolder();
  const inspect = (...args: readonly string[]): Promise<CliResult> =>
    startCli(['trace', 'inspect', 'chat', ...args], {}, dir).result;

  it('writes the page beside what it prints, to the name given or that of the trace, and replaces its own alone', async () => {
    const given = join(dir, 'page.html');
    const { stdout, code } = await inspect('--html', given);
    assert.deepEqual([code, stdout.endsWith(`page: ${given}\n`)], [0, true]);
    assert.match(readFileSync(given, 'utf8'), /<title>chat[^<]* - Reprise<\/title>/);
    const json = await inspect('--json', '--html');
    assert.equal(json.code, 0);
    assert.deepEqual([JSON.parse(json.stdout).charts, JSON.parse(json.stdout).format], [undefined, 'csv']);
    assert.ok(json.stderr.includes('chat.html') && existsSync(join(dir, 'chat.html')));
    assert.equal((await inspect('--html', given)).code, 0);
    writeFileSync(join(dir, 'mine.html'), '<title>My diary</title>');
    const refused = await inspect('--html', 'mine.html');
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /--html: .*mine\.html is there, and does not say that Reprise wrote it/);
  });

  it('has no page to open without one', async () => {
    const { code, stderr } = await inspect('--open');
    assert.equal(code, 2);
    assert.match(stderr, /--open: there is no page to open; give --html too/);
  });
});
