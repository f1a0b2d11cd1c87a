import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { UserError } from '../../src/core/errors.ts';
import { run } from '../../src/run/program.ts';
import type { PlacedOption, RunOptions } from '../../src/run/run-options.ts';
import { NEEDS } from '../../src/run/unused-options.ts';
import { temporaryFolder } from '../cli.ts';

const folder = temporaryFolder();

/** A value of every option that is taken to do something in virtual time, or to be refused. */
const SAMPLES: Readonly<Partial<Record<PlacedOption, (dir: string) => unknown>>> = {
  target: () => 'reference:sglang,model=llama-3.1-8b,gpu=h100-sxm',
  clock: () => 'real',
  handover: () => 'vllm',
  start: () => 'true',
  ready: () => 'http://127.0.0.1:9/health',
  traceIterations: (dir) => join(dir, 'iterations.jsonl'),
  slo: () => 'ttft=1ms',
  at: () => '50%',
  warmup: () => '200ms',
  cooldown: () => '200ms',
  probe: (dir) => join(dir, 'probe.json'),
  timeout: () => '1ms',
  ttftTimeout: () => '1ms',
  maxInFlight: () => 1,
  workers: () => 2,
  out: (dir) => join(dir, 'elsewhere'),
};

/** What a run in virtual time comes to: its figures, its warnings and its files, or why it is refused. */
async function outcomeOf(name: string, change: (dir: string) => object): Promise<string> {
  const dir = join(folder, name);
  mkdirSync(dir);
  const warnings: string[] = [];
  const log = { info: () => undefined, warn: (text: string) => void warnings.push(text) };
  const options: RunOptions = {
    workload: 'chat',
    limit: 30,
    speed: 5,
    target: 'reference:vllm-v1,model=llama-3.1-8b,gpu=h100-sxm',
    clock: 'virtual',
    slo: 'ttft=20ms,tpot=6ms',
    out: join(dir, 'run'),
    ...change(dir),
  };
  try {
    const { summary } = await run(options, { log });
    return JSON.stringify([{ ...summary, run_id: '' }, warnings, readdirSync(dir)]);
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    return thrown.message;
  }
}

describe('an option of which no run warns', () => {
  let plain: string | null = null;

  it('is what changes a run: the same comes to the same', async () => {
    plain = await outcomeOf('plain', () => ({}));
    assert.equal(await outcomeOf('again', () => ({ salt: undefined })), plain);
    assert.match(plain, /"requests":/);
  });

  it('has a sample', () => {
    const quiet = Object.entries(NEEDS).flatMap(([name, need]) => (need === null ? [name] : []));
    assert.deepEqual(Object.keys(SAMPLES).toSorted(), quiet.toSorted());
  });

  for (const [name, sample] of Object.entries(SAMPLES))
    it(`does something in virtual time, or is refused: ${name}`, async () => {
      const other = await outcomeOf(name, (dir) => ({ [name]: sample(dir) }));
      assert.notEqual(other, plain);
    });
});
