// Prints how the code measures up to the house figures; a file above the hard limit fails.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const LONGEST = 600;
const root = join(import.meta.dirname, '..');
const files = ['src', 'adapters', 'workloads', 'reports']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  )
  .filter((name) => name.endsWith('.ts'))
  .map((name) => {
    const lines = readFileSync(join(root, name), 'utf8').split('\n');
    return { name, lines: lines.length - 1, comments: lines.filter((line) => /^\s*(\/\/|\/\*|\*)/.test(line)).length };
  })
  .sort((a, b) => a.lines - b.lines);

const at = (q: number): number => files[Math.min(files.length - 1, Math.ceil(q * files.length) - 1)]?.lines ?? 0;
const total = files.reduce((sum, file) => sum + file.lines, 0);
const comments = files.reduce((sum, file) => sum + file.comments, 0);
const longest = files.at(-1);
console.log(
  `${files.length} files, ${total} lines: median ${at(0.5)}, p90 ${at(0.9)}, longest ${longest?.lines} (${longest?.name}), ${((100 * comments) / total).toFixed(0)} % comment`,
);
const tooLong = files.filter((file) => file.lines > LONGEST);
for (const file of tooLong) console.error(`${file.name}: ${file.lines} lines, over ${LONGEST}`);
process.exitCode = tooLong.length > 0 ? 1 : 0;
