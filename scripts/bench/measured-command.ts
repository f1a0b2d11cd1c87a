import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a process took. */
export interface Taken {
  /** Peak memory (RSS). */
  readonly peakMib: number;
  /** CPU of all its threads, user and system. */
  readonly cpuS: number;
  readonly wallS: number;
}

/** The program from source, and as it is published, which `npm run build` makes. */
export const SOURCE = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
export const PUBLISHED = join(import.meta.dirname, '..', '..', 'dist', 'src', 'cli.js');

/** Runs a command in a process of its own, to its end. Throws where it fails. */
export function measured(args: readonly string[], cli: string = SOURCE): Taken {
  const folder = mkdtempSync(join(tmpdir(), 'reprise-measured-'));
  try {
    const [hook, taken] = [join(folder, 'hook.cjs'), join(folder, 'taken')];
    writeFileSync(
      hook,
      `process.on('exit', () => {
        const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
        require('fs').writeFileSync(${JSON.stringify(taken)}, [maxRSS / 1024, (userCPUTime + systemCPUTime) / 1e6].join(' '));
      });`,
    );
    const start = performance.now();
    execFileSync(process.execPath, ['--require', hook, cli, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
    const wallS = (performance.now() - start) / 1000;
    const [peakMib = Number.NaN, cpuS = Number.NaN] = readFileSync(taken, 'utf8').split(' ').map(Number);
    return { peakMib, cpuS, wallS };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The middle one, and all of them: `1.53 (1.49, 1.53, 1.60)`. */
export function medianText(values: readonly number[], digits: number): string {
  const sorted = values.toSorted((a, b) => a - b).map((value) => value.toFixed(digits));
  return `${sorted[Math.floor(sorted.length / 2)]} (${sorted.join(', ')})`;
}
