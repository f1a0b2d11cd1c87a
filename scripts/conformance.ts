// What holds of a real server: runs every way of speaking to it and checks the records. Usage:
//   node scripts/conformance.ts URL           a server that is there
//   node scripts/conformance.ts DIR [PORT]    starts ../shared/servers/vllm_cpu.sh, installed into DIR (6 GB the first time)
// With --record FOLDER one raw reply of each way is kept there as a fixture (test/fixtures/streams has such).
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { request } from 'undici';
import { ADAPTERS, ALL_CAPABILITIES, makeCodec, type ApiEndpoint } from '../adapters/index.ts';
import { promptMaker } from '../workloads/index.ts';
import { run } from '../src/index.ts';
import { messageOf } from '../src/core/errors.ts';
import type { RequestRecord } from '../src/core/record.ts';
import { readRecords } from '../src/runs/records.ts';

const READY_WITHIN_S = 600;
const REQUESTS = 40;
const OUTPUT_TOKENS = 60;

const {
  values: { record: replies },
  positionals: [where = '', port = '18778'],
} = parseArgs({ allowPositionals: true, options: { record: { type: 'string' } } });
if (where === '') throw new Error('name a URL, or a directory to install vLLM into');
const folder = mkdtempSync(join(tmpdir(), 'reprise-conformance-'));
const server = /^https?:/.test(where) ? null : startVllm(where);
const url = server === null ? where : `http://127.0.0.1:${port}`;
let failed = 0;
try {
  await ready();
  // A burst, so that a server under load puts several tokens into a chunk.
  const rows = Array.from(
    { length: REQUESTS },
    (_, i) => `${(i * 0.01).toFixed(2)},${20 + ((i * 37) % 200)},${OUTPUT_TOKENS}`,
  );
  writeFileSync(join(folder, 'burst.csv'), `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);
  const named = Object.entries(ADAPTERS).flatMap(([adapter, { endpoints }]) =>
    endpoints.map((endpoint): [string, ApiEndpoint | null] => [adapter, endpoint]),
  );
  for (const [adapter, endpoint] of [['auto', null] as const, ...named]) await check(adapter, endpoint);
} finally {
  if (server?.pid !== undefined) process.kill(-server.pid, 'SIGTERM');
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed > 0 ? 1 : 0;

/** One run; prints what held and what did not. */
async function check(adapter: string, endpoint: ApiEndpoint | null): Promise<void> {
  const name = `${adapter} ${endpoint ?? ''}`.trim();
  const out = join(folder, name.replace(' ', '-'));
  const records: RequestRecord[] = [];
  let found = '';
  try {
    const ways = endpoint === null ? { adapter } : { adapter, endpoint };
    await run(
      { workload: join(folder, 'burst.csv'), target: url, ...ways, timeout: '120s', out },
      { log: { warn: (text) => console.log(`  warning: ${text}`), info: (text) => (found = text) } },
    );
    for await (const batch of readRecords(out)) records.push(...batch);
  } catch (thrown) {
    console.log(`${name}: not spoken (${messageOf(thrown)})`);
    return;
  }
  const ok = records.filter(({ outcome }) => outcome === 'ok');
  const exact = ok.filter(
    ({ output_tokens, token_times_us }) => output_tokens === OUTPUT_TOKENS && token_times_us.length === OUTPUT_TOKENS,
  );
  const prompts = ok.filter(({ input_tokens, input_tokens_planned }) => input_tokens === input_tokens_planned);
  const cached = ok.filter(({ cached_tokens }) => cached_tokens !== null);
  const sources = [...new Set(ok.map(({ token_count_source }) => token_count_source))].join(', ');
  const held = ok.length === REQUESTS && exact.length === REQUESTS;
  if (!held) failed++;
  console.log(
    `${held ? 'holds' : 'FAILS'}  ${name}: ${ok.length} of ${REQUESTS} ok, ${exact.length} with every token timed (${sources}), ${prompts.length} with the planned prompt, ${cached.length} tell cached tokens\n  ${found}`,
  );
  if (held && replies !== undefined && endpoint !== null) await keepReply(replies, adapter, endpoint, found);
  for (const { outcome, error } of records.filter((record) => record.outcome !== 'ok').slice(0, 3))
    console.log(`  ${outcome}: ${error}`);
}

/** The raw reply to one request for eight tokens: status line, headers, body, as in ../shared/streams. */
async function keepReply(
  folderOfReplies: string,
  adapter: string,
  endpoint: ApiEndpoint,
  found: string,
): Promise<void> {
  const model = /model (\S+)/.exec(found)?.[1] ?? 'default';
  const prompts = promptMaker({ seed: 1, blockTokens: null });
  const codec = makeCodec(adapter, { endpoint, model, runId: 'conformance', capabilities: ALL_CAPABILITIES }, prompts);
  const [call] = codec.open({ id: 'reply', traceRow: 0, dueUs: 0, inputTokens: 4, outputTokens: 8 });
  if (call === undefined) return;
  const { statusCode, headers, body } = await request(url + call.path, {
    method: 'POST',
    headers: call.headers,
    body: call.body,
  });
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
  const engine = (/^\S+ (.*?), model/.exec(found)?.[1] ?? 'server').replaceAll(/[^\w.]+/g, '-');
  mkdirSync(folderOfReplies, { recursive: true });
  const file = join(folderOfReplies, `${engine}.${adapter}.${endpoint}.txt`);
  writeFileSync(file, `HTTP/1.1 ${statusCode} OK\r\n${head.join('')}\r\n${await body.text()}`);
  console.log(`  ${basename(file)}`);
}

function startVllm(dir: string) {
  const script = join(import.meta.dirname, '..', '..', 'shared', 'servers', 'vllm_cpu.sh');
  mkdirSync(dir, { recursive: true });
  const log = openSync(join(dir, 'log'), 'w');
  // A group of its own, so that vLLM's own processes end with it.
  const child = spawn(script, [dir, port], { stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  return child;
}

async function ready(): Promise<void> {
  for (let waited = 0; waited < READY_WITHIN_S; waited++) {
    if (server !== null && server.exitCode !== null)
      throw new Error(`the server ended with ${server.exitCode}; see ${where}/log`);
    const answered = await fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  throw new Error(`no answer from ${url}/health within ${READY_WITHIN_S} s`);
}
