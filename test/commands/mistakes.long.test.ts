import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cli, temporaryFolder } from '../cli.ts';

const folder = temporaryFolder();
const out = join(folder, 'out');
const file = (name: string, content: string | Buffer): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const HEADER = 'arrival_s,input_tokens,output_tokens\n';
const good = file('good.csv', `${HEADER}0,10,5\n1.5,20,6\n`);
const mooncake = file(
  'mooncake.jsonl',
  '{"timestamp": 0, "input_length": 1300, "output_length": 5, "hash_ids": [0, 1, 2]}\n',
);
mkdirSync(join(folder, 'a-folder'));

const placed = ['--model', 'opt-13b', '--gpu', 'a100-sxm-80g', '--gpus', '2', '--slo', 'ttft=1s'];
const occupied = join(folder, 'occupied');
mkdirSync(occupied);
writeFileSync(join(occupied, 'run.json'), '{}');

const run = (...args: string[]): string[] => ['run', ...args, '--clock', 'virtual', '--out', out];

/** What a user got wrong -> the exit code and what the message must name. */
const mistakes: [what: string, args: string[], code: number, names: RegExp][] = [
  ['a misspelt sample', run('chatt'), 2, /chatt: no such file; did you mean chat\?/],
  ['a misspelt file', run(join(folder, 'goood.csv')), 2, /goood\.csv: no such file; did you mean .*good\.csv\?/],
  ['no such file', run(join(folder, 'nope.csv')), 2, /nope\.csv.*(not found|no such file|does not exist)/i],
  ['a directory', run(join(folder, 'a-folder')), 2, /a-folder: the folder holds no files, expected those of a trace/],
  ['an empty file', run(file('empty.csv', '')), 2, /empty\.csv.*empty/],
  [
    'a binary file',
    run(file('binary.csv', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 1, 2, 0]))),
    2,
    /binary\.csv.*binary/i,
  ],
  ['an unknown header', run(file('other.csv', 'when,in,out\n1,2,3\n')), 2, /other\.csv.*when, in, out/s],
  ['a header and no rows', run(file('header.csv', HEADER)), 2, /header\.csv/],
  [
    'a bad length',
    run(file('bad.csv', `${HEADER}0,10,5\n1,12.5,6\n`)),
    2,
    /bad\.csv:3:.*input_tokens.*"12\.5".*whole/s,
  ],
  ['a bad time', run(file('time.csv', `${HEADER}0,10,5\nsoon,10,6\n`)), 2, /time\.csv:3:.*arrival_s.*"soon"/s],
  [
    'a run directory that cannot be made, over HTTP',
    ['run', good, '--quiet', '--out', join(good, 'below')],
    2,
    /good\.csv: a directory was to be here, but this is a file; choose another --out/,
  ],
  ['an SLO without a unit', run(good, '--slo', 'ttft=200,tpot=50ms'), 2, /--slo ttft: "200" has no unit/],
  ['an unknown SLO metric', run(good, '--slo', 'ttfft=200ms'), 2, /"ttfft=200ms".*did you mean ttft=200ms\?/],
  [
    'an unknown SLO profile',
    run(good, '--slo', 'distserve-osdi-chat-opt13b'),
    2,
    /distserve-osdi-chat-opt13b.*did you mean "distserve-osdi-chat-opt-13b"/,
  ],
  ['an unknown SLO profile of a report', ['report', out, '--slo', 'fast'], 2, /--slo: "fast" is neither limits/],
  ['a misspelt option', run(good, '--sped', '2'), 2, /unknown option --sped; did you mean --speed\?/],
  ['a limit that is no number', run(good, '--limit', 'ten'), 2, /--limit: got "ten", expected a whole number from 1/],
  ['a limit without its number', run(good, '--limit'), 2, /--limit: needs a value/],
  ['a rate before another option', run(good, '--rate', '--quiet'), 2, /--rate: needs a value/],
  ['no trace to inspect', ['trace', 'inspect'], 2, /reprise trace <action> <file>.*--help/],
  ['a speed that takes ages', run(good, '--speed', '1e-300'), 2, /--speed 1e-300: .*285 years/],
  ['a rate that takes ages', run(good, '--rate', '1e-300'), 2, /--rate 1e-300: .*285 years/],
  ['a name too long for a file', run('x'.repeat(300)), 2, /xxx: cannot be read: ENAMETOOLONG/],
  ['a device', run('/dev/zero'), 2, /\/dev\/zero: is a pipe or device/],
  [
    'a tokenizer in virtual time',
    run(good, '--tokenizer', 'server'),
    2,
    /--tokenizer server: --clock virtual has no server/,
  ],
  [
    'a tokenizer that is not there',
    ['run', good, '--endpoint', 'chat', '--tokenizer', join(folder, 'nope'), '--target', 'http://127.0.0.1:9'],
    2,
    /--tokenizer: .*nope does not exist; expected a model's tokenizer\.json/,
  ],
  [
    'a tokenizer that is a trace',
    ['run', good, '--endpoint', 'chat', '--tokenizer', good, '--target', 'http://127.0.0.1:9'],
    2,
    /--tokenizer: .*good\.csv is not JSON/,
  ],
  ['an unknown command', ['rum'], 2, /unknown command "rum"; did you mean "run"\?/],
  ['no command', [], 2, /name a command/],
  ['a command behind an option', ['--quiet', 'rnu'], 2, /unknown command "rnu"; did you mean "run"\?/],
  ['an option without a command', ['--versoin'], 2, /unknown option --versoin; did you mean --version\?/],
  ['help on nothing', ['help', 'rnu'], 2, /unknown command "rnu"; did you mean "run"\?/],
  ['an empty window', run(good, '--window', '100s..200s'), 2, /window.*1\.5/s],
  ['a window without units', run(good, '--window', '10..20'), 2, /--window: "10" has no unit/],
  ['a speed of zero', run(good, '--speed', '0'), 2, /--speed: got 0/],
  ['a warm-up without a unit', run(good, '--warmup', '30'), 2, /--warmup: "30" has no unit/],
  [
    'a warm-up and a cool-down that leave nothing',
    run(good, '--warmup', '1s', '--cooldown', '200ms'),
    2,
    /--warmup 1\.00 s, --cooldown 200 ms: no request of good\.csv is due between them, the last is due at 1\.50 s/,
  ],
  ['a warm-up longer than the trace', run(good, '--warmup', '10m'), 2, /--warmup 10\.0 min.*last is due at 1\.50 s/],
  [
    'a way to a rate that is none',
    run(good, '--rate', '2', '--rate-by', 'tokens'),
    2,
    /--rate-by: got "tokens", expected time, sessions, superpose/,
  ],
  ['arrivals of no kind', ['place', good, ...placed, '--arrivals', 'bursty'], 2, /--arrivals: "bursty" is none of/],
  ['a way to a rate that is not given', run(good, '--rate-by', 'sessions'), 2, /--rate-by: .*--rate RPS/],
  ['a way to a rate of a file to write', ['trace', 'convert', good, out, '--rate-by', 'sessions'], 2, /--rate RPS/],
  ['think times that nothing scales', run(good, '--scale-think'), 2, /--scale-think: .*--speed X or --rate RPS/],
  [
    'think times of a file to write that nothing scales',
    ['trace', 'convert', good, out, '--scale-think'],
    2,
    /--speed X or --rate RPS/,
  ],
  [
    'an idle time of requests at their times',
    run(good, '--idle-cap', '1s'),
    2,
    /--idle-cap 1\.00 s: .*--sessions think/,
  ],
  ['an idle time of nothing', run(good, '--idle-cap', '0s', '--sessions', 'think'), 2, /--idle-cap: got 0s, expected/],
  ['a filter that is none', run(good, '--filter', 'class'), 2, /--filter: "class" is no condition/],
  ['a filter that leaves none', run(good, '--filter', 'class=chat'), 2, /--filter "class=chat": leaves no request/],
  ['a sample of nothing', run(good, '--thin', '0'), 2, /--thin: got 0, expected a share/],
  ['a rate of zero', run(good, '--rate', '0'), 2, /--rate: got 0/],
  ['a rate and a speed', run(good, '--rate', '2', '--speed', '3'), 2, /--rate 2 and --speed 3 both scale time/],
  ['a clip of nothing', run(good, '--clip-input', '0'), 2, /--clip-input: got 0/],
  [
    'a block size of a trace without blocks',
    run(good, '--block-tokens', '16'),
    2,
    /--block-tokens: .*no prefix blocks/,
  ],
  [
    'a wrong block size',
    ['trace', 'inspect', mooncake, '--block-tokens', '16'],
    2,
    /block_count_mismatch.*--block-tokens 512/,
  ],
  ['a limit of half a request', run(good, '--limit', '0.5'), 2, /--limit: got 0\.5/],
  ['an unknown clock', run(good, '--clock', 'fast'), 2, /--clock/],
  ['an unknown system', run(good, '--target', 'reference:vlm-v1'), 2, /vlm-v1.*did you mean "vllm-v1"/],
  [
    'an unknown model',
    run(good, '--target', 'reference:vllm-v1,model=llama-3.1-9b'),
    2,
    /llama-3\.1-9b.*did you mean "llama-3\.1-8b"/,
  ],
  ['an unknown key', run(good, '--target', 'reference:vllm-v1,gpus=h100-sxm'), 2, /gpus.*did you mean "gpu"/],
  ['a target that is neither', run(good, '--target', 'localhost:8000'), 2, /did you mean http:\/\/localhost:8000\?/],
  [
    'a port that is none',
    ['run', good, '--target', 'http://127.0.0.1:99999', '--out', out],
    2,
    /--target: "http:\/\/127\.0\.0\.1:99999" is (?!.*did you mean).*; a port is a number up to 65535/,
  ],
  [
    'virtual time on a server',
    run(good, '--target', 'http://127.0.0.1:9'),
    2,
    /--clock virtual needs the reference engine/,
  ],
  [
    'a server to start that is ours to start',
    ['run', good, '--start', 'vllm serve', '--out', out],
    2,
    /--start: reference:.* is started by reprise itself/,
  ],
  [
    'something to wait for and nothing to start',
    ['run', good, '--target', 'http://127.0.0.1:9', '--ready', 'http://127.0.0.1:9/up', '--out', out],
    2,
    /--ready: .*--start/,
  ],
  [
    'a URL to wait for that is none',
    ['run', good, '--target', 'http://127.0.0.1:9', '--start', 'exit', '--ready', 'up', '--out', out],
    2,
    /--ready: "up" is not a URL/,
  ],
  [
    'a time to start without a unit',
    ['run', good, '--target', 'http://127.0.0.1:9', '--start', 'exit', '--start-timeout', '60', '--out', out],
    2,
    /--start-timeout: "60" has no unit/,
  ],
  ['an unknown adapter', run(good, '--adapter', 'openia'), 2, /openia.*did you mean "openai"/],
  [
    'a refused target',
    ['run', good, '--target', 'http://127.0.0.1:9', '--out', out],
    3,
    /cannot reach http:\/\/127\.0\.0\.1:9/,
  ],
  [
    'a target that is none, with a query that may hold a key',
    run(good, '--target', 'htp://host/v1?key=hunter2'),
    2,
    /--target: "htp:\/\/host\/v1\?key=\*\*\*" is neither/,
  ],
  [
    'a target that is the URL of another endpoint',
    ['run', good, '--target', 'http://127.0.0.1:9/v1/chat/completions', '--endpoint', 'completions', '--out', out],
    2,
    /--endpoint completions: the URL of --target is that of chat; name its base, http:\/\/127\.0\.0\.1:9\/v1$/m,
  ],
  [
    'a body that is no JSON, which may hold a key',
    run(good, '--extra-body', '{api_key: hunter2}'),
    2,
    /--extra-body: (?!.*hunter2)expected a JSON object/,
  ],
  [
    'a body of what is measured',
    run(good, '--extra-body', '{"stream":false}'),
    2,
    /--extra-body: stream cannot be set/,
  ],
  ['two bodies', run(good, '--extra-body', '{}', '--extra-body', '{}'), 2, /--extra-body: is given more than once/],
  ['a temperature below zero', run(good, '--temperature', '-1'), 2, /--temperature: got -1, expected a number from 0/],
  [
    'a header that cannot be sent',
    run(good, '--header', 'x-key: snow\u2603'),
    2,
    /--header: Invalid character in header content \["x-key"\]/,
  ],
  [
    'a header without a proper name',
    run(good, '--header', 'x key: a'),
    2,
    /--header: what stands before the colon is no name/,
  ],
  ['a header of the connection', run(good, '--header', 'Content-Length: 5'), 2, /--header: "content-length"/],
  [
    'an API key that is not set',
    run(good, '--api-key-env', 'REPRISE_NO_SUCH_KEY'),
    2,
    /--api-key-env: (?!.*NO_SUCH_KEY).*is what is given the key itself/,
  ],
  ['an option without its value', run(good, '--limit'), 2, /--limit: needs a value/],
  ['a value that begins like an option', run(good, '--timeout', '-5s'), 2, /--timeout: "-5s" is not a duration/],
  ['no time to answer', run(good, '--timeout', '0s'), 2, /--timeout: 0s leaves no time to answer/],
  ['a variable that is not set', ['run', good, '--clock', 'virtual', '--out', ''], 2, /--out: is empty/],
  ['a number that is not set', run(good, '--seed='), 2, /--seed: is empty/],
  ['a number that is none', run(good, '--seed', 'abc'), 2, /--seed: got "abc", expected a whole number/],
  ['an option that is given twice', run(good, '--speed', '2', '--speed', '3'), 2, /--speed: is given more than once/],
  ['an unknown option of two words', run(good, '--clip-imput', '3'), 2, /^error: .*--clip-input\?\n"reprise run/],
  ['an unknown command with an argument', ['serach', 'chat'], 2, /^error: unknown command "serach"\n"reprise --help"/],
  ['an unknown action', ['engine', 'lst'], 2, /action: "lst" is not known; did you mean "list"\?/],
  [
    'an action without its file',
    ['trace', 'inspect'],
    2,
    /trace <action> <file> \[out\] \[others\.\.\]: something is missing, e\.g\. reprise/,
  ],
  ['a report on no directory', ['report'], 2, /report: name a run directory/],
  ['a folder that cannot be made', ['run', good, '--clock', 'virtual', '--out', '/proc/run'], 2, /\/proc\/run.*--out/],
  ['a report on nothing', ['report', join(folder, 'nothing')], 2, /nothing.*(no such directory)/],
  ['a report on no run', ['report', join(folder, 'a-folder')], 2, /a-folder.*not a run directory/],
  ['a misspelt run', ['report', `${occupied}s`], 2, /occupieds: no such directory; did you mean .*occupied\?/],
  ['a run again of nothing', ['rerun', join(folder, 'nothing')], 2, /nothing: no such directory/],
  ['a run again of no run', ['rerun', join(folder, 'a-folder')], 2, /a-folder.*not a run directory/],
  ['a run again of no name', ['rerun'], 2, /reprise rerun <dir>.*something is missing/],
  ['no config file', run(good, '--config', join(folder, 'none.yaml')), 2, /--config: .*none\.yaml: no such file/],
  ['a wrong config file', run('--config', file('c.yaml', 'seed: 1\nlimit: -5\n')), 2, /c\.yaml:2: --limit: got -5/],
  ['a page of nothing', ['place', good, '--open', ...placed], 2, /--open: there is no page to open without --out/],
  ['inspecting nothing', ['trace', 'inspect', join(folder, 'nope.csv')], 2, /nope\.csv/],
];

describe('what a user can get wrong', { concurrency: 2 }, () => {
  for (const [what, args, code, names] of mistakes)
    it(`${what}: one clear message, exit ${code}, nothing written`, async () => {
      const result = await cli(...args);
      assert.match(result.stderr, names);
      assert.equal(result.code, code, result.stderr);
      assert.doesNotMatch(result.stderr, /^\s+at .*:\d+/m, 'no stack trace');
      assert.equal(result.stderr.match(/error:/g)?.length, 1, 'one error');
      assert.equal(result.stdout, '');
      assert.equal(existsSync(out), false, 'nothing half-written');
    });

  it('an --out that is in the way is not touched', async () => {
    const result = await cli('run', good, '--clock', 'virtual', '--out', occupied);
    assert.equal(result.code, 2);
    assert.match(result.stderr, /occupied: not empty/);
  });
});
