import assert from 'node:assert/strict';
import { it } from 'node:test';
import { summaryMarkdown } from '../../reports/index.ts';
import { exampleRun } from './example-run.ts';

it('has the verdict in bold, one table and the command', async () => {
  const { summary, manifest } = await exampleRun({ requests: 300, slo: 'ttft=200ms,tpot=12ms' });
  const text = summaryMarkdown(summary, manifest);
  assert.match(text, /^\*\*✗ [\d.]+ % of requests met /);
  const rows = text.split('\n').filter((line) => line.startsWith('|'));
  assert.deepEqual(new Set(rows.map((row) => row.split('|').length)), new Set([7]));
  assert.match(text, /\| TTFT \| [\d.]+ ms \| [\d.]+ ms \| [\d.]+ ms \| [\d.]+ % <= 200 ms \|/);
  assert.match(text, /```sh\nreprise run azure-conv\.csv /);
});

it('takes no markup from a run', async () => {
  const evil = 'a|b\n# c `d` <b>*e*</b> [f](g)';
  const { summary, manifest } = await exampleRun({
    requests: 3,
    slo: null,
    manifest: { status: 'failed', reason: evil, command: ['reprise', '```\n# out'] },
  });
  const text = summaryMarkdown(summary, manifest);
  assert.ok(text.includes(String.raw`a\|b \# c \`d\` \<b\>\*e\*\</b\> \[f\](g)`), text);
  assert.match(text, /\n````sh\n[^]*\n````\n$/);
});
