import { setTimeout as sleep } from 'node:timers/promises';
import { isElsewhere, thisHost } from './owner.ts';
import { groupRuns, pidNamespace, processState } from './processes.ts';
import type { Manifest, StartedProcess } from '../schema/manifest.ts';

/** What `run.json` keeps of a process that leads a group of its own; `command`: without keys. */
export function describeStarted(pid: number, command: string): StartedProcess {
  return {
    command,
    pid,
    start_ticks: processState(pid)?.startTicks ?? null,
    boot_id: thisHost().boot_id,
    pid_namespace: pidNamespace(),
  };
}

type Owner = Pick<Manifest, 'host'>;

/** Whether it runs, or a process of its group; null: that cannot be told from here. */
function stillRuns(started: StartedProcess, { host }: Owner): boolean | null {
  const { pid, start_ticks, boot_id, pid_namespace } = started;
  if (start_ticks === null || boot_id === null || (host !== undefined && isElsewhere({ host }))) return null;
  if (boot_id !== thisHost().boot_id) return false;
  if (pid_namespace !== pidNamespace()) return null;
  const leader = processState(pid);
  // An id is not given again while its group has a process.
  if (leader !== null && leader.startTicks !== start_ticks) return false;
  return groupRuns(pid);
}

/** How long what was started may take to end after its client was killed (`serving/watched-group.ts`). */
const ENDS_WITHIN_MS = 4000;
const LOOK_MS = 100;

/** What has become of the process that a killed client had started, in a sentence; null: it had started none. */
export async function startedFate({ started, ...owner }: Owner & Pick<Manifest, 'started'>): Promise<string | null> {
  if (started === undefined) return null;
  let runs = stillRuns(started, owner);
  for (let waitedMs = 0; runs === true && waitedMs < ENDS_WITHIN_MS; waitedMs += LOOK_MS) {
    await sleep(LOOK_MS);
    runs = stillRuns(started, owner);
  }
  const what = `what it had started (${started.command}; process ${started.pid})`;
  if (runs === null) return `whether ${what} still runs cannot be told from here`;
  return runs ? `${what} still runs: end it with "kill -- -${started.pid}"` : `${what} has ended`;
}
