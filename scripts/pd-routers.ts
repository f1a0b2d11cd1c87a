// The routers of ../shared/servers, from PyPI, in prefill-decode mode in front of the reference engine on two ports.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ApiEndpoint } from '../adapters/index.ts';
import type { DialectName } from '../src/engine/server/dialects.ts';

const READY_WITHIN_S = 60;
const HOST = '127.0.0.1';

export interface PdRouter {
  readonly name: string;
  /** Its version is that of ../shared/servers/README.md. */
  readonly pip: string;
  readonly module: string;
  readonly dialect: DialectName;
  readonly args: (engine: TwoPorts) => string[];
  /** Ways of speaking to it that must hold; `auto` too. */
  readonly ways: readonly (readonly [adapter: string, endpoint: ApiEndpoint])[];
}

interface TwoPorts {
  readonly prefill: string;
  readonly decode: string;
}

export const PD_ROUTERS: readonly PdRouter[] = [
  {
    name: 'vllm-router',
    pip: 'vllm-router==0.1.17',
    module: 'vllm_router.launch_router',
    dialect: 'vllm',
    args: ({ prefill, decode }) => ['--vllm-pd-disaggregation', '--prefill', prefill, '--decode', decode],
    ways: [
      ['vllm', 'completions'],
      ['vllm', 'chat'],
      ['openai', 'completions'],
      ['openai', 'chat'],
    ],
  },
  {
    name: 'sglang-router',
    pip: 'sglang-router==0.3.2',
    module: 'sglang_router.launch_router',
    dialect: 'sglang',
    args: ({ prefill, decode }) => [
      '--pd-disaggregation',
      '--prefill',
      prefill,
      new URL(prefill).port,
      '--decode',
      decode,
    ],
    ways: [
      ['sglang', 'generate'],
      ['sglang', 'completions'],
      ['sglang', 'chat'],
    ],
  },
];

/** Installs the routers into a virtual environment in `dir`, about 200 MB, unless they are there. */
export function installRouters(dir: string): void {
  const python = pythonOf(dir);
  if (existsSync(join(dir, 'ready'))) return;
  const packages = PD_ROUTERS.map(({ pip }) => pip);
  mkdirSync(dir, { recursive: true });
  for (const [command, ...args] of [
    ['python3', '-m', 'venv', join(dir, 'venv')],
    [python, '-m', 'pip', 'install', '-q', ...packages],
    ['touch', join(dir, 'ready')],
  ] as const) {
    const { status } = spawnSync(command, args, { stdio: 'inherit' });
    if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
  }
}

/** Starts the engine and a router in front of it, calls `use` with their URLs, and ends both. */
export async function withRouter(
  { name, module, dialect, args }: PdRouter,
  dir: string,
  use: (routerUrl: string, engine: TwoPorts) => Promise<void>,
): Promise<void> {
  const children: ChildProcess[] = [];
  try {
    const cli = join(import.meta.dirname, '..', 'src', 'cli.ts');
    const serve = ['engine', 'serve', '--system', 'vllm-pd,prefill=2,decode=2', '--dialect', dialect];
    const engineProcess = spawn(process.execPath, [cli, ...serve, '--port', '0', '--decode-port', '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(engineProcess);
    const engine = await listening(engineProcess);

    const [port, metricsPort] = [await freePort(), await freePort()];
    const where = [
      '--host',
      HOST,
      '--port',
      `${port}`,
      '--prometheus-host',
      HOST,
      '--prometheus-port',
      `${metricsPort}`,
    ];
    const logFile = join(dir, `${name}.log`);
    const log = openSync(logFile, 'w');
    const router = spawn(pythonOf(dir), ['-m', module, ...where, ...args(engine)], {
      stdio: ['ignore', log, log],
      // It would look for a tokenizer there.
      env: { ...process.env, HF_HUB_OFFLINE: '1', HF_ENDPOINT: `http://${HOST}:9` },
    });
    closeSync(log);
    children.push(router);
    const url = `http://${HOST}:${port}`;
    await knowsItsModel(url, router, logFile);
    await use(url, engine);
  } finally {
    for (const child of children) child.kill('SIGTERM');
  }
}

function pythonOf(dir: string): string {
  return join(dir, 'venv', 'bin', 'python');
}

async function listening(engine: ChildProcess): Promise<TwoPorts> {
  if (engine.stdout === null) throw new Error('the engine has no output');
  const [line] = await once(createInterface(engine.stdout), 'line');
  const [, prefill, decode] = /on (\S+), for decodes on (\S+)$/.exec(String(line)) ?? [];
  if (prefill === undefined || decode === undefined) throw new Error(`the engine said: ${line}`);
  return { prefill, decode };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Its `/health` is there before the servers behind it are known. */
async function knowsItsModel(url: string, router: ChildProcess, log: string): Promise<void> {
  for (let waited = 0; waited < READY_WITHIN_S; waited++) {
    if (router.exitCode !== null) throw new Error(`the router ended with ${router.exitCode}; see ${log}`);
    const models = await fetch(`${url}/v1/models`).then(
      async (reply) => (reply.ok ? await reply.text() : ''),
      () => '',
    );
    if (models.includes('"id"')) return;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  throw new Error(`${url}/v1/models has no model within ${READY_WITHIN_S} s; see ${log}`);
}
