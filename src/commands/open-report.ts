import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { messageOf } from '../core/errors.ts';
import { printWarning } from './terminal.ts';

export const OPEN_OPTION = {
  type: 'boolean',
  default: false,
  describe: 'open the report in the browser ($BROWSER, or that of the system)',
} as const;

/** A browser that cannot show the file fails within this time; one that can may stay as long as it likes. */
const PATIENCE_MS = 2000;

/** Opens a file in the browser. A browser that does not open never fails the command: a warning names the file. */
export async function openInBrowser(file: string): Promise<void> {
  const [program = '', ...args] = browserCommand(file, process.platform, process.env['BROWSER'] ?? '');
  const child = spawn(program, args, { detached: true, stdio: 'ignore' });
  const patience = new AbortController();
  const ended = once(child, 'exit').then(([code]) => (code === 0 ? null : `${program} ended with ${String(code)}`));
  const wait = setTimeout(PATIENCE_MS, null, { signal: patience.signal }).catch(() => null);
  const failure = await Promise.race([ended, wait]).catch(messageOf);
  patience.abort();
  child.unref();
  if (failure !== null) printWarning(`--open: ${failure}; the report is ${file}`);
}

/** `$BROWSER` may have arguments, and `%s` where the file belongs. */
export function browserCommand(file: string, platform: NodeJS.Platform, browser: string): string[] {
  const words = browser.split(/\s+/).filter((word) => word !== '');
  if (words.length > 0)
    return browser.includes('%s') ? words.map((word) => word.replaceAll('%s', file)) : [...words, file];
  if (platform === 'darwin') return ['open', file];
  return platform === 'win32' ? ['cmd', '/c', 'start', '""', file] : ['xdg-open', file];
}
