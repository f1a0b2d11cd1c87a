import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { cli, readJson, startCli, temporaryFolder } from '../cli.ts';

const folder = temporaryFolder();
const TEXT = 'when;in;out\n0;10;2\n1.5;20;3\n';
const MAP = ['--map', 'arrival=when:s,input=in,output=out'];
const trace = join(folder, 'trace.csv');
writeFileSync(trace, TEXT);

describe('standard input', () => {
  it('is a trace for run and trace, read as often as it has to be, and nothing is left of it', async () => {
    const { child, result } = startCli(
      ['run', '-', ...MAP, '--speed', '10', '--clock', 'virtual', '--out', join(folder, 'run')],
      { TMPDIR: folder },
      undefined,
      gzipSync(TEXT),
    );
    const { code, stderr } = await result;
    assert.equal(code, 0, stderr);
    assert.ok(child.exitCode === 0);
    const { workload, command } = readJson(folder, 'run', 'run.json');
    assert.ok(typeof workload === 'object' && workload !== null && 'path' in workload && 'map' in workload);
    assert.equal(workload.map, 'arrival=when:s,input=in,output=out');
    assert.ok(Array.isArray(command));
    assert.deepEqual(command.slice(0, 3), ['reprise', 'run', '-']);
    assert.equal(existsSync(dirname(String(workload.path))), false, 'the temporary folder is removed');
    // A rerun cannot have it.
    const again = await cli('rerun', join(folder, 'run'), '--out', join(folder, 'again'));
    assert.deepEqual([again.code, /standard input, which is not kept/.test(again.stderr)], [2, true], again.stderr);
  });
});

it('trace convert writes a trace, and inspect reads it alike; options of another action are refused', async () => {
  const out = join(folder, 'out.rtrace.jsonl.gz');
  const { code, stdout, stderr } = await cli('trace', 'convert', trace, out, ...MAP, '--speed', '2', '--quiet');
  assert.equal(code, 0, stderr);
  assert.equal(stdout, `${out}: 2 requests as native\n`);
  const found = await cli('trace', 'inspect', out, '--json');
  const inspection: unknown = JSON.parse(found.stdout);
  assert.ok(
    typeof inspection === 'object' && inspection !== null && 'duration_s' in inspection && 'format' in inspection,
  );
  assert.deepEqual([inspection.format, inspection.duration_s], ['rtrace', 0.75]);

  const before = readFileSync(trace);
  const wrong = await cli('trace', 'convert', out, trace);
  assert.deepEqual([wrong.code, /does not say that Reprise wrote it/.test(wrong.stderr)], [2, true], wrong.stderr);
  assert.deepEqual(readFileSync(trace), before);
  const other = await cli('trace', 'inspect', trace, '--to', 'azure');
  assert.deepEqual(
    [other.code, /--to: trace inspect has no such option; trace convert, .* has it/.test(other.stderr)],
    [2, true],
  );
});
