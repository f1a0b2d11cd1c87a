import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { extname, join } from 'node:path';
import { UserError } from '../core/errors.ts';

export interface EngineProcess {
  readonly url: URL;
  /** Resolves with a sentence when the process has ended by itself. */
  readonly gone: Promise<string>;
  close(): Promise<void>;
}

/** Where both want a core, the client goes first: its times are what is measured, the engine's lateness shows in them. */
const ENGINE_NICENESS = 5;

/**
 * The reference engine in a process of its own, so that it shares no event loop with the client that measures it. It
 * ends with its parent, however that ends: the channel between them closes.
 */
export function startEngine(
  system: string,
  traceIterations: string | null,
  dialect: 'vllm' | 'sglang',
): Promise<EngineProcess> {
  const cli = join(import.meta.dirname, '..', `cli${extname(import.meta.filename)}`);
  const trace = traceIterations === null ? [] : ['--trace-iterations', traceIterations];
  const of = system === '' ? [] : ['--system', system];
  const args = ['engine', 'serve', ...of, '--dialect', dialect, '--port', '0', '--quiet', ...trace];
  const child = spawn(process.execPath, [cli, ...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // Ctrl-C reaches the whole foreground group: the engine must outlive it, to answer what is in flight.
    detached: true,
  });
  if (child.pid !== undefined) setPriority(child.pid, ENGINE_NICENESS);
  let stderr = '';
  child.stderr?.on('data', (text: Buffer) => (stderr = (stderr + text.toString()).slice(-2000)));
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) =>
      resolve(`it ended with ${signal ?? `exit code ${code}`}${stderr === '' ? '' : `: ${stderr.trim()}`}`),
    );
  });
  return new Promise((resolve, reject) => {
    child.once('message', (message) => {
      if (typeof message !== 'object' || message === null || !('url' in message) || typeof message.url !== 'string')
        return;
      const close = async (): Promise<void> => {
        if (child.connected) child.disconnect();
        await ended;
      };
      resolve({ url: new URL(message.url), gone: ended, close });
    });
    void ended.then((how) => reject(new UserError(`the reference engine did not start: ${how}`)));
  });
}
