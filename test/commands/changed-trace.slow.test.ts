import assert from 'node:assert/strict';
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { startCli, temporaryFolder } from '../cli.ts';
import { serve, streamTokens } from '../servers.ts';
import { until } from '../processes.ts';
import { readRunFile, readSummary } from '../written-files.ts';

const folder = temporaryFolder();

for (const [what, row, said] of [
  ['a row more', '100,20,3', /had 500 requests, now 501 requests/],
  ['a faulty row', 'x,y,z', /trace\.csv:502/],
] as const)
  it(`an interrupted run whose trace has ${what} since ends like any other, and says what is not counted`, async () => {
    const trace = join(folder, 'trace.csv');
    const rows = Array.from({ length: 500 }, (_, i) => `${i / 5},20,3`);
    writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);
    const server = await serve((_index, _request, response) => void streamTokens(response, 3, 1));
    const dir = join(folder, what.replaceAll(' ', '-'));
    try {
      const target = ['--target', server.url.href, '--adapter', 'openai', '--model', 'tiny'];
      const { child, result } = startCli(['run', trace, ...target, '--out', dir]);
      await until('the replay begins', () => existsSync(join(dir, 'run.json')));
      const before = server.seen.length;
      await until('requests are answered', () => server.seen.length >= before + 3);
      appendFileSync(trace, `${row}\n`);
      child.kill('SIGINT');
      const { code, stderr, stdout } = await result;
      assert.equal(code, 130, stderr);
      assert.match(stdout, /! requests that were not sent are not counted: /);
      const { status, damage } = readRunFile(dir);
      assert.equal(status, 'interrupted');
      assert.match(damage?.join() ?? '', said);
      const { requests } = readSummary(dir);
      assert.ok(requests.ok >= 1 && requests.scheduled < 100, JSON.stringify(requests));
    } finally {
      await server.close();
    }
  });
