import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { withoutCommandKeys } from '../core/command-keys.ts';
import { processesStartedWith } from '../runs/processes.ts';
import { describeStarted } from '../runs/started-process.ts';
import type { StartedProcess } from '../schema/manifest.ts';
import type { ServerLog } from './server-log.ts';

/**
 * The shell of the command waits for a line on a pipe: a client that is killed before it has a watcher starts nothing.
 * Then it becomes the shell that the command asks for.
 */
const HELD = 'read -r go <&3 || exit; exec 3<&-; exec /bin/sh -c "$1"';

/**
 * A variable of the environment that holds a word for each client above: all that a command starts inherits it, also what
 * leaves its group, as a server does that makes a daemon of itself.
 */
const MARK = 'REPRISE_STARTED_BY';

/**
 * The watcher has the other end of a pipe of the client. The line `over`: all have ended. `group`: the group $1 has, and
 * its id may be another's. The end of the pipe: the client was killed, and the group and all that are marked with $2 go
 * with it, by SIGTERM and within 2.5 s by SIGKILL. Its own session keeps Ctrl-C away.
 */
const WATCHER = `trap "" HUP INT TERM
group=-$1 mark=$2
strays() {
  for file in $(grep -lsF -e "$mark" /proc/[0-9]*/environ); do
    pid=\${file#/proc/} pid=\${pid%/environ}
    stat=$(cat "/proc/$pid/stat") || continue
    set -- \${stat##*) }
    [ "-$3" = "$group" ] || echo "$pid"
  done
}
each() {
  sent=1
  [ -n "$group" ] && kill -s "$1" -- "$group" && sent=0
  for pid in $found; do kill -s "$1" "$pid" && sent=0; done
  return "$sent"
}
while read -r line; do
  [ "$line" = over ] && exit
  group=
done
found=$(strays)
each TERM || exit
i=0
while [ "$i" -lt 25 ] && each 0; do sleep 0.1; i=$((i + 1)); done
found=$(strays)
each KILL`;

/** A process with much memory takes a moment to end. */
const AFTER_KILL_MS = 5000;
const LOOK_MS = 20;

/** A shell command in a process group of its own, which ends with this process, however that ends, with all that it starts. */
export interface WatchedGroup {
  /** Null: it could not be started. */
  readonly started: StartedProcess | null;
  /** How the command has ended by itself; what it started may go on. */
  readonly ended: Promise<string>;
  /** SIGTERM to all of them, and SIGKILL where one has not ended within `graceMs`, which may get less meanwhile. */
  stop(graceMs: () => number): Promise<void>;
}

/** `log`: for the output of the command. */
export function startWatched(command: string, log: ServerLog): WatchedGroup {
  const mark = randomUUID();
  const above = process.env[MARK];
  // Detached: the leader of a group of its own, which Ctrl-C does not reach, so that it can answer what is in flight.
  const child = spawn('/bin/sh', ['-c', HELD, 'sh', command], {
    detached: true,
    env: { ...process.env, [MARK]: above === undefined ? mark : `${above} ${mark}` },
    stdio: ['ignore', log.fd, log.fd, 'pipe'],
  });
  log.release();
  const { pid } = child;
  const watcher = pid === undefined ? null : startWatcher(pid, mark);
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    watcher?.once('error', (error) => resolve(`could not be watched: ${error.message}`));
    child.once('exit', (code, signal) => resolve(`ended with ${signal ?? `exit code ${code}`}`));
  });
  // Who hears of the end reads the log.
  const ended = exited.then(async (how) => {
    await log.whole();
    return how;
  });
  let isGroupOver = false;
  const signalGroup = (name: NodeJS.Signals | 0): boolean => {
    if (pid === undefined || isGroupOver) return false;
    if (wasSent(-pid, name)) return true;
    isGroupOver = true;
    watcher?.stdin?.write('group\n');
    return false;
  };
  const strays = () => processesStartedWith(mark).filter(({ state: { group } }) => isGroupOver || group !== pid);
  /** To the group, and to what has left it. */
  const signal = (name: NodeJS.Signals): void => {
    signalGroup(name);
    for (const each of strays()) wasSent(each.pid, name);
  };
  child.once('exit', () => void signalGroup(0));
  const hold = child.stdio[3];
  if (hold !== null && hold !== undefined && 'end' in hold) {
    hold.on('error', () => undefined);
    if (watcher?.pid === undefined) hold.destroy();
    else hold.end('\n', () => hold.destroy());
  }
  const isGoneWithin = async (limitMs: () => number): Promise<boolean> => {
    for (let waitedMs = 0; signalGroup(0) || strays().length > 0; waitedMs += LOOK_MS) {
      if (waitedMs >= limitMs()) return false;
      await sleep(LOOK_MS);
    }
    return true;
  };
  return {
    started: pid === undefined ? null : describeStarted(pid, withoutCommandKeys(command)),
    ended,
    async stop(graceMs) {
      signal('SIGTERM');
      if (!(await isGoneWithin(graceMs))) {
        signal('SIGKILL');
        await isGoneWithin(() => AFTER_KILL_MS);
      }
      await log.whole();
      watcher?.stdin?.end('over\n');
    },
  };
}

/** Whether there is such a process, or a group of its id below 0. */
function wasSent(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

function startWatcher(group: number, mark: string) {
  const watcher = spawn('/bin/sh', ['-c', WATCHER, 'reprise-watcher', String(group), mark], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // It goes when this process goes, and keeps nobody waiting.
  watcher.unref();
  watcher.stdin.on('error', () => undefined);
  return watcher;
}
