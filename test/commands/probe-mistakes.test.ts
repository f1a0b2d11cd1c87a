import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EXIT, UserError } from '../../src/core/errors.ts';
import { runLine } from '../../src/commands/main.ts';
import { probeCommand } from '../../src/commands/probe.ts';

const COMMANDS = new Map([['probe', async () => probeCommand]]);
const CLOSED = 'http://127.0.0.1:1';

describe('a mistake in a line of probe: exit code 2, before anything is sent', () => {
  const mistakes: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [[], /url/i],
    [['localhost:8000'], /^probe: "localhost:8000" is neither a URL .*did you mean http:\/\/localhost:8000\?/],
    [['reference:vllm-v1'], /reprise engine serve/],
    [[CLOSED, '--front-end', '0'], /^--front-end: "0" is not a number above 0/],
    [[CLOSED, '--front-end', '1.5'], /^--front-end: 1\.5 is not a number of connections/],
    [[CLOSED, '--front-end', '1,6000'], /^--front-end: 6000 is not a number of connections from 1 to 5,000/],
    [[CLOSED, '--load-time', '2'], /^--load-time: "2" has no unit/],
    [[CLOSED, '--load-time', '1ms'], /^--load-time: 1ms is not from 100ms to 10m/],
    [[CLOSED, '--load-time', '900h'], /^--load-time: 900h is not from 100ms to 10m/],
    [[CLOSED, 'nowhere.csv'], /nowhere\.csv/],
    [[CLOSED, '--adapter', 'vlm'], /^--adapter: "vlm" is not known; did you mean "vllm"/],
    [[CLOSED, '--endpoint', 'generate', '--adapter', 'vllm'], /^--endpoint generate: adapter vllm speaks/],
    [[CLOSED, '--api-key-env', 'NO_SUCH_KEY'], /--api-key-env: (?!.*NO_SUCH_KEY).*is what is given the key itself/],
    [[CLOSED, '--clock', 'virtual'], /clock/],
  ];
  for (const [args, message] of mistakes)
    it(args.join(' '), async () => {
      await assert.rejects(runLine(['probe', ...args, '--quiet'], COMMANDS), (thrown) => {
        assert.ok(thrown instanceof UserError, String(thrown));
        assert.equal(thrown.exitCode, EXIT.usage);
        assert.match(thrown.message, message);
        return true;
      });
    });
});
