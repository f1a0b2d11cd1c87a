import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../../src/core/errors.ts';
import {
  drawLine,
  print,
  printError,
  printGate,
  printWarning,
  tell,
  terminalLog,
} from '../../src/commands/terminal.ts';

const NASTY = 'a\u001B[2J\u001B]0;title\u0007\u009B31m\r\u202Eb\u200F\u{E0041}\n\tc';
const SHOWN = 'a\\u001b[2J\\u001b]0;title\\u0007\\u009b31m\\u000d\\u202eb\\u200f\\udb40\\udc41\n\tc';

/** What is written while `act` runs, on either stream. */
function written(act: () => void): string {
  const streams = [process.stdout, process.stderr];
  const before = streams.map((stream) => stream.write);
  let text = '';
  for (const stream of streams)
    stream.write = (chunk: string | Uint8Array) => {
      text += String(chunk);
      return true;
    };
  try {
    act();
  } finally {
    streams.forEach((stream, i) => (stream.write = before[i] ?? stream.write));
  }
  return text;
}

describe('the way to the terminal', () => {
  it('shows what a terminal would obey, whoever prints', () => {
    assert.equal(
      written(() => print(NASTY)),
      SHOWN,
    );
    assert.equal(
      written(() => tell(NASTY)),
      `${SHOWN}\n`,
    );
    for (const act of [
      () => printWarning(NASTY),
      () => printError(new UserError(NASTY)),
      () => printError(new Error(NASTY)),
      () => printError(NASTY),
      () => printGate(NASTY, true),
      () => printGate(NASTY, false),
      () => terminalLog(false).info(NASTY),
      () => terminalLog(true).warn(NASTY),
    ]) {
      const text = written(act);
      assert.ok(text.includes(SHOWN), text);
      // oxlint-disable-next-line no-control-regex -- Nothing else is left.
      assert.ok(!/[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202E]/.test(text));
    }
  });

  it('leaves the colours of our own reports on a terminal that has them, and nothing else of what is like them', () => {
    const { isTTY, hasColors } = process.stdout;
    const noColor = process.env['NO_COLOR'];
    delete process.env['NO_COLOR'];
    Object.assign(process.stdout, { isTTY: true, hasColors: () => true });
    try {
      const text = written(() => print('\u001B[31mbad\u001B[0m \u001B[8mhidden\u001B[31;8mx\u001B]0;t\u0007'));
      assert.equal(text, '\u001B[31mbad\u001B[0m \\u001b[8mhidden\\u001b[31;8mx\\u001b]0;t\\u0007');
    } finally {
      Object.assign(process.stdout, { isTTY, hasColors });
      if (noColor !== undefined) process.env['NO_COLOR'] = noColor;
    }
  });

  it('draws a line of progress over the one before, whatever is in it', () => {
    let text = '';
    const stream = { isTTY: true, write: (part: string) => (text += part) };
    drawLine('a\u001B[2J\nb', stream);
    assert.equal(text, '\r\u001B[2Ka\\u001b[2J\\u000ab');
    text = '';
    drawLine('a\rb', { ...stream, isTTY: false });
    assert.equal(text, 'a\\u000db\n');
  });

  it('cuts a line that is far too long, of messages alone', () => {
    const long = 'x'.repeat(1e6);
    assert.ok(written(() => printError(new UserError(`cell ${long}: wrong`))).length < 5000);
    assert.equal(
      written(() => print(long)),
      long,
    );
  });

  it('JSON stays the same JSON', () => {
    const json = JSON.stringify({ model: NASTY }, null, 2);
    const text = written(() => print(json));
    assert.deepEqual(JSON.parse(text), { model: NASTY });
  });
});
