import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { UserError } from '../../src/core/errors.ts';
import type { PlanStats } from '../../src/core/plan.ts';
import { describeProbe, readProbe, tellProbe } from '../../src/run/probe-file.ts';
import type { ProbeWorkload } from '../../src/schema/probe.ts';
import { parseTarget } from '../../src/target/target-spec.ts';
import { temporaryFolder } from '../cli.ts';
import { exampleProbe } from '../probe/example-probe.ts';

const folder = temporaryFolder();
let files = 0;
function written(content: unknown): string {
  const file = join(folder, `probe-${files++}.json`);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

const TARGET = parseTarget('http://127.0.0.1:8000');
const refuses = (file: string, why: RegExp, target = TARGET): void =>
  assert.throws(
    () => readProbe(file, target),
    (thrown) => {
      assert.ok(thrown instanceof UserError && thrown.exitCode === 2, String(thrown));
      assert.match(thrown.message, why);
      assert.ok(thrown.message.startsWith(`--probe ${file}: `), thrown.message);
      return true;
    },
  );

describe('--probe FILE', () => {
  it('takes a probe of the same server, whatever the path of the URL', () => {
    const file = written(exampleProbe());
    assert.deepEqual(readProbe(file, TARGET), { file, report: exampleProbe() });
    assert.equal(readProbe(file, parseTarget('http://127.0.0.1:8000/v1/completions')).report.server.model, 'tiny');
  });

  it('takes a probe of any server of the target, by any name of this machine', () => {
    const file = written(exampleProbe());
    for (const target of [
      'http://localhost:8000',
      'http://127.0.0.1:9000+http://127.0.0.1:8000',
      'prefill=http://a:1,decode=http://127.0.0.1:8000',
    ])
      assert.equal(readProbe(file, parseTarget(target)).file, file, target);
    refuses(file, /and --target is prefill=/, parseTarget('prefill=http://a:8000,decode=http://b:8000'));
  });

  it('refuses one of another server, naming both', () => {
    const file = written(exampleProbe());
    const both =
      /is of http:\/\/127\.0\.0\.1:8000, and --target is http:\/\/127\.0\.0\.1:8001; .*reprise probe URL --out/;
    refuses(file, both, parseTarget('http://127.0.0.1:8001'));
    refuses(file, /--target reference:vllm-v1 starts its own; leave it out/, parseTarget('reference:vllm-v1'));
  });

  it('refuses what is no probe', () => {
    const { floor: _, ...withoutFloor } = exampleProbe();
    refuses(join(folder, 'none.json'), /cannot be read: ENOENT/);
    refuses(folder, /is a directory, expected a file/);
    refuses(written(JSON.stringify(exampleProbe()).slice(0, 200)), /damaged, or no probe/);
    refuses(written('✓ http://127.0.0.1:8000: vllm'), /damaged, or no probe/);
    refuses(written({ run_id: 'a', status: 'complete' }), /not a probe of this version of Reprise/);
    refuses(written(withoutFloor), /floor/);
    refuses(written({ ...exampleProbe(), schema: 2 }), /not a probe of this version of Reprise/);
    refuses(written({ ...exampleProbe(), url: 'here' }), /url is here/);
  });
});

describe('what a run keeps of its probe', () => {
  const workload: ProbeWorkload = {
    name: 't',
    transforms: [],
    plan_sha256: 'same',
    requests: 1,
    busiest_second: { requests: 1, from_s: 0 },
    carried_rps: 1,
    fits: 'nearly',
    longest_tokens: 1,
    fits_context: true,
  };
  const warnings = [
    { of: 'server', text: 'far away' },
    { of: 'workload', text: 'does not fit' },
  ] as const;
  const file = { file: 'p.json', report: exampleProbe({ workload, warnings: [...warnings] }) };
  const planOf = (digest: string): { stats: PlanStats } => ({ stats: { digest } as unknown as PlanStats });

  it('are its warnings: those of a workload in runs of that alone', () => {
    assert.deepEqual(describeProbe(file, planOf('same'), 'tiny').warnings, ['far away', 'does not fit']);
    assert.deepEqual(describeProbe(file, planOf('other'), 'tiny').warnings, ['far away']);
  });

  it('and that it asked for another model', () => {
    assert.deepEqual(describeProbe(file, planOf('other'), 'large').warnings, [
      'far away',
      'it asked for the model tiny, and this run for large',
    ]);
  });

  it('and it is said how old it is', () => {
    const told = (now: string, texts: string[] = []): string[] => {
      const log = {
        info: (text: string) => void texts.push(text),
        warn: (text: string) => void texts.push(`! ${text}`),
      };
      tellProbe(describeProbe(file, planOf('other'), 'tiny'), now, log);
      return texts;
    };
    assert.deepEqual(told('2026-11-29T23:00:00.000Z'), [
      '--probe p.json: made 13.0 h before this run',
      '! by the probe: far away',
    ]);
    assert.match(told('2026-11-29T09:00:00.000Z')[0] ?? '', /after this run, by its clock/);
  });
});
