// What holds of a real server: runs every way of speaking to it and checks the records. Usage:
//   node scripts/conformance.ts URL           a server that is there
//   node scripts/conformance.ts DIR [PORT]    starts ../shared/servers/vllm_cpu.sh, installed into DIR (6 GB the first time),
//                                             and then the routers
//   node scripts/conformance.ts --routers DIR the routers of vLLM and SGLang in prefill-decode mode, installed into DIR
//                                             (200 MB), in front of the reference engine on two ports
// With --record FOLDER one raw reply of each way is kept there as a fixture (test/fixtures/streams has such).
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { request } from 'undici';
import { z } from 'zod';
import { ADAPTERS, ALL_CAPABILITIES, makeCodec, type ApiEndpoint } from '../adapters/index.ts';
import { promptMaker } from '../workloads/index.ts';
import { run } from '../src/index.ts';
import { messageOf } from '../src/core/errors.ts';
import type { RequestRecord } from '../src/core/record.ts';
import { readRecords } from '../src/runs/records.ts';
import { installRouters, PD_ROUTERS, withRouter, type PdRouter } from './pd-routers.ts';

const READY_WITHIN_S = 600;
const REQUESTS = 40;
const OUTPUT_TOKENS = 60;

type Way = readonly [adapter: string, endpoint: ApiEndpoint | null];
const AUTO: Way = ['auto', null];

const {
  values: { record: replies, routers = null },
  positionals: [where = null, port = '18778'],
} = parseArgs({ allowPositionals: true, options: { record: { type: 'string' }, routers: { type: 'string' } } });
if (where === null && routers === null) throw new Error('name a URL, or a directory to install vLLM or --routers into');
const folder = mkdtempSync(join(tmpdir(), 'reprise-conformance-'));
const workload = join(folder, 'burst.csv');
let failed = 0;
let runs = 0;
try {
  // A burst, so that a server under load puts several tokens into a chunk.
  const rows = Array.from(
    { length: REQUESTS },
    (_, i) => `${(i * 0.01).toFixed(2)},${20 + ((i * 37) % 200)},${OUTPUT_TOKENS}`,
  );
  writeFileSync(workload, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);
  const isUrl = where !== null && /^https?:/.test(where);
  if (isUrl) await checkServer(where);
  else if (where !== null) await checkVllm(where);
  const dir = routers ?? (where === null || isUrl ? null : join(where, 'routers'));
  if (dir !== null) {
    installRouters(dir);
    for (const router of PD_ROUTERS) await checkRouter(router, dir);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed > 0 ? 1 : 0;

/** Every way of speaking to the server that it takes. */
async function checkServer(url: string): Promise<void> {
  const named = Object.entries(ADAPTERS).flatMap(([adapter, { endpoints }]) =>
    endpoints.map((endpoint): Way => [adapter, endpoint]),
  );
  for (const way of [AUTO, ...named]) {
    const result = await replayed(url, way);
    if ('fault' in result) {
      console.log(`${nameOf(way)}: not spoken (${result.fault})`);
      continue;
    }
    const holds = report(nameOf(way), result);
    const [adapter, endpoint] = way;
    if (holds && replies !== undefined && endpoint !== null)
      await keepReply(url, replies, adapter, endpoint, result.found);
  }
}

async function checkVllm(dir: string): Promise<void> {
  const vllm = startVllm(dir);
  try {
    const url = `http://127.0.0.1:${port}`;
    await ready(url, vllm, dir);
    await checkServer(url);
  } finally {
    if (vllm.pid !== undefined) process.kill(-vllm.pid, 'SIGTERM');
  }
}

/** Through a router, every prompt must be handed over, and no KV block be left in use. */
async function checkRouter(router: PdRouter, dir: string): Promise<void> {
  await withRouter(router, dir, async (url, engine) => {
    for (const way of [AUTO, ...router.ways]) {
      const name = `${router.name} ${nameOf(way)}`;
      const result = await replayed(url, way);
      if ('fault' in result) {
        failed++;
        console.log(`FAILS  ${name}: ${result.fault}`);
      } else report(name, result, (record) => record.transfer_us !== null);
    }
    for (const [side, at] of Object.entries(engine)) {
      const load: unknown = await (await fetch(`${at}/load`)).json();
      const { running, waiting, usedBlocks } = z
        .object({ running: z.number(), waiting: z.number(), usedBlocks: z.number() })
        .parse(load);
      const isFree = running + waiting + usedBlocks === 0;
      if (!isFree) failed++;
      console.log(
        `${isFree ? 'holds' : 'FAILS'}  ${router.name}: ${usedBlocks} KV blocks in use for ${side} after the runs`,
      );
    }
  });
}

function nameOf([adapter, endpoint]: Way): string {
  return `${adapter} ${endpoint ?? ''}`.trim();
}

interface Replayed {
  readonly records: readonly RequestRecord[];
  /** What the run said of its server. */
  readonly found: string;
}

/** One run of the burst; a fault where the server is not spoken to this way. */
async function replayed(url: string, [adapter, endpoint]: Way): Promise<Replayed | { readonly fault: string }> {
  const out = join(folder, `run-${runs++}`);
  const records: RequestRecord[] = [];
  let found = '';
  try {
    const ways = endpoint === null ? { adapter } : { adapter, endpoint };
    await run(
      { workload, target: url, ...ways, timeout: '120s', out },
      { log: { warn: (text) => console.log(`  warning: ${text}`), info: (text) => (found = text) } },
    );
    for await (const batch of readRecords(out)) records.push(...batch);
  } catch (thrown) {
    return { fault: messageOf(thrown) };
  }
  return { records, found };
}

/** Prints what held of a run and what did not; whether all did. `also`: what must hold of each request beside. */
function report(name: string, { records, found }: Replayed, also?: (record: RequestRecord) => boolean): boolean {
  const ok = records.filter(({ outcome }) => outcome === 'ok');
  const exact = ok.filter(
    ({ output_tokens, token_times_us }) => output_tokens === OUTPUT_TOKENS && token_times_us.length === OUTPUT_TOKENS,
  );
  const prompts = ok.filter(({ input_tokens, input_tokens_planned }) => input_tokens === input_tokens_planned);
  const cached = ok.filter(({ cached_tokens }) => cached_tokens !== null);
  const moved = ok.filter(({ transfer_us }) => transfer_us !== null);
  const sources = [...new Set(ok.map(({ token_count_source }) => token_count_source))].join(', ');
  const holds = [ok, exact, ok.filter(also ?? (() => true))].every(({ length }) => length === REQUESTS);
  if (!holds) failed++;
  console.log(
    `${holds ? 'holds' : 'FAILS'}  ${name}: ${ok.length} of ${REQUESTS} ok, ${exact.length} with every token timed (${sources}), ${prompts.length} with the planned prompt, ${cached.length} tell cached tokens, ${moved.length} a KV transfer\n  ${found}`,
  );
  for (const { outcome, error } of records.filter((record) => record.outcome !== 'ok').slice(0, 3))
    console.log(`  ${outcome}: ${error}`);
  return holds;
}

/** The raw reply to one request for eight tokens: status line, headers, body, as in ../shared/streams. */
async function keepReply(
  url: string,
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

async function ready(url: string, server: ChildProcess, dir: string): Promise<void> {
  for (let waited = 0; waited < READY_WITHIN_S; waited++) {
    if (server.exitCode !== null) throw new Error(`the server ended with ${server.exitCode}; see ${dir}/log`);
    const answered = await fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  throw new Error(`no answer from ${url}/health within ${READY_WITHIN_S} s`);
}
