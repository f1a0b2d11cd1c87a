import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { readClientSamples } from '../../src/runs/client-file.ts';
import { temporaryFolder } from '../cli.ts';
import { serve, streamTokens } from '../servers.ts';

/** What is said of the machine comes from /proc, which containers may hide: it is not known then, and the run goes on. */
test('a timed run where /proc is hidden ends as any other', async (t) => {
  const folder = temporaryFolder();
  const [trace, out] = [join(folder, 'trace.csv'), join(folder, 'run')];
  const rows = Array.from({ length: 30 }, (_, i) => `${i / 20},20,3`);
  writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);
  const server = await serve((_index, _request, response) => void streamTokens(response, 3, 5));
  t.after(() => server.close());
  const hidden = 'mount -t tmpfs none /proc && exec "$0" "$@"';
  const run = ['run', trace, '--target', server.url.href, '--workers', '2', '--out', out, '--quiet'];
  const child = spawn('/usr/bin/unshare', ['-Urm', 'sh', '-c', hidden, process.execPath, 'src/cli.ts', ...run]);
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.on('close', resolve)),
  ]);
  if (stdout === '' && /unshare|mount/.test(stderr)) {
    t.skip(`no mounts here: ${stderr}`);
    return;
  }
  assert.equal(code, 0, stderr);
  assert.match(stdout, /30 scheduled, 30 sent, 30 ok/);
  const samples = (await readClientSamples(out)) ?? [];
  assert.ok(
    samples.length > 0 && samples.every(({ rss_bytes, core_wait_us }) => rss_bytes === null && core_wait_us === null),
  );
});
