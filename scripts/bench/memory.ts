// Peak memory (RSS) of a run in virtual time and of its report, each a process, for traces of several lengths; the median of
// the rounds. Usage: node scripts/bench/memory.ts [REQUESTS,REQUESTS,... [ROUNDS]]
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const lengths = (process.argv[2] ?? '100000,300000').split(',').map(Number);
const rounds = Number(process.argv[3] ?? 3);
const cli = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
const folder = mkdtempSync(join(tmpdir(), 'reprise-memory-'));
const peaksFile = join(folder, 'peak');
/** Runs in each process, and says its peak when that ends. */
const PEAK = `import{writeFileSync}from"node:fs";process.on("exit",()=>writeFileSync(${JSON.stringify(peaksFile)},String(process.resourceUsage().maxRSS)))`;

const peaks = new Map<string, number[]>();
try {
  for (let round = 0; round < rounds; round++)
    for (const requests of lengths) {
      const trace = join(folder, `${requests}.csv`);
      writeTrace(trace, requests);
      const out = join(folder, 'run');
      measure(`run, ${requests} requests`, [
        'run',
        trace,
        '--clock',
        'virtual',
        '--slo',
        'ttft=1s,tpot=50ms',
        '--out',
        out,
      ]);
      measure(`report, ${requests} requests`, ['report', out]);
      rmSync(out, { recursive: true });
      rmSync(trace);
    }
} finally {
  rmSync(folder, { recursive: true });
}
const longest = Math.max(...[...peaks.keys()].map((name) => name.length));
for (const [name, kib] of peaks) {
  const sorted = kib.toSorted((a, b) => a - b);
  const mib = sorted.map((each) => Math.round(each / 1024));
  console.log(`${name.padEnd(longest)}  ${mib[Math.floor(mib.length / 2)]} MiB (${mib.join(', ')})`);
}

function measure(name: string, args: readonly string[]): void {
  const imported = `--import=data:text/javascript,${encodeURIComponent(PEAK)}`;
  execFileSync(process.execPath, [imported, cli, ...args], { stdio: 'ignore' });
  peaks.set(name, [...(peaks.get(name) ?? []), Number(readFileSync(peaksFile, 'utf8'))]);
}

/** Twenty requests a second, with outputs of 10 to 29 tokens. */
function writeTrace(file: string, requests: number): void {
  const descriptor = openSync(file, 'w');
  let text = 'arrival_s,input_tokens,output_tokens\n';
  for (let i = 0; i < requests; i++) {
    text += `${(i / 20).toFixed(2)},${100 + ((i * 7919) % 400)},${10 + ((i * 104_729) % 20)}\n`;
    if (text.length < 1 << 20) continue;
    writeSync(descriptor, text);
    text = '';
  }
  writeSync(descriptor, text);
  closeSync(descriptor);
}
