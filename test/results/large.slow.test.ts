import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { temporaryFolder } from './some-runs.ts';

const REQUESTS = 8000;
const HEAP_MB = 24;

it('writes a run whose files are larger than the heap that it may use', async (t) => {
  const folder = temporaryFolder(t);
  const script = join(import.meta.dirname, 'write-large.ts');
  const args = [`--max-old-space-size=${HEAP_MB}`, script, folder, String(REQUESTS)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const [vllmBytes = 0, aiperfBytes = 0] = stdout.trim().split(' ').map(Number);
  assert.ok(Math.min(vllmBytes, aiperfBytes) > HEAP_MB * 1.1e6, stdout);
  let lines = 0;
  for await (const line of createInterface({ input: createReadStream(join(folder, 'aiperf', 'profile_export.jsonl')) }))
    if (line.startsWith('{"metadata":') && line.endsWith('}')) lines++;
  assert.equal(lines, REQUESTS);
});
