import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cli, CLI, readJson, temporaryFolder, type CliResult } from '../cli.ts';

const folder = temporaryFolder();
/** 100 seconds of requests, of which the journal of one holds more than the limit. */
const TRACE = join(folder, 'trace.csv');
const rows = Array.from({ length: 20_000 }, (_, i) => `${i / 200},20,20`);
writeFileSync(TRACE, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);

/** The program, of whose files none may grow beyond so many KB: EFBIG, as a full disk gives ENOSPC. */
function limited(kb: number, ...args: readonly string[]): Promise<CliResult> {
  const command = ['-c', `ulimit -f ${kb} && exec "$@"`, 'sh', process.execPath, CLI, ...args];
  return new Promise((resolve) =>
    execFile('bash', command, { timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    ),
  );
}

describe('a disk that takes no more', { skip: process.platform === 'win32' ? 'no ulimit' : false }, () => {
  for (const [what, options] of Object.entries({
    'a run': [],
    'a run of two workers': ['--workers', '2'],
  }))
    it(`ends ${what} when records cannot be written, and what was written stays`, async () => {
      const dir = join(folder, what.replaceAll(' ', '-'));
      const { code, stderr } = await limited(300, 'run', TRACE, '--target', 'reference', ...options, '--out', dir);
      assert.equal(code, 2, stderr);
      assert.match(stderr, /requests: cannot be written: EFBIG.*; make room, or choose another --out/);
      const report = await cli('report', dir, '--json');
      assert.equal(report.code, 0, report.stderr);
      const { ok } = readJson(dir, 'summary.json')['requests'] as { readonly ok: number };
      assert.ok(ok >= 100 && ok < 10_000, `${ok} ok`);
      assert.match(
        String(readJson(dir, 'run.json')['reason']),
        /cannot be written: EFBIG|the client was killed, or could not write any more/,
      );
    });
});
