import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { randomStream, uniform } from '../../src/core/random.ts';
import { cli, temporaryFolder } from '../cli.ts';
import { readSummary } from '../written-files.ts';

const SESSIONS = 200;
const LANES = 10;

/** Sessions of three turns, seconds apart, every second one of class `chat`. */
function trace(): string {
  const random = randomStream(1, 'sessions of a test');
  const rows = Array.from({ length: SESSIONS }, (_, session) => {
    let t_us = session * 1e6;
    return Array.from({ length: 3 }, (_turn, turn) => {
      t_us += Math.round(1e6 + uniform(random) * 8e6);
      const input_tokens = Math.round(200 + uniform(random) * 800);
      return {
        id: `${session}-${turn}`,
        t_us,
        input_tokens,
        output_tokens: 40,
        session: `s${session}`,
        turn,
        class: session % 2 === 0 ? 'chat' : 'batch',
      };
    });
  }).flat();
  const lines = [{ reprise_trace: 1 }, ...rows.toSorted((a, b) => a.t_us - b.t_us)];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

describe('sessions by class in virtual time', () => {
  const folder = temporaryFolder();
  const path = join(folder, 'sessions.jsonl');
  const run = async (out: string, ...options: string[]) => {
    writeFileSync(path, trace());
    const target = 'reference:vllm-v1,model=llama-3.1-8b,gpu=h100-sxm';
    const given = ['run', path, '--target', target, '--clock', 'virtual', '--sessions', 'think', '--out', out];
    return cli(...given, ...options);
  };

  it('end as many an hour as lanes hold by their mean duration, within 5 %', async () => {
    const out = join(folder, 'lanes');
    const { code, stderr, stdout } = await run(
      out,
      '--concurrent-sessions',
      String(LANES),
      '--slo',
      'chat:ttft=1s,itl.p99=1ms;batch:e2e=30s',
    );
    assert.equal(code, 0, stderr);
    const { sessions, slo } = readSummary(out);
    assert.deepEqual([sessions?.scheduled, sessions?.finished, sessions?.pushed_back_s], [SESSIONS, SESSIONS, null]);
    const expected = (LANES * 3600) / (sessions?.mean_duration_s ?? Number.NaN);
    assert.ok(Math.abs((sessions?.jobs_per_h ?? 0) / expected - 1) < 0.05);
    assert.deepEqual(
      slo?.by_class?.map(({ class: name, requests, attainment: { joint } }) => [name, requests, joint]),
      [
        ['chat', 300, 0],
        ['batch', 300, 1],
      ],
    );
    assert.deepEqual([slo?.binding, slo?.binding_class, sessions?.attainment], ['itl.p99', 'chat', 0.5]);
    assert.match(stdout, /class chat \(binds\)/);
    const page = readFileSync(join(out, 'report.html'), 'utf8');
    assert.match(page, /The SLO by class/);
    assert.match(page, /sessions-shown/);
  });

  it('are refused limits for a class that the trace does not have', async () => {
    const { code, stderr } = await run(join(folder, 'refused'), '--slo', 'code:ttft=1s');
    assert.equal(code, 2);
    assert.match(stderr, /no request is of class "code"; the trace has (?:chat, batch|batch, chat)/);
  });
});
