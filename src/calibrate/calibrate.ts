import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AXIS_UNITS } from '../certificate/beyond.ts';
import { stoppedError } from '../core/stop.ts';
import { formatMs, withThousands } from '../core/units.ts';
import { machineUs } from '../core/wall-clock.ts';
import { openFilesLimit } from '../replay/descriptors.ts';
import { usualPath } from '../replay/transport.ts';
import { openTarget, type OpenTarget } from '../run/program.ts';
import type { RunHooks } from '../run/run.ts';
import { withWayOut, writeError } from '../runs/run-directory.ts';
import { POLLING, type Certificate, type LoadAxis, type Polling } from '../schema/certificate.ts';
import { certificateOf, verdictsOf, type Climbed } from './certificate.ts';
import { loadAt, nextRung, type Ladder } from './ladder.ts';
import type { Measured } from './measured.ts';
import { startTruthServer } from './server-process.ts';
import { runTrial, type Bench } from './trial.ts';
import { trialLoad } from './trial-load.ts';

/** How long a calibration measures, and at how many loads. */
export interface Effort {
  readonly isQuick: boolean;
  /** A machine times a load if the p99 of timestamp error and of lateness stay within this. */
  readonly limitMs: number;
  /** The measured part of a trial. */
  readonly windowS: number;
  readonly ladders: readonly { readonly axis: LoadAxis; readonly polls: readonly Polling[]; readonly ladder: Ladder }[];
}

/** Two to five minutes. Polling is of no use to streams that are all but silent. */
export const FULL: Effort = {
  isQuick: false,
  limitMs: 1,
  windowS: 1.5,
  ladders: [
    { axis: 'tokens_per_s', polls: POLLING, ladder: { first: 5000, most: 160_000, fineness: 2, repetitions: 3 } },
    { axis: 'requests_per_s', polls: POLLING, ladder: { first: 250, most: 16_000, fineness: 2, repetitions: 3 } },
    { axis: 'streams', polls: ['off'], ladder: { first: 1000, most: 16_000, fineness: 1, repetitions: 2 } },
  ],
};

/** Half a minute: a look at a machine, to within a factor of two. */
export const QUICK: Effort = {
  isQuick: true,
  limitMs: 1,
  windowS: 0.5,
  ladders: [
    { axis: 'tokens_per_s', polls: POLLING, ladder: { first: 5000, most: 40_000, fineness: 0, repetitions: 1 } },
    { axis: 'requests_per_s', polls: POLLING, ladder: { first: 500, most: 4000, fineness: 0, repetitions: 1 } },
    { axis: 'streams', polls: ['off'], ladder: { first: 500, most: 2000, fineness: 0, repetitions: 1 } },
  ],
};

/** Before the first trial: the code of both processes is compiled by then. */
const WARM_UP = { axis: 'tokens_per_s', offered: 10_000 } as const;
/** Connections that a process opens besides its streams, and files. */
const OTHER_FILES = 300;

/**
 * Measures what this machine can measure: the client of a run, with its record store and all, against a server in a
 * process of its own whose tokens say when they were written. Loads grow until the p99 of timestamp error or lateness
 * leaves 1 ms. `step`: is told what goes on. Rejects with a UserError when `hooks.stop` aborts.
 */
export async function calibrate(effort: Effort, hooks: RunHooks, step: (what: string) => void): Promise<Certificate> {
  const startUs = machineUs();
  const calibratedAt = hooks.nowIso();
  const folder = temporaryFolder();
  const server = await startTruthServer(hooks.stop).catch((thrown: unknown) => {
    rmSync(folder, { recursive: true, force: true });
    throw thrown;
  });
  const targets = new Map<Polling, OpenTarget>();
  try {
    for (const poll of POLLING) targets.set(poll, await openTarget({ target: server.url, ...DIALECT, poll }, hooks));
    const climbed = await climbAll(effort, { server, folder, hooks }, targets, step);
    return certificateOf(climbed, {
      calibratedAt,
      tookS: Math.round((machineUs() - startUs) / 1e5) / 10,
      isQuick: effort.isQuick,
      transport: usualPath({ url: new URL(server.url) }),
      limitMs: effort.limitMs,
    });
  } catch (thrown) {
    throw withWayOut(thrown, OTHER_TMPDIR);
  } finally {
    for (const target of targets.values()) await target.close();
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const OTHER_TMPDIR = 'set TMPDIR to a folder with room';

/** Of the trials. */
function temporaryFolder(): string {
  const folder = join(tmpdir(), 'reprise-calibrate-');
  try {
    return mkdtempSync(folder);
  } catch (error) {
    throw withWayOut(writeError(folder, error), OTHER_TMPDIR);
  }
}

const DIALECT = { adapter: 'openai', endpoint: 'completions', model: 'truth' } as const;

async function climbAll(
  { ladders, windowS, limitMs }: Effort,
  bench: Bench,
  targets: ReadonlyMap<Polling, OpenTarget>,
  step: (what: string) => void,
): Promise<Climbed[]> {
  let trials = 0;
  const trial = (axis: LoadAxis, poll: Polling, offered: number): Promise<Measured> => {
    const target = targets.get(poll);
    if (target === undefined) throw new Error(`no target is open with --poll ${poll}`);
    if (bench.hooks.stop.aborted) throw stoppedError(bench.hooks.stop);
    return runTrial(target, trialLoad(axis, offered, windowS), bench, `trial-${trials++}`);
  };
  step('the code is run once');
  for (const poll of POLLING) await trial(WARM_UP.axis, poll, WARM_UP.offered);
  const climbed: Climbed[] = [];
  for (const { axis, polls, ladder: asked } of ladders) {
    const ladder = axis === 'streams' ? upTo(asked, mostStreams()) : asked;
    const ofAxis = polls.map((poll) => ({ axis, poll, ladder, trials: new Map<number, Measured[]>() }));
    // Both ladders a rung at a time, in turn: what the machine does meanwhile happens to both.
    for (let isOver = false; !isOver;) {
      isOver = true;
      for (const { poll, trials: of } of ofAxis) {
        const rung = nextRung(ladder, verdictsOf(of, limitMs));
        if (rung === null) continue;
        isOver = false;
        const measured = await trial(axis, poll, loadAt(ladder, rung));
        of.set(rung, [...(of.get(rung) ?? []), measured]);
        step(trialText(axis, poll, loadAt(ladder, rung), measured));
      }
    }
    climbed.push(...ofAxis);
  }
  return climbed;
}

function trialText(
  axis: LoadAxis,
  poll: Polling,
  offered: number,
  { errorUs, latenessMs, serverShare }: Measured,
): string {
  const server = serverShare < 0.995 ? `, the server wrote ${Math.round(serverShare * 100)} % of what was due` : '';
  return `${withThousands(offered)} ${AXIS_UNITS[axis]}, polling ${poll}: token times p99 ${formatMs(errorUs.p99 / 1000)} late, requests p99 ${formatMs(latenessMs.p99)}${server}`;
}

function upTo(ladder: Ladder, most: number): Ladder {
  return { ...ladder, first: Math.min(ladder.first, most), most: Math.min(ladder.most, most) };
}

/** Streams that a process may have open by the system's limit of files; client and server have one each. */
function mostStreams(): number {
  return Math.max(1, openFilesLimit() - OTHER_FILES);
}
