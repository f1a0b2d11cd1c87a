import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { withoutCommandKeys } from '../core/command-keys.ts';
import { describeStarted } from '../runs/started-process.ts';
import type { StartedProcess } from '../schema/manifest.ts';
import type { ServerLog } from './server-log.ts';

/**
 * The shell of the command waits for a line on a pipe: a client that is killed before it has a watcher starts nothing.
 * Then it becomes the shell that the command asks for.
 */
const HELD = 'read -r go <&3 || exit; exec 3<&-; exec /bin/sh -c "$1"';

/**
 * The watcher has the other end of a pipe of the client. A line on it: the group has ended. Its end without one: the client
 * was killed, and the group $1 goes with it, by SIGTERM and within 2.5 s by SIGKILL. Its own session keeps Ctrl-C away.
 */
const WATCHER = `trap "" HUP INT TERM
read -r done && exit
kill -s TERM -- "-$1" || exit
i=0
while [ "$i" -lt 25 ] && kill -s 0 -- "-$1"; do sleep 0.1; i=$((i + 1)); done
kill -s KILL -- "-$1"`;

/** A process with much memory takes a moment to end. */
const AFTER_KILL_MS = 5000;
const LOOK_MS = 20;

/** A shell command in a process group of its own, which ends with this process, however that ends. */
export interface WatchedGroup {
  /** Null: it could not be started. */
  readonly started: StartedProcess | null;
  /** How the command has ended by itself; what it started may go on. */
  readonly ended: Promise<string>;
  /** SIGTERM to all of the group, and SIGKILL where it has not ended within `graceMs`, which may get less meanwhile. */
  stop(graceMs: () => number): Promise<void>;
}

/** `log`: for the output of the command. */
export function startWatched(command: string, log: ServerLog): WatchedGroup {
  // Detached: the leader of a group of its own, which Ctrl-C does not reach, so that it can answer what is in flight.
  const child = spawn('/bin/sh', ['-c', HELD, 'sh', command], {
    detached: true,
    stdio: ['ignore', log.fd, log.fd, 'pipe'],
  });
  log.release();
  const { pid } = child;
  const watcher = pid === undefined ? null : startWatcher(pid);
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
  const signal = (name: NodeJS.Signals | 0): boolean => {
    try {
      return pid !== undefined && process.kill(-pid, name);
    } catch {
      return false; // no process is left
    }
  };
  const release = (): void => void watcher?.stdin?.end('\n');
  // Once nothing is left, the id of the group may be another's.
  child.once('exit', () => void (signal(0) || release()));
  const hold = child.stdio[3];
  if (hold !== null && hold !== undefined && 'end' in hold) {
    hold.on('error', () => undefined);
    if (watcher?.pid === undefined) hold.destroy();
    else hold.end('\n', () => hold.destroy());
  }
  const isGoneWithin = async (limitMs: () => number): Promise<boolean> => {
    for (let waitedMs = 0; signal(0); waitedMs += LOOK_MS) {
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
      release();
    },
  };
}

function startWatcher(group: number) {
  const watcher = spawn('/bin/sh', ['-c', WATCHER, 'reprise-watcher', String(group)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // It goes when this process goes, and keeps nobody waiting.
  watcher.unref();
  watcher.stdin.on('error', () => undefined);
  return watcher;
}
