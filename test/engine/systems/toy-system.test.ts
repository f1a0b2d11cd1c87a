import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { IterationEntry } from '../../../src/engine/instance/iteration-log.ts';
import { OptionReader } from '../../../src/engine/systems/option-reader.ts';
import { temporaryFolder } from '../../cli.ts';
import { runTrace } from '../small-engine.ts';
import { toy } from './toy.ts';

const folder = temporaryFolder();
/** 0.1 ms a prompt token from 10 on, 2 ms for the next token of one request. */
const TIMES = `phase,sequences,total_tokens,time_ms
prefill,1,10,1
prefill,1,100,10
decode,1,10,2
decode,1,100,2
`;

/** When it arrives in ms, prompt and output tokens. */
const ARRIVALS: Readonly<Record<string, readonly [atMs: number, inputTokens: number, outputTokens: number]>> = {
  A: [0, 40, 3],
  B: [1, 30, 2],
  C: [2, 10, 2],
  D: [3, 20, 1],
  E: [10.5, 10, 2],
  // 90 tokens are 6 blocks of 16, and there are 5.
  F: [12, 60, 30],
};

async function run(order: string): ReturnType<typeof runTrace> {
  const cost = join(folder, 'times.csv');
  writeFileSync(cost, TIMES);
  const given = new OptionReader('toy', { kv_tokens: 80, cost, order });
  const rows = Object.entries(ARRIVALS).map(([id, [atMs, inputTokens, outputTokens]]) => ({
    id,
    atUs: atMs * 1000,
    inputTokens,
    outputTokens,
  }));
  const ran = await runTrace((context) => toy.engine(given, context), rows);
  given.refuseOthers();
  assert.equal(ran.engine.load().usedBlocks, 0);
  return ran;
}

/** `C+10 from 8 to 9 ms, 4 blocks free, 2 wait`. */
function lineOf({ begin_us, stage_us, prefill, decode, free_blocks, waiting }: IterationEntry): string {
  const who = [...prefill.map(({ id, tokens }) => `${id}+${tokens}`), ...decode].join(' ');
  const ms = (us: number): string => (Math.round(us) / 1000).toString();
  return `${who} from ${ms(begin_us)} to ${ms(begin_us + stage_us)} ms, ${free_blocks} blocks free, ${waiting} wait`;
}

test('the shortest prompt first, worked by hand', async () => {
  const { entries, heard } = await run('shortest');
  assert.deepEqual(entries.map(lineOf), [
    // Alone when it came; 43 tokens are 3 blocks of 5.
    'A+40 from 0 to 4 ms, 2 blocks free, 0 wait',
    'A from 4 to 6 ms, 2 blocks free, 3 wait',
    'A from 6 to 8 ms, 2 blocks free, 3 wait',
    // Of B, C and D the shortest.
    'C+10 from 8 to 9 ms, 4 blocks free, 2 wait',
    'C from 9 to 11 ms, 4 blocks free, 2 wait',
    // E came last and is shorter than B and D.
    'E+10 from 11 to 12 ms, 4 blocks free, 2 wait',
    'E from 12 to 14 ms, 4 blocks free, 2 wait',
    // One token, and it came out of its prompt.
    'D+20 from 14 to 16 ms, 3 blocks free, 1 wait',
    'B+30 from 16 to 19 ms, 3 blocks free, 0 wait',
    'B from 19 to 21 ms, 3 blocks free, 0 wait',
  ]);
  assert.deepEqual(heard['F']?.refusals, ['400 The request needs 6 KV blocks for 90 tokens, and there are 5.']);
});

test('first come, first served where that is asked for', async () => {
  const { entries } = await run('first-come');
  const begun = entries.flatMap(({ prefill }) => prefill.map(({ id }) => id));
  assert.deepEqual(begun, ['A', 'B', 'C', 'D', 'E']);
});

test('the example of the README is this system, as it would stand in src/engine/systems', () => {
  const source = readFileSync(join(import.meta.dirname, 'toy.ts'), 'utf8')
    .replaceAll('../../../src/engine/systems/', './')
    .replaceAll('../../../src/engine/', '../');
  const readme = readFileSync(join(import.meta.dirname, '../../../src/engine/README.md'), 'utf8');
  const [, example] = /```ts\n(.*?)```/s.exec(readme) ?? [];
  assert.equal(example, source);
});
