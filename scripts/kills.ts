/**
 * Kills runs at random moments and mends each by two reports at once: `node scripts/kills.ts [KILLS] [SEED] [WORKERS]`. Fails where
 * an answer older than a second is lost, a request has no record or two, a report fails, or the two differ.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomStream, uniform, type Random } from '../src/core/random.ts';
import { readRecords } from '../src/runs/records.ts';
import { manifestFile, requestsDirectory } from '../src/runs/run-directory.ts';

const REQUESTS = 3000;
/** Requests a second; each has 8 tokens, one every 20 ms. */
const RATE = 100;
const TOKENS = 8;
const TOKEN_EVERY_MS = 20;
/** A kill comes so long after the run's first request, at most. */
const KILLED_WITHIN_MS = 4000;
/** Answers that ended so long before the kill are kept, by a client that gets its core: later by what this process waits. */
const KEPT_AFTER_MS = 1000;

/** What is wrong after one kill of a run with so many client workers; empty: nothing. */
export async function killOnce(folder: string, random: Random, workers = 1): Promise<string[]> {
  const trace = join(folder, 'trace.csv');
  const rows = Array.from({ length: REQUESTS }, (_, i) => `${i / RATE},20,${TOKENS}`);
  writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);
  const out = mkdtempSync(join(folder, 'kill-'));
  /** When an answer had been sent whole, by the id of its request. */
  const ended = new Map<string, number>();
  const first = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    request.resume();
    if (request.method === 'GET' && request.url === '/v1/models')
      response.setHeader('content-type', 'application/json').end('{"data":[{"id":"tiny"}]}');
    else if (request.method !== 'POST') response.writeHead(404).end();
    else {
      const id = String(request.headers['x-request-id']);
      if (!id.endsWith('-probe')) first.resolve();
      void answer(response).then(() => ended.set(id, performance.now()));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const child = reprise(
    'run',
    trace,
    '--target',
    `http://127.0.0.1:${port}`,
    '--adapter',
    'openai',
    '--out',
    out,
    '--workers',
    String(workers),
  );
  await Promise.race([first.promise, child.done]);
  const waits = monitorEventLoopDelay({ resolution: 10 });
  waits.enable();
  await sleep(uniform(random) * KILLED_WITHIN_MS);
  child.kill();
  const killedMs = performance.now();
  const keptMs = KEPT_AFTER_MS + waits.max / 1e6;
  waits.disable();
  const { stderr } = await child.done;
  server.closeAllConnections();
  server.close();
  if (!existsSync(manifestFile(out))) return [`the run did not begin: ${stderr}`];

  const reports = await Promise.all([reprise('report', out, '--json').done, reprise('report', out, '--json').done]);
  const wrong = reports.flatMap(({ code, stderr: text }) => (code === 0 ? [] : [`report ended with ${code}: ${text}`]));
  if (reports[0]?.stdout !== reports[1]?.stdout) wrong.push('the two reports differ');
  const outcomes = new Map<string, string>();
  for await (const batch of readRecords(out, (problem) => wrong.push(problem)))
    for (const { request_id, outcome } of batch) outcomes.set(request_id, outcome);
  if (outcomes.size !== REQUESTS) wrong.push(`${outcomes.size} records of ${REQUESTS} requests`);
  const run = out.split('/').at(-1) ?? '';
  for (const [id, endedMs] of ended) {
    const outcome = outcomes.get(id.slice(run.length + 1));
    if (id.startsWith(`${run}-`) && outcome !== undefined && outcome !== 'ok' && endedMs < killedMs - keptMs)
      wrong.push(
        `${id} ended ${Math.round(killedMs - endedMs)} ms before the kill (kept: ${Math.round(keptMs)}), and is ${outcome}`,
      );
  }
  const left = readdirSync(requestsDirectory(out)).filter((name) => !name.endsWith('.parquet'));
  if (left.length > 0) wrong.push(`left behind: ${left.join(', ')}`);
  return wrong;
}

async function answer(response: ServerResponse): Promise<void> {
  const event = (json: unknown): string => `data: ${JSON.stringify(json)}\n\n`;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (let i = 1; i <= TOKENS; i++) {
    await sleep(TOKEN_EVERY_MS);
    response.write(event({ choices: [{ index: 0, text: ' a', finish_reason: i === TOKENS ? 'length' : null }] }));
  }
  const usage = { prompt_tokens: 20, completion_tokens: TOKENS };
  response.end(`${event({ choices: [], usage })}data: [DONE]\n\n`);
}

interface Child {
  readonly done: Promise<{ code: number | null; stdout: string; stderr: string }>;
  kill(): void;
}

function reprise(...args: readonly string[]): Child {
  const cli = join(import.meta.dirname, '..', 'src', 'cli.ts');
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { stdout: '', stderr: '' };
  child.stdout.on('data', (text: Buffer) => (texts.stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (texts.stderr += text.toString()));
  const done = once(child, 'close').then(() => ({ code: child.exitCode, ...texts }));
  return { done, kill: () => void child.kill('SIGKILL') };
}

if (import.meta.main) {
  const kills = Number(process.argv[2] ?? 100);
  const random = randomStream(Number(process.argv[3] ?? 1), 'kills');
  const folder = mkdtempSync(join(tmpdir(), 'reprise-kills-'));
  let faults = 0;
  for (let kill = 1; kill <= kills; kill++) {
    const wrong = await killOnce(folder, random, Number(process.argv[4] ?? 1));
    if (wrong.length > 0) faults++;
    console.log(`${kill} of ${kills}: ${wrong.length === 0 ? 'whole' : wrong.slice(0, 5).join('\n  ')}`);
  }
  rmSync(folder, { recursive: true });
  console.log(`${faults} of ${kills} kills with a fault`);
  process.exitCode = faults === 0 ? 0 : 1;
}
