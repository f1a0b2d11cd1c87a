import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

// Of a process of its own: a priority cannot be raised again.
const PROGRAM = `
  import { readdirSync, readFileSync } from 'node:fs';
  import { getPriority } from 'node:os';
  import { quietV8 } from '${join(import.meta.dirname, '../../src/core/quiet-v8.ts')}';
  const threads = readdirSync('/proc/self/task').map(Number);
  const isV8 = (id) => readFileSync('/proc/self/task/' + id + '/comm', 'latin1').startsWith('V8Worker');
  const niceness = (ids) => [...new Set(ids.map((id) => getPriority(id)))];
  const others = () => niceness(threads.filter((id) => !isV8(id)));
  const before = others();
  quietV8();
  quietV8();
  console.log(JSON.stringify({ before, others: others(), v8: niceness(threads.filter(isV8)) }));
`;

test("V8's own threads give way, and no other thread does", async (t) => {
  if (process.platform !== 'linux') {
    t.skip('threads have priorities of their own on Linux alone');
    return;
  }
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', PROGRAM]);
  const { before, others, v8 } = JSON.parse(stdout);
  assert.deepEqual(others, before);
  assert.deepEqual(v8, [15]);
});
