import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { openAiCodec } from '../../adapters/openai.ts';
import { openRun, run, type Codec } from '../../src/index.ts';
import { readRecords } from '../../src/runs/records.ts';
import { readJson, startCli, temporaryFolder } from '../cli.ts';
import { maxTokens, serve, streamTokens } from '../servers.ts';

const folder = temporaryFolder();
const REQUESTS = 60;
const trace = writeTrace('trace.csv', REQUESTS);
const server = await serve((_index, _request, response, body) => void streamTokens(response, maxTokens(body), 5));
after(() => server.close());

function writeTrace(name: string, requests: number): string {
  const path = join(folder, name);
  const rows = Array.from({ length: requests }, (_, i) => `${(i * 0.02).toFixed(2)},16,5`);
  writeFileSync(path, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);
  return path;
}

/** Runs the program with a module that plants a TypeError. */
function withPlanted(name: string, code: string, ...args: readonly string[]) {
  const module = join(folder, `${name}.mjs`);
  writeFileSync(module, `${code}\n`);
  const env = { NODE_OPTIONS: `--import=${pathToFileURL(module).href}` };
  return startCli([...args, '--out', join(folder, name)], env).result;
}

for (const [where, requests, file] of [
  ['the thread that makes bodies', 2001, 'feed-worker'],
  ['making the bodies of a short plan', REQUESTS, 'feed'],
] as const)
  it(`a TypeError in ${where}: its stack, a sentence that it is ours, exit 70`, async () => {
    const code = `const { encode } = TextEncoder.prototype;
TextEncoder.prototype.encode = function (text) {
  const { stack } = new Error();
  if (stack.includes('/adapters/') && stack.includes('/feed')) throw new TypeError('planted');
  return encode.call(this, text);
};`;
    const path = writeTrace(`${file}.csv`, requests);
    const target = ['--target', server.url.href, '--adapter', 'openai'];
    const { code: exit, stderr } = await withPlanted(`bodies-${file}`, code, 'run', path, ...target);
    assert.equal(exit, 70, stderr);
    assert.match(stderr, /this is a fault in reprise, not in what you asked for/);
    assert.match(stderr, new RegExp(`TypeError: planted\\n {4}at .*bodies-${file}\\.mjs[^]*/${file}\\.ts`));
    assert.doesNotMatch(stderr, /the trace could not be read/);
  });

it('a TypeError in the engine, in virtual time: the run is kept as failed, exit 70 and no verdict', async () => {
  const code = `let left = 3;
const { ceil } = Math;
Math.ceil = (x) => {
  if (new Error().stack.includes('/kv/') && left-- < 0) throw new TypeError('planted');
  return ceil(x);
};`;
  const { code: exit, stderr, stdout } = await withPlanted('engine', code, 'run', trace, '--clock', 'virtual');
  assert.equal(exit, 70, stderr);
  assert.match(stderr, /TypeError: planted\n {4}at /);
  assert.doesNotMatch(stdout, /Valid/);
  const { status, reason } = readJson(folder, 'engine', 'run.json');
  assert.deepEqual([status, reason], ['interrupted', 'a fault in reprise: planted']);
});

it('a TypeError in a decoder ends the run with it; what had ended by then is kept', async () => {
  const faulty = (codec: Codec): Codec => ({
    ...codec,
    decoder(request, out) {
      const decoder = codec.decoder(request, out);
      if (request.id === 'r30')
        decoder.pushPart = () => {
          throw new TypeError('planted');
        };
      return decoder;
    },
  });
  const out = join(folder, 'decoder');
  const options = { endpoint: 'completions', model: 'tiny', runId: 'own' } as const;
  await assert.rejects(
    run({ workload: trace, target: server.url.href, codec: (prompts) => faulty(openAiCodec(options, prompts)), out }),
    (thrown) => thrown instanceof TypeError && /own-faults\.slow\.test\.ts/.test(thrown.stack ?? ''),
  );
  const outcomes = new Map<string, number>();
  for await (const batch of readRecords(out))
    for (const { outcome } of batch) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  assert.equal(readJson(out, 'run.json')['reason'], 'a fault in reprise: planted');
  assert.ok((outcomes.get('ok') ?? 0) > 5, JSON.stringify([...outcomes]));
  assert.ok((outcomes.get('cut') ?? 0) >= 1 && (outcomes.get('unsent') ?? 0) >= 1, JSON.stringify([...outcomes]));
  assert.equal(
    [...outcomes.values()].reduce((a, b) => a + b),
    REQUESTS,
  );
});

it('a TypeError where an answer has ended, in the codec or behind it, is not lost in the HTTP client', async () => {
  const faults: readonly ((codec: Codec) => Codec)[] = [
    (codec) => ({
      ...codec,
      decoder(request, out) {
        const decoder = codec.decoder(request, out);
        if (request.id === 'r7')
          decoder.response = () => {
            throw new TypeError('planted');
          };
        return decoder;
      },
    }),
    (codec) => ({
      ...codec,
      errorMessage() {
        throw new TypeError('planted');
      },
    }),
  ];
  // One request of each run, by its id: how many the first run has sent by its end depends on the machine.
  const refusing = await serve((_index, request, response, body) => {
    const isRefused = String(request.headers['x-request-id']).endsWith('-r30');
    if (isRefused) response.writeHead(400).end('{"error":"no"}');
    else void streamTokens(response, maxTokens(body), 5);
  });
  for (const [i, faulty] of faults.entries()) {
    const out = join(folder, `ended-${i}`);
    const options = { endpoint: 'completions', model: 'tiny', runId: 'own' } as const;
    await assert.rejects(
      run({
        workload: trace,
        target: refusing.url.href,
        codec: (prompts) => faulty(openAiCodec(options, prompts)),
        out,
      }),
      (thrown) => thrown instanceof TypeError && thrown.message === 'planted',
    );
    assert.equal(readJson(out, 'run.json')['status'], 'interrupted');
  }
  await refusing.close();
});

it('a run that this process writes to cannot be opened, nor one with wrong options begun', async () => {
  let opening: Promise<unknown> = Promise.resolve();
  const out = join(folder, 'open');
  const started = (): void => {
    opening = assert.rejects(openRun(out), /this run still goes on/);
  };
  const { summary } = await run({ workload: trace, target: server.url.href, adapter: 'openai', out }, { started });
  await opening;
  assert.equal(summary.requests.scheduled, REQUESTS);
  for (const wrong of [
    {},
    { workload: trace, target: 5 },
    { workload: 5, target: 'reference' },
    { workload: {}, target: 'reference' },
  ])
    await assert.rejects(Reflect.apply(run, null, [wrong]), { name: 'UserError' });
});

it('a TypeError in the process of the reference engine is ours as well: exit 70 with its stack', async () => {
  const code = `const { send } = process;
if (send !== undefined)
  process.send = (message) => {
    setTimeout(() => { throw new TypeError('planted'); }, 700);
    return send.call(process, message);
  };`;
  const { code: exit, stderr } = await withPlanted('process', code, 'run', trace);
  assert.equal(exit, 70, stderr);
  assert.match(stderr, /the reference engine is gone: .*exit code 70[^]*TypeError: planted\n {4}at /);
  assert.equal(readJson(folder, 'process', 'run.json')['status'], 'interrupted');
});

it('a misuse that a user can mend stays one line and exit 2', async () => {
  const { code, stderr } = await startCli(['run', 'nowhere.csv']).result;
  assert.equal(code, 2);
  assert.match(stderr, /^error: nowhere\.csv: no such file/);
});
