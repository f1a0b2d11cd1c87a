import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { idPrefix } from '../core/request-id.ts';
import { planRun } from '../run/plan-run.ts';
import type { OpenTarget } from '../run/program.ts';
import { defineReplay } from '../run/run-options.ts';
import { record, type RunHooks } from '../run/run.ts';
import { readRecords } from '../runs/records.ts';
import { writeWhole } from '../runs/run-directory.ts';
import { measure, type Measured } from './measured.ts';
import type { TruthServer } from './server-process.ts';
import { traceText, type TrialLoad } from './trial-load.ts';

/** What every trial of a calibration has. */
export interface Bench {
  readonly server: TruthServer;
  /** Folder of the traces and the runs, each of which is removed once it is measured. */
  readonly folder: string;
  readonly hooks: RunHooks;
}

/** Runs a load as `reprise run` does, up to its records, and holds them against what the server wrote. */
export async function runTrial(target: OpenTarget, load: TrialLoad, bench: Bench, name: string): Promise<Measured> {
  const { server, folder, hooks } = bench;
  const [trace, dir] = [join(folder, `${name}.csv`), join(folder, name)];
  writeWhole(trace, traceText(load));
  try {
    const options = { workload: trace, out: dir, salt: 'calibrate' };
    const spec = { ...defineReplay(options, target.config, target.options), certificate: null };
    const plan = await planRun(spec, hooks);
    await server.begin(load.periodMs);
    const { manifest, fault } = await record(target.session, plan, dir, hooks);
    if (fault !== null) throw fault.error;
    const observed = {
      records: readRecords(dir),
      truth: await server.truth(),
      idPrefix: idPrefix(basename(dir)),
      zeroUs: manifest.client?.machine_zero_us ?? Number.NaN,
    };
    return await measure(observed, load);
  } finally {
    rmSync(trace, { force: true });
    rmSync(dir, { recursive: true, force: true });
  }
}
