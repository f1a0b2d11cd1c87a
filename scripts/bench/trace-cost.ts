// CPU and peak memory (RSS) of a `trace` command over generated Azure rows of 2024, 42 bytes each: files of several
// lengths, each read by a process of its own, the median of the rounds.
// Usage: node scripts/bench/trace-cost.ts [ROWS,ROWS,... [ROUNDS [ACTION [ARGUMENT...]]]]; {} stands for the trace,
// {out} for a folder that is emptied. For example: 1e6,1e7 1 convert {} {out}/trace.rtrace.jsonl
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ln } from '../../src/core/portable-math.ts';
import { randomStream, standardNormal, uniform } from '../../src/core/random.ts';

const [lengthsGiven = '1e6,1e7', roundsGiven = '1', action = 'inspect', ...rest] = process.argv.slice(2);
const lengths = lengthsGiven.split(',').map(Number);
const given = rest.length === 0 ? ['{}', '--quiet', '--json'] : rest;

const cli = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
const folder = mkdtempSync(join(tmpdir(), 'reprise-trace-cost-'));
const used = join(folder, 'used');
const out = join(folder, 'out');
/** Runs in each process, and says what it took when that ends. */
const USED = `import{writeFileSync}from"node:fs";process.on("exit",()=>{const{maxRSS,userCPUTime:u,systemCPUTime:s}=process.resourceUsage();writeFileSync(${JSON.stringify(used)},[maxRSS/1024,(u+s)/1e6].join(" "))})`;

try {
  for (const rows of lengths) {
    const trace = join(folder, `${rows}.csv`);
    writeTrace(trace, rows);
    const args = given.map((each) => each.replace('{}', trace).replace('{out}', out));
    const found = Array.from({ length: Number(roundsGiven) }, () => measure([action, ...args]));
    const mib = found.map(([peak]) => Math.round(peak));
    const cpu = found.map(([, seconds]) => Number(seconds.toFixed(1)));
    console.log(
      `trace ${action}, ${rows} rows, ${Math.round(statSync(trace).size / 1e6)} MB: ` +
        `${median(mib)} MiB (${mib.join(', ')}), ${median(cpu)} s of CPU (${cpu.join(', ')})`,
    );
    rmSync(trace);
  }
} finally {
  rmSync(folder, { recursive: true });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Peak memory in MiB, and seconds of CPU. */
function measure(args: readonly string[]): readonly [peak: number, seconds: number] {
  mkdirSync(out);
  const imported = `--import=data:text/javascript,${encodeURIComponent(USED)}`;
  execFileSync(process.execPath, [imported, cli, 'trace', ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  rmSync(out, { recursive: true });
  const [peak = Number.NaN, seconds = Number.NaN] = readFileSync(used, 'utf8').split(' ').map(Number);
  return [peak, seconds];
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
