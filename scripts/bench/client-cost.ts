// What a token costs the client, as a ratio to the floor: the same streams read by ../shared/bench/epoll_limit (C, one
// system call and one clock reading a read, nothing parsed) in the same run. Usage: node scripts/bench/client-cost.ts [streams] [tokens]
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

const root = join(import.meta.dirname, '..', '..');
const bench = join(root, '..', 'shared', 'bench');
const streams = Number(process.argv[2] ?? 500);
const tokens = Number(process.argv[3] ?? 200);
const TICK_MS = 50;
const ROUNDS = 3;
const PORT = 18_431;

const folder = mkdtempSync(join(tmpdir(), 'reprise-bench-'));
for (const name of ['tick_server', 'epoll_limit'])
  execFileSync('cc', ['-O2', '-o', join(folder, name), join(bench, `${name}.c`)]);
const rows = Array.from({ length: streams }, (_, i) => `${(i / streams).toFixed(6)},16,${tokens}`);
writeFileSync(join(folder, 'trace.csv'), `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);

const server = spawn(join(folder, 'tick_server'), [String(PORT), String(TICK_MS)], { stdio: 'inherit' });
await new Promise((resolve) => setTimeout(resolve, 300));
const floorSays = z.object({ cpu_us_per_event: z.number() });
const summarySays = z.object({
  requests: z.object({ ok: z.number() }),
  validity: z.object({
    valid: z.boolean(),
    client_cpu_us_per_token: z.number(),
    lateness_ms: z.object({ p99: z.number() }),
  }),
});
try {
  console.log(`${streams} streams at ${1000 / TICK_MS} tokens/s each, ${tokens} tokens; CPU us a token`);
  for (let round = 0; round < ROUNDS; round++) {
    const limit = execFileSync(join(folder, 'epoll_limit'), [String(PORT), String(streams), String(tokens)], {
      encoding: 'utf8',
    });
    const floor = floorSays.parse(JSON.parse(limit)).cpu_us_per_event;
    const out = join(folder, `run-${round}`);
    const cli = [
      join(root, 'src', 'cli.ts'),
      'run',
      join(folder, 'trace.csv'),
      '--target',
      `http://127.0.0.1:${PORT}`,
      '--out',
      out,
      '--quiet',
    ];
    execFileSync(process.execPath, cli);
    const { validity, requests } = summarySays.parse(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')));
    const ours = validity.client_cpu_us_per_token;
    console.log(
      `floor ${floor.toFixed(1)}, reprise ${ours.toFixed(1)}: ${(ours / floor).toFixed(1)} times the floor (${requests.ok} ok, lateness p99 ${validity.lateness_ms.p99} ms, ${validity.valid ? 'valid' : 'not valid'})`,
    );
  }
} finally {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}
