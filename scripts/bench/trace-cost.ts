// CPU and peak memory (RSS) of a `trace` command over generated Azure rows of 2024, 42 bytes each: files of several
// lengths, each read by a process of its own, the median of the rounds.
// Usage: node scripts/bench/trace-cost.ts [ROWS,ROWS,... [ROUNDS [ACTION [ARGUMENT...]]]]; {} stands for the trace,
// {out} for a folder that is emptied. For example: 1e6,1e7 1 convert {} {out}/trace.rtrace.jsonl
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ln } from '../../src/core/portable-math.ts';
import { randomStream, standardNormal, uniform } from '../../src/core/random.ts';
import { measured, medianText, type Taken } from './measured-command.ts';

const [lengthsGiven = '1e6,1e7', roundsGiven = '1', action = 'inspect', ...rest] = process.argv.slice(2);
const lengths = lengthsGiven.split(',').map(Number);
const given = rest.length === 0 ? ['{}', '--quiet', '--json'] : rest;

const folder = mkdtempSync(join(tmpdir(), 'reprise-trace-cost-'));
const out = join(folder, 'out');

try {
  for (const rows of lengths) {
    const trace = join(folder, `${rows}.csv`);
    writeTrace(trace, rows);
    const args = given.map((each) => each.replace('{}', trace).replace('{out}', out));
    const found = Array.from({ length: Number(roundsGiven) }, () => measure([action, ...args]));
    const [mib, cpu] = [found.map(({ peakMib }) => peakMib), found.map(({ cpuS }) => cpuS)];
    console.log(
      `trace ${action}, ${rows} rows, ${Math.round(statSync(trace).size / 1e6)} MB: ` +
        `${medianText(mib, 0)} MiB, ${medianText(cpu, 1)} s of CPU`,
    );
    rmSync(trace);
  }
} finally {
  rmSync(folder, { recursive: true });
}

function measure(args: readonly string[]): Taken {
  mkdirSync(out);
  const taken = measured(['trace', ...args]);
  rmSync(out, { recursive: true });
  return taken;
}

/** The shape of a week of 2024: 45 requests a second, lognormal lengths, six decimals of a second and none where they are zero. */
function writeTrace(file: string, rows: number): void {
  const random = randomStream(1, 'trace-cost');
  const descriptor = openSync(file, 'w');
  let text = 'TIMESTAMP,ContextTokens,GeneratedTokens\n';
  let us = Date.UTC(2024, 4, 12) * 1000;
  for (let row = 0; row < rows; row++) {
    us += Math.ceil((-ln(1 - uniform(random)) * 1e6) / 45);
    const second = new Date(us / 1000).toISOString().slice(0, 19).replace('T', ' ');
    const fraction = us % 1e6 === 0 ? '' : `.${String(us % 1e6).padStart(6, '0')}`;
    text += `${second}${fraction}+00:00,${tokens(6.6, 1, 14_000)},${tokens(5, 0.9, 1000)}\n`;
    if (text.length < 2 ** 20) continue;
    writeSync(descriptor, text);
    text = '';
  }
  writeSync(descriptor, text);
  closeSync(descriptor);

  function tokens(mu: number, sigma: number, most: number): number {
    return Math.max(1, Math.min(most, Math.round(Math.exp(mu + sigma * standardNormal(random)))));
  }
}
