import { spawn } from 'node:child_process';
import { extname, join } from 'node:path';
import { withCompileCache } from '../core/compile-cache.ts';
import { letGiveWay } from '../core/give-way.ts';
import { EXIT, UserError } from '../core/errors.ts';
import { unlessStopped } from '../core/stop.ts';
import type { EngineDialect } from '../engine/server/index.ts';
import type { StartedProcess } from '../schema/manifest.ts';
import { describeStarted } from '../runs/started-process.ts';
import type { TargetEnd } from './session.ts';

export interface EngineProcess {
  readonly url: URL;
  readonly started: StartedProcess | null;
  /** Resolves when the process has ended by itself. */
  readonly gone: Promise<TargetEnd>;
  close(): Promise<void>;
}

/** The process is killed if it has not ended so long after it was told to. */
const END_WITHIN_MS = 3000;

export interface EngineProcessOptions {
  /** The system, as after `reference:`. */
  readonly system: string;
  readonly dialect: EngineDialect;
  readonly traceIterations: string | null;
  /** When it aborts, starting ends, and the process with it. */
  readonly stop: AbortSignal;
}

/**
 * Starts the reference engine in a process of its own, so that it shares no event loop with the client that measures
 * it. It ends with its parent, even if the parent is killed: the channel between them closes.
 */
export async function startEngine(options: EngineProcessOptions): Promise<EngineProcess> {
  const { system, dialect, traceIterations, stop } = options;
  const cli = join(import.meta.dirname, '..', `cli${extname(import.meta.filename)}`);
  const trace = traceIterations === null ? [] : ['--trace-iterations', traceIterations];
  const of = system === '' ? [] : ['--system', system];
  const args = ['engine', 'serve', ...of, '--dialect', dialect, '--port', '0', '--quiet', ...trace];
  const child = spawn(process.execPath, [cli, ...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: withCompileCache(),
    // Ctrl-C reaches the whole foreground group: the engine must outlive it, to finish the requests in flight.
    detached: true,
  });
  // The times of the client are the measurement, and the engine's lateness shows in them.
  letGiveWay(child.pid);
  const started = child.pid === undefined ? null : describeStarted(child.pid, ['reprise', ...args].join(' '));
  let stderr = '';
  child.stderr?.on('data', (text: Buffer) => (stderr = (stderr + text.toString()).slice(-2000)));
  const ended = new Promise<TargetEnd>((resolve) => {
    child.once('error', (error) => resolve({ why: error.message, isFault: false }));
    child.once('exit', (code, signal) =>
      resolve({
        why: `it ended with ${signal ?? `exit code ${code}`}${stderr === '' ? '' : `: ${stderr.trim()}`}`,
        isFault: code === EXIT.fault,
      }),
    );
  });
  const close = async (): Promise<void> => {
    if (child.connected) child.disconnect();
    const killer = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS);
    await ended;
    clearTimeout(killer);
  };
  const listening = new Promise<EngineProcess>((resolve, reject) => {
    child.once('message', (message) => {
      if (typeof message !== 'object' || message === null || !('url' in message) || typeof message.url !== 'string')
        return;
      resolve({
        url: new URL(message.url),
        started,
        gone: ended.then(({ why, isFault }) => ({ why: `the reference engine is gone: ${why}`, isFault })),
        close,
      });
    });
    void ended.then(({ why, isFault }) => {
      const sentence = `the reference engine did not start: ${why}`;
      reject(isFault ? new Error(sentence) : new UserError(sentence));
    });
  });
  try {
    return await unlessStopped(listening, stop);
  } catch (thrown) {
    await close();
    throw thrown;
  }
}
