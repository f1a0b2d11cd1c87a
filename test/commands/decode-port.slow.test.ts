import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import { cli, startCli, temporaryFolder } from '../cli.ts';
import { twoStepProxy } from '../two-step-proxy.ts';

const folder = temporaryFolder();

test('a run through a proxy, prompts on one port and decodes on the other: every token, every phase', async () => {
  const trace = join(folder, 'trace.csv');
  const rows = Array.from({ length: 20 }, (_, i) => `${(i * 0.02).toFixed(2)},${40 + i},${4 + (i % 5)}`);
  writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);
  const out = join(folder, 'run');
  const ports = ['--port', '0', '--decode-port', '0'];
  const engine = startCli(['engine', 'serve', '--system', 'vllm-pd,prefill=2,link=10gbps', ...ports]);
  try {
    const [said] = await once(engine.child.stdout ?? assert.fail('no output'), 'data');
    const [, prefillUrl = '', decodeUrl = ''] =
      /^listening for prompts on (\S+), for decodes on (\S+)\n$/.exec(String(said)) ?? [];
    const proxy = await twoStepProxy(prefillUrl, decodeUrl);
    const { code, stderr } = await cli('run', trace, '--target', proxy.url, '--out', out);
    await proxy.close();
    assert.equal(code, 0, stderr);
    // Every prompt was fetched: none is held still.
    for (const url of [prefillUrl, decodeUrl]) {
      const { running, waiting, usedBlocks } = JSON.parse(await (await fetch(`${url}/load`)).text());
      assert.deepEqual([running, waiting, usedBlocks], [0, 0, 0]);
    }
  } finally {
    engine.child.kill('SIGTERM');
  }
  // It ends at once, whatever it still has on its clock.
  assert.equal((await engine.result).code, 143);

  const connection = await (await DuckDBInstance.create()).connect();
  const exact = 'output_tokens = output_tokens_planned and len(token_times_us) = output_tokens_planned';
  // 10 Gbit/s: 131,072 bytes a token.
  const moved = 'transfer_us >= input_tokens * 104 and prefill_us > 1000 and decode_us > 1000';
  const found = await connection.runAndReadAll(
    `select count(*)::int, count(*) filter (outcome = 'ok' and ${exact})::int, count(*) filter (${moved})::int from '${out}/requests/*.parquet'`,
  );
  assert.deepEqual(found.getRows(), [[20, 20, 20]]);
});
