// Reads mutated traces of every format and judges what comes out by the strict reader:
// node scripts/fuzz/traces.ts [FILES_A_FORMAT] [FIRST_SEED] [FORMAT,FORMAT,...]; without formats all of them
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { misreadSessions, SESSION_SAMPLES } from './mutated-sessions.ts';
import { misread, mutated, SAMPLES } from './mutated-traces.ts';

const [files, firstSeed] = [Number(process.argv[2] ?? 20_000), Number(process.argv[3] ?? 1)];
const judged = [
  ...SAMPLES.map((sample) => ({ sample, judge: (bytes: Buffer, path: string) => misread(sample, bytes, path) })),
  ...SESSION_SAMPLES.map((sample) => ({
    sample,
    judge: (bytes: Buffer, path: string) => misreadSessions(sample, bytes, path),
  })),
];
const formats = process.argv[4]?.split(',') ?? judged.map(({ sample }) => sample.name);
const unknown = formats.filter((format) => !judged.some(({ sample }) => sample.name === format));
if (unknown.length > 0) throw new Error(`no such format: ${unknown.join(', ')}`);
const folder = mkdtempSync(join(tmpdir(), 'reprise-fuzz-'));
try {
  for (const { sample, judge } of judged.filter((each) => formats.includes(each.sample.name))) {
    let misreads = 0;
    for (let seed = firstSeed; seed < firstSeed + files; seed++) {
      const bytes = mutated(sample, seed);
      const wrong = await judge(bytes, join(folder, 'mutated'));
      if (wrong === null) continue;
      misreads++;
      console.log(`${sample.name}, seed ${seed}: ${wrong} ${JSON.stringify(bytes.toString())}`);
    }
    console.log(`${sample.name}: ${files} files, ${misreads} misread`);
    if (misreads > 0) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}
