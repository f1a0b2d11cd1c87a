import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { EXIT, messageOf, UserError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { stoppedError } from '../core/stop.ts';
import { formatMs } from '../core/units.ts';
import { machineUs } from '../core/wall-clock.ts';
import { withoutQueryValues } from '../core/secrets.ts';
import { pagePaths, pathBelow, urlAt, type ServerAccess } from '../replay/transport.ts';
import type { StartedProcess } from '../schema/manifest.ts';
import { statusOnce } from './http-once.ts';
import { openServerLog, tailOf } from './server-log.ts';
import { startWatched } from './watched-group.ts';

/** Of a command that went well and is over: it has made a daemon, or put a server behind it. */
const STAYS = '; give a command that stays until its server ends';
const HEALTH = '/health';
const CHECK_EVERY_MS = 250;
const CHECK_PATIENCE_MS = 5000;
const LOG_EVERY_MS = 10_000;
/** Between SIGTERM and SIGKILL once this process was interrupted itself: `docker stop` waits 10 s for everything. */
const INTERRUPTED_GRACE_MS = 2500;
const LINES_SHOWN = 10;
/** Of a log, in which the last lines are looked for. */
const TAIL_BYTES = 64 * 2 ** 10;

export interface StartOptions {
  /** For the shell. */
  readonly command: string;
  /** Has to answer 2xx; null: `/health` of every target, or any answer where there is no such route. */
  readonly ready: URL | null;
  readonly targets: readonly ServerAccess[];
  readonly timeoutUs: number;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  /** Its output goes here, without keys: a file that is not there yet. */
  readonly logFile: string;
  readonly keys: readonly string[];
}

export interface StartedServer {
  readonly started: StartedProcess | null;
  /** Resolves with a sentence when it has ended by itself. */
  readonly gone: Promise<string>;
  /** Ends it and all that it has started. */
  stop(): Promise<void>;
}

/**
 * Starts the server under test in a process group of its own and waits until it answers. Throws a UserError with the
 * end of its log if it does not; then it does not run any more. `log` gets a line every ten seconds.
 */
export async function startServer(options: StartOptions, log: Log, interrupt: AbortSignal): Promise<StartedServer> {
  const url = shownReadyUrl(options);
  if ((await notReadyBecause(options, interrupt)) === null)
    throw new UserError(
      `--start: ${url} answers already, and it would be measured in place of what is started; end it, or leave out --start`,
    );
  if (interrupt.aborted) throw stoppedError(interrupt);
  const { command, logFile, graceMs, keys } = options;
  const { started, ended, stop: stopWithin } = startWatched(command, openServerLog(logFile, keys));
  const stop = (): Promise<void> =>
    stopWithin(() => (interrupt.aborted ? Math.min(graceMs, INTERRUPTED_GRACE_MS) : graceMs));
  try {
    await waitUntilReady(options, url, ended, log, interrupt);
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return { started, gone: ended.then((how) => `the server that --start started is gone: it ${how}`), stop };
}

async function waitUntilReady(
  options: StartOptions,
  url: string,
  ended: Promise<string>,
  log: Log,
  interrupt: AbortSignal,
): Promise<void> {
  const { timeoutUs, logFile } = options;
  const startUs = machineUs();
  const failure = (what: string): UserError =>
    new UserError(`--start: ${what}\n${lastLines(logFile)}`, { exitCode: EXIT.unreachable });
  let over: string | null = null;
  void ended.then((how) => (over = `the server ${how} before it answered${how.endsWith('exit code 0') ? STAYS : ''}`));
  let loggedMs = 0;
  for (;;) {
    const why = await notReadyBecause(options, interrupt);
    const waitedMs = (machineUs() - startUs) / 1000;
    if (over !== null) throw failure(over);
    if (why === null) {
      log.info(`the server answers after ${formatMs(waitedMs)}`);
      return;
    }
    if (interrupt.aborted) throw failure(`${messageOf(interrupt.reason)} while the server started`);
    if (waitedMs * 1000 >= timeoutUs)
      throw failure(
        `the server did not answer within ${formatMs(timeoutUs / 1000)} (${url}: ${why}); give it longer with --start-timeout, or name what answers with --ready`,
      );
    if (waitedMs - loggedMs >= LOG_EVERY_MS) {
      loggedMs = waitedMs;
      log.info(`the server is starting: ${formatMs(waitedMs)}, ${why}`);
    }
    await Promise.race([ended, sleep(CHECK_EVERY_MS, undefined, { signal: interrupt }).catch(() => undefined)]);
  }
}

function shownReadyUrl({ ready, targets }: StartOptions): string {
  if (ready !== null) return withoutQueryValues(ready.href);
  return targets.map((target) => urlAt(target, pathBelow(target, HEALTH)).href).join(', ');
}

/** Why the server does not answer yet; null once all of it does. */
async function notReadyBecause({ ready, targets }: StartOptions, stop: AbortSignal): Promise<string | null> {
  for (const target of targets) {
    const why = await unansweredBecause(ready, target, stop);
    if (why !== null || ready !== null) return targets.length === 1 ? why : why && `${target.url.href}: ${why}`;
  }
  return null;
}

async function unansweredBecause(ready: URL | null, target: ServerAccess, stop: AbortSignal): Promise<string | null> {
  const urls = ready === null ? pagePaths(target, HEALTH).map((path) => urlAt(target, path)) : [ready];
  try {
    for (const url of urls) {
      const status = await statusOnce(url, { ...target, stop }, CHECK_PATIENCE_MS);
      if (status < 300) return null;
      const isAbsent = ready === null && (status === 404 || status === 405);
      if (!isAbsent) return `HTTP ${status}`;
    }
    // A server that has no such route is up all the same.
    return null;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

function lastLines(logFile: string): string {
  const lines = stripVTControlCharacters(tailOf(logFile, TAIL_BYTES)).trimEnd().split('\n').slice(-LINES_SHOWN);
  const shown = lines.join('\n') === '' ? 'it has printed nothing' : `its last lines:\n${lines.join('\n')}`;
  return `${shown}\n(all of it: ${logFile})`;
}
