// Reads mutated traces of every format and judges what comes out by the strict reader:
// node scripts/fuzz/traces.ts [FILES_A_FORMAT] [FIRST_SEED]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { misreadSessions, SESSION_SAMPLES } from './mutated-sessions.ts';
import { misread, mutated, SAMPLES } from './mutated-traces.ts';

const [files, firstSeed] = [Number(process.argv[2] ?? 20_000), Number(process.argv[3] ?? 1)];
const folder = mkdtempSync(join(tmpdir(), 'reprise-fuzz-'));
try {
  const judged = [
    ...SAMPLES.map((sample) => ({ sample, judge: (bytes: Buffer, path: string) => misread(sample, bytes, path) })),
    ...SESSION_SAMPLES.map((sample) => ({
      sample,
      judge: (bytes: Buffer, path: string) => misreadSessions(sample, bytes, path),
    })),
  ];
  for (const { sample, judge } of judged) {
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
