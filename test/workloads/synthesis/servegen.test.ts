import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { UserError } from '../../../src/core/errors.ts';
import { synthesize } from '../../../workloads/synthesis/index.ts';
import { clientRequests, readClients } from '../../../workloads/synthesis/servegen.ts';

const folder = mkdtempSync(join(tmpdir(), 'reprise-servegen-'));
after(() => rmSync(folder, { recursive: true }));

function client(name: string, trace: string, dataset: unknown): void {
  writeFileSync(join(folder, `chunk-${name}-trace.csv`), trace);
  writeFileSync(join(folder, `chunk-${name}-dataset.json`), JSON.stringify(dataset));
}

const LENGTHS = { '0': { input_tokens: '{10: 0.5, 1000: 0.5}', output_tokens: '{1: 0.5, 2: 5e-1}' } };
client('0', '0,4,2,Gamma,0.25,1\n600,0,0,,0,0\n1200,8,1.5,Weibull,0.7,0.1\n', LENGTHS);
client('1', '0,1,1,Gamma,1,1\n', { ...LENGTHS, '300': { input_tokens: '{}', output_tokens: '{}' } });
client('2', '0,0,0,,0,0\n', { '0': { input_tokens: '{}', output_tokens: '{}' } });

test('each client sends at its rates and no more in an empty window, with its lengths', () => {
  const found = readClients(folder, null);
  assert.deepEqual([found.clients.length, found.endS, found.silent], [2, 1800, 1]);
  let inWindow = [0, 0, 0];
  let [pairs, alike] = [0, 0];
  for (let seed = 0; seed < 6; seed++)
    for (const { user, dueUs, inputTokens, outputTokens } of clientRequests(found, 'independent', seed)) {
      assert.ok(inputTokens === 10 || inputTokens === 1000);
      pairs++;
      if ((inputTokens === 10) === (outputTokens === 1)) alike++;
      if (user === 'chunk-0') inWindow = inWindow.map((count, i) => count + (Math.floor(dueUs / 600e6) === i ? 1 : 0));
    }
  const [first = 0, empty, last = 0] = inWindow;
  // Five deviations of counts whose variance is 4 and 2.25 times their mean.
  assert.ok(Math.abs(first - 6 * 2400) < 5 * Math.sqrt(4 * 6 * 2400), `${first}`);
  assert.equal(empty, 0);
  assert.ok(Math.abs(last - 6 * 4800) < 5 * Math.sqrt(2.25 * 6 * 4800), `${last}`);
  assert.ok(Math.abs(alike / pairs - 0.5) < 0.02);
  for (const { inputTokens, outputTokens } of clientRequests(readClients(folder, 1), 'joint', 1))
    assert.equal(inputTokens === 10, outputTokens === 1);
  assert.deepEqual(
    readClients(folder, 1).clients.map(({ name }) => name),
    ['chunk-0'],
  );
});

test('prompts with images have their tokens too, answers say how much of them is reasoning, and a limit what it leaves out', async () => {
  const other = mkdtempSync(join(folder, 'media-'));
  const write = (name: string, rate: number, fields: object): void => {
    writeFileSync(join(other, `chunk-${name}-trace.csv`), `0,${rate},1,Gamma,1,1\n`);
    writeFileSync(join(other, `chunk-${name}-dataset.json`), JSON.stringify({ '0': fields }));
  };
  write('0', 3, {
    text_tokens: '{20: 1}',
    image_count: '{0: 0.5, 2: 0.5}',
    image_tokens: '{100: 0.5, 300: 0.5}',
    audio_count: '{}',
    audio_tokens: '{7: 1}',
    output_tokens: '{50: 1}',
  });
  write('1', 1, { input_tokens: '{10: 1}', output_tokens: '{40: 1}', reason_ratio: '{0.0: 0.5, 0.25: 0.5}' });
  const found = readClients(other, null);
  const requests = [...clientRequests(found, 'independent', 1)];
  const seen = new Set<string>();
  for (const { user, inputTokens, media = [], extra } of requests) {
    if (user === 'chunk-0') assert.equal(inputTokens, 20 + media.reduce((sum, { tokens = 0 }) => sum + tokens, 0));
    seen.add(user === 'chunk-0' ? media.map(({ kind, tokens }) => `${kind} ${tokens}`).join() : JSON.stringify(extra));
  }
  assert.deepEqual([...seen].toSorted(), [
    '',
    'image 100,image 100',
    'image 100,image 300',
    'image 300,image 100',
    'image 300,image 300',
    '{"reasoning_tokens":0}',
    '{"reasoning_tokens":10}',
  ]);
  assert.deepEqual(found.others, { count: 0, share: 0 });
  const make = { clients: { folder: other, top: 1, draws: 'independent' as const } };
  const { notes } = await synthesize({ seed: 1, durationS: 60, requests: null, make });
  assert.match(
    notes.join('\n'),
    /^--top-clients 1 leaves out 1 client with 25\.0 % of all requests\nimages, audio.*not sent/,
  );
});

test('what is wrong in a folder is named, and nothing of it is evaluated', () => {
  const bad = mkdtempSync(join(folder, 'bad-'));
  const refused = (trace: string, dataset: unknown, named: RegExp): void => {
    writeFileSync(join(bad, 'chunk-9-trace.csv'), trace);
    writeFileSync(join(bad, 'chunk-9-dataset.json'), JSON.stringify(dataset));
    assert.throws(
      () => readClients(bad, null),
      (thrown) => thrown instanceof UserError && named.test(thrown.message),
    );
  };
  assert.throws(() => readClients(bad, null), /chunk-ID-trace.csv/);
  refused('0,4,2,Pareto,0.25,1\n', LENGTHS, /trace.csv:1: got Pareto/);
  refused('0,4,2,Gamma,1,1\n0,4,2,Gamma,1,1\n', LENGTHS, /trace.csv:2/);
  refused('7,4,2,Gamma,1,1\n', LENGTHS, /trace.csv:1/);
  refused('0,4,2,Gamma,1,1\n', { noon: LENGTHS['0'] }, /dataset.json: got "noon", expected a start/);
  refused('0,4,2,Gamma,1,1\n', { 0: '{}' }, /dataset.json: from 0 s: got "{}", expected an object of input_tokens/);
  refused(
    '0,4,2,Gamma,1,1\n',
    { '0': { input_tokens: '{process.exit(): 1}', output_tokens: '{1: 1}' } },
    /input_tokens/,
  );
  refused('0,0,0,,0,0\n', LENGTHS, /no client/);
});
