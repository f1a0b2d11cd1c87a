import { z } from 'zod';
import { EXIT, type ExitCode } from '../core/errors.ts';
import { quietV8 } from '../core/quiet-v8.ts';
import { openIterationFile, parseEngineSpec } from '../engine/index.ts';
import { DIALECT_NAMES, serveEngine } from '../engine/server/index.ts';
import { expected, text, wholeNumber } from '../core/option-fields.ts';
import { readOptions, type Command } from './command.ts';
import { LISTED } from './listed.ts';
import { onEndSignals, SIGNAL_EXIT } from './signals.ts';
import { print, printWarning } from './terminal.ts';

const PORTS = expected('a port from 0 to 65535');
const port = z.int(PORTS).min(0, PORTS).max(65535, PORTS);

const schema = z.looseObject({
  action: z.enum(['serve', 'list']),
  system: text,
  dialect: z.enum(DIALECT_NAMES, expected(DIALECT_NAMES.join(', '))),
  host: text,
  port,
  decodePort: port.optional(),
  maxConnections: wholeNumber,
  traceIterations: text.optional(),
  quiet: z.boolean(),
  json: z.boolean(),
});

export const engineCommand: Command = {
  ...LISTED.engine,
  examples: [
    'reprise engine serve --system vllm-v1,model=llama-3.1-8b,gpu=h100-sxm --port 8000',
    'reprise engine serve --system vllm-pd,prefill=2 --port 8100 --decode-port 8200',
    'reprise engine list',
    'reprise engine list --system vllm-v1',
  ],
  positionals: { action: { type: 'string', choices: ['serve', 'list'], default: 'serve', describe: 'what to do' } },
  options: {
    system: {
      type: 'string',
      default: '',
      describe: 'SYSTEM[,key=value...]; list shows its options',
      defaultDescription: 'vllm-v1,model=llama-3.1-8b,gpu=h100-sxm',
    },
    dialect: {
      type: 'string',
      default: 'vllm',
      describe: 'whose server it looks like: vllm, sglang, distserve, or openai (refuses what hosted endpoints refuse)',
    },
    host: {
      type: 'string',
      default: '127.0.0.1',
      describe: 'address to listen on; anything but loopback lets others in',
    },
    port: { type: 'number', default: 8000, describe: '0 picks a free one' },
    'decode-port': {
      type: 'number',
      describe:
        'a port for the instances that decode, --port for those that compute prompts: vllm-pd behind a router in ' +
        'prefill-decode mode, of vLLM or (--dialect sglang) of SGLang',
    },
    'max-connections': { type: 'number', default: 16_384, describe: 'open at a time; one too many gets 503' },
    'trace-iterations': { type: 'string', describe: 'file for what each iteration ran, a JSON line each' },
    quiet: { type: 'boolean', default: false, describe: 'do not print where it listens' },
    json: { type: 'boolean', default: false, describe: 'list for machines' },
  },
  run: (parsed) => {
    const options = readOptions(schema, parsed);
    return options.action === 'list' ? list(options) : serve(options);
  },
};

async function list({ system, json }: z.infer<typeof schema>): Promise<ExitCode> {
  const { engineList } = await import('./engine-list.ts');
  print(engineList(system, json));
  return EXIT.ok;
}

/** Serves until a signal, or until its parent process is gone (if the parent opened a channel to it). */
async function serve(options: z.infer<typeof schema>): Promise<ExitCode> {
  const path = options.traceIterations;
  const iterations = path === undefined ? null : openIterationFile(path);
  quietV8();
  const { warnings, ...spec } = parseEngineSpec(options.system);
  const server = await serveEngine(spec, {
    dialect: options.dialect,
    host: options.host,
    port: options.port,
    decodePort: options.decodePort,
    connections: { open: options.maxConnections },
    onIteration: iterations?.onIteration,
  });
  if (!options.quiet) warnings.forEach(printWarning);
  const { url, decodeUrl } = server;
  const where = decodeUrl === null ? `on ${url}` : `for prompts on ${url}, for decodes on ${decodeUrl}`;
  // Before the address is printed: its reader may end the engine at once.
  const ended = new Promise<ExitCode>((resolve) => {
    onEndSignals((name) => resolve(SIGNAL_EXIT[name]));
    process.once('disconnect', () => resolve(EXIT.ok));
    // The parent may have gone while this process started.
    if (process.send !== undefined && !process.connected) resolve(EXIT.ok);
  });
  if (!options.quiet) print(`listening ${where}\n`);
  if (process.connected) process.send?.({ url, decodeUrl });
  const code = await ended;
  await server.close();
  iterations?.close();
  return code;
}
