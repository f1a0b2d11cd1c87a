import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

export const CLI = join(import.meta.dirname, '..', 'src', 'cli.ts');

/** No test goes by what this machine was calibrated to. */
const NO_STATE = join(tmpdir(), 'reprise-test-no-state');

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Starts `reprise ARGS` as a process of its own, in the folder `cwd` or that of the tests; `input`: what comes on its standard
 * input, which is closed without.
 */
export function startCli(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
  input: string | Buffer | null = null,
): { child: ChildProcess; result: Promise<CliResult> } {
  const child = spawn(process.execPath, [CLI, ...args], {
    stdio: [input === null ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, XDG_STATE_HOME: NO_STATE, ...env },
    cwd,
  });
  child.stdin?.end(input);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (text: Buffer) => (stdout += text.toString()));
  child.stderr?.on('data', (text: Buffer) => (stderr += text.toString()));
  const result = new Promise<CliResult>((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
  return { child, result };
}

export function cli(...args: readonly string[]): Promise<CliResult> {
  return startCli(args).result;
}

/** A folder that goes when the test file ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'reprise-test-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function readJson(...path: readonly string[]): Record<string, unknown> {
  const json: unknown = JSON.parse(readFileSync(join(...path), 'utf8'));
  if (typeof json !== 'object' || json === null) throw new Error(`${path.join('/')} holds no object`);
  return { ...json };
}
